"""`crude-link show`: one run with all that is known of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from crude_link.app import Records, open_records
from crude_link.cli.fan_outs import Tasks, fan_steps, task_numbers, tasks_of
from crude_link.cli.firing_words import slot_of_run
from crude_link.cli.options import RUN_HELP, common_options, json_option
from crude_link.cli.record import Record, clock_words, next_words, read_record, standing_words
from crude_link.cli.runs import origin_words
from crude_link.cli.talk import as_plain, print_json, show
from crude_link.errors import StoreError
from crude_link.model.run import Attempt, Sitting
from crude_link.model.status import Status
from crude_link.model.words import moment_words, size_words
from crude_link.notifiers.look import COLOURS, Look, look_of
from crude_link.notifiers.summary import (
    command_words,
    ended_words,
    short_value,
    spent_words,
    step_table,
)
from crude_link.notifiers.table import Cell, Column, Table


@click.command(epilog=RUN_HELP)
@click.argument("run", default="last", metavar="[RUN]")
@json_option
@common_options
def command(run: str, as_json: bool) -> int:
    """Show RUN: how it was begun, its steps with times and memory, metrics, outputs, decisions."""
    records = open_records()
    record = read_record(records, records.run_id(run))
    if as_json:
        print_json(_as_json(records, record))
        return 0
    look = look_of(sys.stdout)
    tasks = {step: tasks_of(records, record, step) for step in fan_steps(record.attempts)}
    parts = [
        _facts(records, record, look),
        _steps(record, tasks, look),
        _failures(tasks, look),
        _attempts(record, look),
        _figures(tasks, look),
        _metrics(record, look),
        _outputs(record, look),
        _decisions(record, look),
        [_next(record)],
    ]
    show("\n\n".join("\n".join(part) for part in parts if part).split("\n"), look)
    return 0


def _facts(records: Records, record: Record, look: Look) -> list[str]:
    run = record.run
    facts: list[tuple[str, str]] = [
        ("pipeline", run.pipeline),
        ("began", f"{moment_words(run.began, seconds=True)}, {origin_words(run)}"),
    ]
    if run.slot_time:
        facts.append(("schedule", slot_of_run(records, run)))
    if run.ended:
        facts.append(("ended", moment_words(run.ended, seconds=True)))
    if record.holder:
        facts.append(("held by", record.holder))
    facts += [
        ("directory", str(records.project.directory)),
        ("config", run.config_file),
        ("params", "  ".join(f"{name}={value}" for name, value in run.params.items())),
        ("set", "  ".join(run.settings)),
        ("selection", _selection_words(record)),
        ("group", run.group or ""),
    ]
    facts += [
        ("sitting" if at == 0 else "", _sitting_words(sitting, run.began))
        for at, sitting in enumerate(record.sittings)
    ]
    title = standing_words(record)
    lines = [look.paint(title, COLOURS[run.status], bold=True)]
    return [*lines, *(f"  {look.paint(f'{name:<9}', 'dark_grey')}  {words}" for name, words in facts if words)]


def _selection_words(record: Record) -> str:
    selection = record.run.selection
    if selection.only:
        return f"--only {selection.only}"
    return f"--from {selection.start_at}" if selection.start_at else ""


def _sitting_words(sitting: Sitting, began: datetime) -> str:
    took = f", {spent_words(sitting.ended - sitting.began)}" if sitting.ended else ", no end recorded yet"
    code = f", code {sitting.code.commit[:12]}{' with changes' if sitting.code.dirty else ''}" if sitting.code else ""
    when = f"{clock_words(sitting.began, began)}{took}"
    who = f"{sitting.user} on {sitting.host} (pid {sitting.pid})"
    return f"{sitting.number}: {when}, {who}{code}: {command_words(sitting.argv)}"


def _steps(record: Record, tasks: Mapping[str, Tasks], look: Look) -> list[str]:
    counts = {step: each.counts for step, each in tasks.items()}
    return step_table(record.states, record.counting, record.usual, counts).lines(look)


def _failures(tasks: Mapping[str, Tasks], look: Look) -> list[str]:
    """Say what the failed tasks of each step said last."""
    rows: list[list[Cell | str]] = [
        [step, Cell(f"{group.count:,}", COLOURS[Status.FAILED]), task_numbers(group), group.words]
        for step, each in tasks.items()
        for group in each.failures
    ]
    columns = [Column("failed of"), Column("times", right=True), Column("tasks"), Column("last line")]
    return Table(columns, rows).lines(look)


def _figures(tasks: Mapping[str, Tasks], look: Look) -> list[str]:
    rows = [[step, *row] for step, each in tasks.items() if each.figures for row in each.figures.rows() if row[1]]
    return Table([Column("tasks of"), Column("measure"), Column("value")], rows).lines(look)


def _attempts(record: Record, look: Look) -> list[str]:
    columns = [Column("attempt"), Column("began"), Column("on"), Column("ended"), Column("command")]
    here = record.sittings[0].host if record.sittings else ""
    rows: list[list[Cell | str]] = [
        [
            f"{attempt.key.step} {attempt.key.number}",
            clock_words(attempt.began, record.run.began),
            attempt.host if attempt.host != here else "",
            _ended_cell(attempt, record),
            _typed(attempt, record),
        ]
        for attempt in record.attempts
    ]
    return Table(columns, rows).lines(look)


def _typed(attempt: Attempt, record: Record) -> str:
    """Say the command; a Python other than crude-link's own by its whole path."""
    words = command_words(attempt.argv)
    own = {sitting.python.rpartition(" ")[0] for sitting in record.sittings}
    if attempt.interpreter and attempt.argv and attempt.argv[0] == attempt.interpreter and attempt.argv[0] not in own:
        return f"{attempt.interpreter} {words.partition(' ')[2]}"
    return words


