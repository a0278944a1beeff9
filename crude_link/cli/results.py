"""`crude-link results`: what the tasks of a step gave, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from crude_link.app import Records, open_records
from crude_link.cli.fan_outs import run_and_fan_step
from crude_link.cli.options import RUN_HELP, common_options
from crude_link.cli.record import run_and_step
from crude_link.cli.talk import show
from crude_link.model.task import TaskRecord
from crude_link.store.task_values import Result, TaskValues, read_result


@click.command(epilog=RUN_HELP)
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option(
    "--jsonl", is_flag=True, expose_value=False, help="One JSON value in each line; the only form there is."
)
@common_options
def command(words: tuple[str, ...]) -> int:
    """Print what each task of STEP gave, with its number and exit status, as lines of JSON.

    That is what its function returned, as `value` (or as `repr`, where there is no JSON for it), else what it wrote
    on stdout. Of a step without foreach: what its function returned.
    """
    records = open_records()
    run_id, named = run_and_step(records, words)
    returned = _returned(records, run_id, named) if named else None
    if returned:
        show([json.dumps(returned)])
        return 0
    run_id, step = run_and_fan_step(records, words, "crude-link results 42 embed --jsonl")
    show(_lines(records, run_id, step))
    return 0


def _returned(records: Records, run_id: int, step: str) -> Result | None:
    """Return what the newest try of a step without tasks returned."""
    keys = [each.key for each in records.store.attempts.attempts(run_id) if each.key.step == step and each.key.task]
    return read_result(records.store.logs.place(keys[-1]).stdout.with_suffix(".result")) if keys else None


def _lines(records: Records, run_id: int, step: str) -> Iterator[str]:
    values = TaskValues(records.store.files.tasks(run_id, step))
    for record in records.store.tasks.tasks(run_id, step):
        facts: dict[str, object] = {
            "task": record.end.task,
            "status": record.end.status.value,
            "exit": record.end.exit_status,
        }
        facts |= values.of(record) or {"stdout": _stdout(records, run_id, step, record)}
        yield json.dumps(facts)
    values.close()


def _stdout(records: Records, run_id: int, step: str, record: TaskRecord) -> str:
    """Return what a task wrote, its last newline cut, as `${steps.S.stdout}` has it."""
    stdout, _ = records.store.task_logs.task_output(run_id, step, record)
    return b"".join(stdout).decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
