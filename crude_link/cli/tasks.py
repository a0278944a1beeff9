"""`crude-link tasks`: the tasks of a step with foreach, one line each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import lru_cache
from itertools import chain, islice

import click

from crude_link.app import Records, open_records
from crude_link.cli.fan_outs import end_facts, exit_words, has_failed, run_and_fan_step
from crude_link.cli.options import RUN_HELP, common_options, json_option
from crude_link.cli.record import clock_words
from crude_link.cli.talk import print_json_list, say, show
from crude_link.model.run import Ending
from crude_link.model.status import Status
from crude_link.model.task import TaskRecord
from crude_link.model.words import size_words
from crude_link.notifiers.look import COLOURS, look_of
from crude_link.notifiers.summary import spent_words, tasks_words
from crude_link.notifiers.table import Cell, Column, table_lines


@click.command(epilog=RUN_HELP)
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option("--failed", is_flag=True, help="Only those that failed.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@json_option
@common_options
def command(words: tuple[str, ...], failed: bool, limit: int | None, as_json: bool) -> int:
    """List the tasks of STEP that have ended, by number: how, when, in which slot, and their last line.

    STEP may be left out where only one step of RUN has tasks.
    """
    records = open_records()
    run_id, step = run_and_fan_step(records, words, "crude-link tasks 42 embed --failed")
    found = records.store.tasks.tasks(run_id, step, failed=failed)
    chosen = islice((each for each in found if not failed or has_failed(each.end)), limit)
    if as_json:
        print_json_list(end_facts(each) for each in chosen)
        return 0
    first = next(chosen, None)
    if first is not None:
        show(_lines(records, run_id, first, chosen))
    say(_closing(records, run_id, step))
    return 0


def _lines(records: Records, run_id: int, first: TaskRecord, others: Iterator[TaskRecord]) -> Iterator[str]:
    columns = [
        Column("task", right=True),
        Column("status"),
        Column("try", right=True),
        Column("slot", right=True),
        Column("began"),
        Column("time", right=True),
        Column("memory", right=True),
        Column("exit"),
        Column("last line"),
    ]
    began = records.store.runs.run(run_id).began

    @lru_cache(maxsize=100)  # many tasks begin in the same second
    def clock(second: int) -> str:
        return clock_words(datetime.fromtimestamp(second, timezone.utc), began)

    rows = (_row(each, clock(each.end.began_us // 1_000_000)) for each in chain([first], others))
    return table_lines(columns, rows, look_of(sys.stdout))


def _row(record: TaskRecord, began: str) -> list[Cell | str]:
    end = record.end
    status = end.status
    never_ran = end.ending is Ending.NOT_STARTED
    return [
        str(end.task),
        Cell(status.value, COLOURS[status]),
        str(end.number) if end.number > 1 else "",
        str(end.slot or ""),
        began,
        "" if never_ran else spent_words(record.wall),
        size_words(end.peak_memory) if end.peak_memory else "",
        exit_words(end) if status is not Status.SUCCEEDED else "",
        end.last_line or (end.reason if never_ran else ""),
    ]


def _closing(records: Records, run_id: int, step: str) -> str:
    """Say how the tasks stand, which run now, and what to do next."""
    store = records.store
    counts = store.tasks.counts(run_id, step)
    words = [f"{step} of run {run_id}: {tasks_words(counts)}"]
    status = store.runs.run(run_id).status
    if status is Status.RUNNING:
        running = sorted(begun.task for begun in store.tasks.running(run_id, step).values())
        named = ", ".join(str(task) for task in running[:10])
        words += [f"running now: {named}{' …' if len(running) > 10 else ''}"] if running else []
    elif counts.failed and status is not Status.SUCCEEDED:
        words.append(f"crude-link resume {run_id} --failed")
    example = next(store.tasks.tasks(run_id, step, failed=True), None)
    if example:
        words.append(f"crude-link logs {run_id} {step} --task {example.end.task}")
    return " · ".join(words)
