"""`crude-link schedule history`: what became of every slot time."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from crude_link.cli.options import common_options, json_option

if TYPE_CHECKING:
    from crude_link.app import Records
    from crude_link.model.firing import Firing
    from crude_link.model.status import Status

_NOTHING = "no slot times have come yet · crude-link schedule next"


@click.command()
@click.argument("pipeline", required=False)
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True, metavar="N", help="At most so many."
)
@click.option("--since", metavar="WHEN", help="Only since a day or a time (2026-11-01), or so long ago (2d).")
@json_option
@common_options
def command(pipeline: str | None, limit: int, since: str | None, as_json: bool) -> int:
    """Say what became of the slot times of all schedules, or of those of PIPELINE, the newest first.

    A row may be about several slot times in a row that had one fate. Times are in the zone of this machine.
    """
    from crude_link.app import Desk
    from crude_link.cli.moments import since_of
    from crude_link.cli.schedules import check_names, known_pipelines, records_if_any
    from crude_link.cli.talk import print_json, say, show
    from crude_link.clock import SystemClock

    records = records_if_any(Desk.here())
    if records is None:
        if as_json:
            print_json([])
        say(_NOTHING)
        return 0
    if pipeline is not None:
        check_names([pipeline], known_pipelines(records), "nothing is known of a schedule of")
    more: dict[str, Any] = {"since": since_of(since, SystemClock().now(), "--since")} if since else {}
    firings = records.store.ledger.firings(pipeline, limit=limit, **more)
    statuses = statuses_of(records, firings)
    if as_json:
        print_json([_as_json(each, statuses) for each in firings])
    elif firings:
        show(_lines(firings, statuses))
    else:
        say(
            "no slot times have come since then"
            if since
            else "no slot times have come yet · crude-link schedule next"
        )
    return 0


def statuses_of(records: Records, firings: Sequence[Firing]) -> dict[int, Status]:
    """Return how the runs that slot times began stand now; those that were removed are missing."""
    from crude_link.errors import UnknownRun

    found = {}
    for run in {each.run for each in firings if each.run is not None}:
        try:
            found[run] = records.store.runs.run(run).status
        except UnknownRun:
            continue
    return found


def _lines(firings: Sequence[Firing], statuses: Mapping[int, Status]) -> list[str]:
    from crude_link.cli.firing_words import COLOURS, late_words
    from crude_link.cli.record import clock_words
    from crude_link.model.words import moment_words
    from crude_link.notifiers import look
    from crude_link.notifiers.table import Cell, Column, Table

    columns = [
        Column("slot time"),
        Column("slots"),
        Column("pipeline"),
        Column("entry"),
        Column("became"),
        Column("run", right=True),
        Column("status"),
        Column("late", right=True),
        Column("reason"),
    ]
    seconds = any(each.slot_time.second or each.last.second for each in firings)
    rows: list[list[Cell | str]] = []
    for each in firings:
        status = statuses.get(each.run) if each.run is not None else None
        gone = "removed" if each.run is not None and status is None else ""
        rows.append(
            [
                moment_words(each.slot_time, seconds=seconds),
                f"{each.count:,}, to {clock_words(each.last, each.slot_time)}" if each.count > 1 else "",
                each.pipeline,
                each.entry,
                Cell(each.fate.value, COLOURS[each.fate]),
                Cell(str(each.run or ""), bold=True),
                Cell(status.value, look.COLOURS[status]) if status else gone,
                late_words(each),
                each.reason,
            ]
        )
    return Table(columns, rows).lines(look.look_of(sys.stdout))


def _as_json(firing: Firing, statuses: Mapping[int, Status]) -> dict[str, Any]:
    from crude_link.cli.firing_words import lateness
    from crude_link.cli.talk import as_plain

    late = lateness(firing)
    status = statuses.get(firing.run) if firing.run is not None else None
    whole: dict[str, Any] = as_plain(firing)
    return whole | {
        "until": as_plain(firing.last),
        "run_status": as_plain(status),
        "late_seconds": late.total_seconds() if late is not None else None,
    }
