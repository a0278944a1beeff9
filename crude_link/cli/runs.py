"""`crude-link runs`: the runs, newest first."""

from __future__ import annotations

import sys

import click

from crude_link.app import Records, open_records
from crude_link.cli.options import common_options, json_option
from crude_link.cli.record import worked
from crude_link.cli.talk import print_json, say, show
from crude_link.model.run import Origin, Run
from crude_link.model.status import Status
from crude_link.model.words import moment_words
from crude_link.notifiers.look import COLOURS, look_of
from crude_link.notifiers.summary import spent_words
from crude_link.notifiers.table import Cell, Column, Table


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True, metavar="N", help="At most so many."
)
@click.option("--pipeline", metavar="PIPELINE", help="Only runs of this pipeline.")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Only runs that stand so.")
@json_option
@common_options
def command(limit: int, pipeline: str | None, status: str | None, as_json: bool) -> int:
    """List the runs, newest first."""
    records = open_records()
    # A status may be rare, so all runs are looked through for it.
    found = records.store.history.runs(pipeline, limit=None if status else limit)
    runs = [run for run in found if status is None or run.status.value == status][:limit]
    if as_json:
        print_json(runs)
    elif runs:
        show(_lines(records, runs))
    elif pipeline or status:
        say("no such runs are recorded · crude-link runs")
    else:
        say("no runs are recorded here yet · crude-link run")
    return 0


def _lines(records: Records, runs: list[Run]) -> list[str]:
    columns = [
        Column("run", right=True),
        Column("pipeline"),
        Column("status"),
        Column("began"),
        Column("time", right=True),
        Column("why"),
        Column("slot time"),
        Column("reason"),
    ]
    rows: list[list[Cell | str]] = [
        [
            Cell(str(run.id), bold=True),
            run.pipeline,
            Cell(run.status.value, COLOURS[run.status]),
            moment_words(run.began),
            _time_words(records, run),
            origin_words(run),
            moment_words(run.slot_time, seconds=bool(run.slot_time.second)) if run.slot_time else "",
            run.reason.removesuffix(f"; crude-link resume {run.id}"),  # a column has no room for a command
        ]
        for run in runs
    ]
    return Table(columns, rows).lines(look_of(sys.stdout))


def _time_words(records: Records, run: Run) -> str:
    took = worked(records.store.history.sittings(run.id)) if run.status.is_final else None
    return spent_words(took) if took is not None else ""


def origin_words(run: Run) -> str:
    """Say why a run was begun."""
    match run.origin:
        case Origin.PERSON:
            return "by hand"
        case Origin.SCHEDULE:
            return "by schedule"
        case Origin.RERUN:
            return f"rerun of {run.rerun_of}" if run.rerun_of else "rerun"
