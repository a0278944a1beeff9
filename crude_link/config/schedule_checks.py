"""Checks of `cron`, `timezone` and `schedule`: what only triggers can judge, and what entries are to one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from crude_link.config.checks import Subject
from crude_link.config.cron import schedule_of, wrong_with_cron, wrong_with_zone
from crude_link.config.node import Path
from crude_link.config.schedule_form import SCHEDULE, TIMINGS, entries_of, in_full
from crude_link.model.schedule import Schedule
from crude_link.model.value import Plain

_BOTH = (
    "`cron` and `schedule` both say when; write `cron` as an entry of `schedule`: "
    "`schedule: [{cron: ..., on_failure: stop}, ...]`"
)
#: What speaks of slot times that were missed, or wait.
_IDLE_BESIDE_LOOKS = ("catch_up", "max_catch_up", "dst")


def check_schedules(subject: Subject) -> None:
    """Check when the pipeline runs by itself."""
    wrong = wrong_with_zone(subject.document.get("timezone"), _judge(subject))
    if wrong:
        subject.problems.add(f"`timezone`: {wrong}", subject.at("timezone"))
    if "cron" in subject.document:
        _timing(subject, (), subject.document)
    if subject.document.get("schedule") is not None:
        if "cron" in subject.document:
            subject.problems.add(_BOTH, subject.tree.nearest(("schedule",)).place)
        _entries(subject, subject.document["schedule"])
    elif "schedule" in subject.document:
        place = subject.tree.nearest(("schedule",)).place
        if place and place[1] == 1:  # deeper in, it takes away from one pipeline what all share
            message = "`schedule` is empty: the pipeline runs only by hand; give it an entry such as `every: 10m`"
            subject.problems.warn(message, place)
    _idle_zone(subject)


def _judge(subject: Subject) -> Callable[[Schedule], str | None]:
    return subject.check_schedule or (lambda _: None)


def _entries(subject: Subject, said: Plain) -> None:
    seen: dict[str, int] = {}
    read = SCHEDULE.read(said, (), _ignore)
    for number, ((below, entry), schedule) in enumerate(zip(entries_of(said), read, strict=True), start=1):
        path: Path = ("schedule", *below)
        keys = in_full(entry)
        looks = schedule.new_files is not None
        if not looks and sum(name in keys for name in TIMINGS) != 1:
            continue  # the form tells
        wrong = wrong_with_zone(keys.get("timezone"), _judge(subject))
        if wrong:
            subject.problems.add(f"`timezone`: {wrong}", subject.at(*path, "timezone"))
        if not looks or "every" in keys:
            _timing(subject, path, {"timezone": subject.document.get("timezone"), **keys}, schedule)
        if schedule.entry in seen:
            first = seen[schedule.entry]
            subject.problems.add(
                f"entries {first} and {number} of `schedule` are both called '{schedule.entry}' in history; "
                "give each a `name` of its own",
                subject.at(*path),
            )
        seen.setdefault(schedule.entry, number)
        for name in _IDLE_BESIDE_LOOKS if looks else ():
            if name in keys:
                message = f"`{name}` does nothing beside `new_files`: the next look finds all that came meanwhile"
                subject.problems.warn(message, subject.tree.nearest((*path, name)).place)
        if not looks and "max_catch_up" in keys and keys.get("catch_up") != "all" and keys.get("overlap") != "queue":
            message = "`max_catch_up` does nothing without `catch_up: all` or `overlap: queue`"
            subject.problems.warn(message, subject.tree.nearest((*path, "max_catch_up")).place)


def _timing(subject: Subject, path: Path, said: Mapping[str, Plain], schedule: Schedule | None = None) -> None:
    """Tell what is wrong with `cron`, `every` or `at`, and where it may mean something else than was wanted."""
    judge, zone = _judge(subject), said.get("timezone")
    zone = zone if isinstance(zone, str) and wrong_with_zone(zone, judge) is None else None
    kind = next(name for name in TIMINGS if name in said)
    if kind == "cron":
        found = list(wrong_with_cron(said["cron"], zone, judge))
        schedule = schedule_of(said["cron"], zone)
    else:
        is_read = schedule is not None and (schedule.every is not None or schedule.at is not None)
        schedule = replace(schedule, timezone=zone) if schedule and is_read else None
        message = judge(schedule) if schedule else None
        found = [((), message)] if message else []
    for below, message in found:
        node = subject.tree.nearest((*path, kind, *below))
        at = node.at if below or isinstance(said[kind], str) else node.place
        subject.problems.add(message if message.startswith(("`cron`", "an ")) else f"`{kind}`: {message}", at)
    advice = subject.advise_schedule(schedule) if schedule and not found and subject.advise_schedule else None
    if advice:
        subject.problems.warn(f"`{kind}`: {advice}", subject.tree.nearest((*path, kind)).place)


def _idle_zone(subject: Subject) -> None:
    """Warn of a `timezone` that no schedule takes."""
    if "timezone" not in subject.document:
        return
    cron, schedule = subject.document.get("cron"), subject.document.get("schedule")
    place = subject.tree.nearest(("timezone",)).place
    if cron is None and schedule is None:
        subject.problems.warn("`timezone` does nothing without `cron` or `schedule`", place)
    elif isinstance(cron, Mapping) and "timezone" in cron:
        subject.problems.warn("`timezone` does nothing here, for `cron` has its own", place)


def _ignore(path: Path, message: str, of_key: bool) -> None:
    """Say nothing: validation tells it."""