def _ended_cell(attempt: Attempt, record: Record) -> Cell:
    if attempt.outcome:
        return Cell(ended_words(attempt.outcome), COLOURS[attempt.status])
    if record.run.status is Status.LOST:
        return Cell("nobody saw its end", COLOURS[Status.LOST])
    return Cell("running", COLOURS[Status.RUNNING])


def _metrics(record: Record, look: Look) -> list[str]:
    rows = [
        [step, name, short_value(value)]
        for step, attempt in record.counting.items()
        if attempt.key in record.findings
        for name, value in record.findings[attempt.key].metrics.items()
    ]
    return Table([Column("metrics of"), Column("name"), Column("value")], rows).lines(look)


def _outputs(record: Record, look: Look) -> list[str]:
    rows = [
        [step, output.path, size_words(output.size), output.digest or ""]
        for step, attempt in record.counting.items()
        if attempt.key in record.findings
        for output in record.findings[attempt.key].outputs
    ]
    columns = [Column("outputs of"), Column("path"), Column("size", right=True), Column("SHA-256")]
    return Table(columns, rows).lines(look)


def _decisions(record: Record, look: Look) -> list[str]:
    columns = [Column("decision"), Column("about"), Column("at"), Column("by"), Column("why")]
    rows = [
        [each.verdict.value, each.step or "the run", clock_words(each.at, record.run.began), each.by, each.why]
        for each in record.decisions
    ]
    return Table(columns, rows).lines(look)


def _next(record: Record) -> str:
    run = record.run
    if run.status is Status.SUCCEEDED:
        return f"crude-link logs {run.id}"
    return " · ".join(next_words(record))


def _as_json(records: Records, record: Record) -> dict[str, Any]:
    tasks = {step: tasks_of(records, record, step) for step in fan_steps(record.attempts)}
    try:
        text, document, resolved = records.store.history.document(record.run.id)
    except StoreError:
        text, document, resolved = "", {}, {}
    attempts = []
    for attempt in record.attempts:
        found = record.findings.get(attempt.key)
        more = {"metrics": found.metrics, "outputs": found.outputs} if found else {"metrics": {}, "outputs": ()}
        attempts.append(as_plain(attempt) | {"status": attempt.status.value} | as_plain(more))
    whole: dict[str, Any] = as_plain(record.run)
    return whole | {
        "directory": str(records.project.directory),
        "holder": record.holder,
        "sittings": as_plain(record.sittings),
        "steps": as_plain(record.states),
        "attempts": attempts,
        "tasks": as_plain(tasks),
        "decisions": as_plain(record.decisions),
        "usual_seconds": {name: usual.total_seconds() for name, usual in record.usual.items()},
        "config": {"text": text, "document": as_plain(document), "resolved": as_plain(resolved)},
    }
