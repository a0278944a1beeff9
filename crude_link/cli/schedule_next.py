"""`crude-link schedule next`: the slot times that come."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option, json_option
from crude_link.errors import UsageError

if TYPE_CHECKING:
    from crude_link.app import Records
    from crude_link.cli.forecast import Coming, Present

_MOST = 10_000
#: Of so many runs the median says how long one takes.
_LAST_RUNS = 20


@click.command()
@click.argument("words", nargs=-1, metavar="[N] [PIPELINE...]")
@config_option
@json_option
@common_options
def command(words: tuple[str, ...], config_file: tuple[Path, ...], as_json: bool) -> int:
    """Print the next N slot times (10) of all schedules, or of those of PIPELINE, and what would become of them.

    Where a run usually takes longer than the time to the next one, it says what overlap would do. Of an entry that
    looks for new files it prints the next look, which may find none. Times are in the zone of the schedule. Without
    -c it is about the files that a living scheduler follows, else `config.yaml`.
    """
    from crude_link.app import Desk
    from crude_link.cli.forecast import forecast
    from crude_link.cli.schedules import (
        ended_schedules,
        entries_of,
        files_meant,
        is_scheduling,
        records_if_any,
        start_command,
    )
    from crude_link.cli.talk import print_json, say, show

    count, names = _read(words)
    desk = Desk.here()
    records = records_if_any(desk)
    entries = entries_of(desk, files_meant(records, config_file), names)
    now = desk.clock.now()
    ended = ended_schedules(records)
    coming = forecast(entries, lambda pipeline: _present(records, pipeline, ended), now, count)
    if as_json:
        print_json([_as_json(each, now) for each in coming])
    elif coming:
        show(_lines(coming, now))
    else:
        say("none of them ever fires again")
    if coming and not is_scheduling(records):
        last = records.store.schedulers.scheduler() if records else None
        say(f"no scheduler is running: nobody will begin them · {start_command(last)}")
    return 0


def _present(records: Records | None, pipeline: str, ended: Mapping[str, str]) -> Present:
    """Return what is known now of a pipeline."""
    from crude_link.cli.forecast import Present
    from crude_link.model.status import Status

    if records is None:
        return Present()
    return Present(
        usual=_usual(records, pipeline),
        going=[run.began for run in records.store.history.going(pipeline) if run.status is Status.RUNNING],
        pause=next((pause for pause in records.store.schedulers.pauses() if pause.pipeline == pipeline), None),
        ended=ended.get(pipeline, ""),
    )


def _usual(records: Records, pipeline: str) -> timedelta | None:
    """Return how long the last runs that succeeded took, in the middle; None where there is none."""
    from crude_link.cli.record import worked
    from crude_link.model.status import Status

    runs = records.store.history.runs(pipeline, 2 * _LAST_RUNS)
    good = [run for run in runs if run.status is Status.SUCCEEDED][:_LAST_RUNS]
    times = sorted(took for run in good if (took := worked(records.store.history.sittings(run.id))) is not None)
    return times[len(times) // 2] if times else None


def _read(words: Sequence[str]) -> tuple[int, list[str]]:
    """Tell the number among the words from the names."""
    numbers = [word for word in words if word.lstrip("-").isdecimal()]
    names = [word for word in words if word not in numbers]
    count = int(numbers[0]) if numbers else 10
    if len(numbers) > 1 or not 1 <= count <= _MOST:
        raise UsageError(f"{' '.join(numbers)}: N is one number from 1 to {_MOST:,}")
    return count, names


def _lines(coming: Sequence[Coming], now: datetime) -> list[str]:
    from crude_link.cli.moments import wait_words, zone_name
    from crude_link.model.words import moment_words, zoned_words
    from crude_link.notifiers.look import look_of
    from crude_link.notifiers.table import Cell, Column, Table

    columns = [Column(title) for title in ("slot time", "in", "zone", "here", "pipeline", "entry", "note")]
    seconds = any(each.slot_time.second for each in coming)
    rows: list[list[Cell | str]] = []
    for each in coming:
        words = zoned_words(each.slot_time, seconds=seconds)
        here = moment_words(each.slot_time, seconds=seconds)
        is_elsewhere = here != words
        rows.append(
            [
                Cell(words, bold=True),
                wait_words(each.slot_time - now),
                zone_name(each.slot_time) if is_elsewhere else "",
                here if is_elsewhere else "",
                each.entry.pipeline,
                each.entry.schedule.entry,
                Cell(each.why, "yellow"),
            ]
        )
    return Table(columns, rows).lines(look_of(sys.stdout))


def _as_json(coming: Coming, now: datetime) -> dict[str, object]:
    from crude_link.cli.moments import zone_name

    return {
        "slot_time": coming.slot_time,
        "local_time": coming.slot_time.isoformat(),
        "zone": zone_name(coming.slot_time),
        "in": coming.slot_time - now,
        "pipeline": coming.entry.pipeline,
        "entry": coming.entry.schedule.entry,
        "would": coming.does.value,
        "why": coming.why,
    }
