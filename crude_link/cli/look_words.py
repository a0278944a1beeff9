"""Look words: how the looks for new files go, as `schedule status` says it."""

from __future__ import annotations

from collections.abc import Sequence

from crude_link.cli.schedules import Entry
from crude_link.model.look import Lookout
from crude_link.model.words import moment_words


def lookouts_of(entries: Sequence[Entry], known: Sequence[Lookout]) -> list[Lookout]:
    """Return how the looks of these entries go; those that only watch the clock have none."""
    found = {(each.pipeline, each.entry): each for each in known}
    return [
        found.get((entry.pipeline, entry.name), Lookout(pipeline=entry.pipeline, entry=entry.name))
        for entry in entries
        if entry.schedule.new_files
    ]


def look_line(lookout: Lookout) -> str:
    """Say it: `scans, new files in s3://b/in: looked at 2026-03-01 02:00:05 +00:00, 12 files, none of them new`."""
    return f"{lookout.pipeline}, {lookout.entry}: {_how(lookout)}"


def _how(lookout: Lookout) -> str:
    if lookout.looked is None:
        return "has not looked yet"
    if lookout.failing_since:
        times = f"{lookout.failures:,} time{'s' if lookout.failures != 1 else ''}"
        since = moment_words(lookout.failing_since, seconds=True)
        return f"cannot look since {since}, tried {times}: {lookout.problem}"
    return f"looked at {moment_words(lookout.looked, seconds=True)}, {_found(lookout.files, lookout.new)}"


def _found(files: int, new: int) -> str:
    if not files:
        return "no files are there"
    are = f"{files:,} file{'s' if files != 1 else ''}"
    return f"{are}, {f'{new:,}' if new else 'none'} of them new"
