"""`crude-link logs`: what steps wrote."""

from __future__ import annotations

from collections.abc import Sequence

import click

from crude_link.app import Records, open_records
from crude_link.cli.options import RUN_HELP, common_options, json_option
from crude_link.cli.page import Page, Wanted
from crude_link.cli.record import run_and_step
from crude_link.cli.talk import say
from crude_link.cli.task_output import TaskWish, print_task, write_tasks
from crude_link.errors import UsageError
from crude_link.model.event import Stream
from crude_link.model.run import Attempt


@click.command(epilog=RUN_HELP)
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option(
    "--attempt", "number", type=click.IntRange(min=1), metavar="N", help="This try of the step. [the newest]"
)
@click.option("--task", type=click.IntRange(min=1), metavar="T", help="Only this task of a step with foreach.")
@click.option("--stdout", "only_stdout", is_flag=True, help="Only what went to stdout.")
@click.option("--stderr", "only_stderr", is_flag=True, help="Only what went to stderr.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run, or the step, has ended.")
@json_option
@common_options
def command(
    words: tuple[str, ...],
    number: int | None,
    task: int | None,
    only_stdout: bool,
    only_stderr: bool,
    follow: bool,
    as_json: bool,
) -> int:
    """Print what the steps of RUN wrote, or one STEP of it.

    Of a step with foreach: what its tasks wrote, in the order in which they ended; `--attempt` is then one of the
    whole or, with `--task`, a try of that task.

    Examples: `crude-link logs`, `crude-link logs train`, `crude-link logs 42 train`, `crude-link logs -f`.
    """
    stream = None if only_stdout is only_stderr else Stream.STDOUT if only_stdout else Stream.STDERR
    if task is not None:
        if follow:
            raise UsageError("--task and --follow do not go together: what a task wrote is there when it has ended")
        return print_task(open_records(), words, TaskWish(task=task, number=number, stream=stream), as_json=as_json)
    if len(words) > 2:
        raise UsageError("give at most a run and a step: crude-link logs 42 train")
    records = open_records()
    run_id, step = run_and_step(records, words)
    if number is not None and step is None:
        raise UsageError("--attempt needs a step: crude-link logs 42 train --attempt 1")
    wanted = Wanted(run=run_id, step=step, number=number, stream=stream)
    page = Page(as_json=as_json, with_heads=step is None)
    if follow:
        from crude_link.cli.follow import follow_logs

        follow_logs(records, wanted, page)
        return 0
    chosen = wanted.among(records.store.attempts.attempts(run_id))
    for attempt in chosen:
        if attempt.key.task == 0:
            write_tasks(records, attempt.key, page, stream)
        else:
            page.write(attempt.key, records.store.logs.lines(attempt.key, stream))
    page.flush()
    if not page.has_lines:
        say(_silence(records, wanted, chosen))
    return 0


def _silence(records: Records, wanted: Wanted, chosen: Sequence[Attempt]) -> str:
    """Say why there is nothing to print."""
    whose = f"step {wanted.step!r} of run {wanted.run}" if wanted.step else f"run {wanted.run}"
    if not chosen and wanted.step:
        state = next(each for each in records.store.states.states(wanted.run) if each.name == wanted.step)
        reason = f" ({state.reason})" if state.reason else ""
        return f"{whose} has not been started: it is {state.status.value}{reason}"
    if not chosen:
        return f"no step of {whose} has been started yet"
    if wanted.step and chosen[-1].key.task == 0:
        return (
            f"no task of {whose} that has ended wrote anything{f' to {wanted.stream.value}' if wanted.stream else ''}"
        )
    wrote = sum(each.outcome.stdout_bytes + each.outcome.stderr_bytes for each in chosen if each.outcome)
    if wrote and wanted.stream is None:
        return f"{whose} wrote {wrote} bytes, but its log is gone"
    return f"{whose} wrote nothing{f' to {wanted.stream.value}' if wanted.stream else ''}"
