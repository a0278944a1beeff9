"""`crude-link results`: what the tasks of a step gave, for programs."""

from __future__ import annotations

import json

import click

from crude_link.app import Records, open_records
from crude_link.cli.fan_outs import run_and_fan_step
from crude_link.cli.options import RUN_HELP, common_options
from crude_link.cli.record import run_and_step
from crude_link.cli.talk import show
from crude_link.store.task_values import Result


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
    show(map(json.dumps, records.store.results.of_tasks(run_id, step)))
    return 0


def _returned(records: Records, run_id: int, step: str) -> Result | None:
    """Return what the newest try of a step without tasks returned."""
    keys = [each.key for each in records.store.attempts.attempts(run_id) if each.key.step == step and each.key.task]
    return records.store.results.of_function(keys[-1]) if keys else None
