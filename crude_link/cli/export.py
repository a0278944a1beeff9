"""`crude-link export`: what the tasks of a step did, in the forms of other programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from crude_link.app import Records, open_records
from crude_link.cli.fan_outs import run_and_fan_step
from crude_link.cli.options import RUN_HELP, common_options
from crude_link.cli.talk import say
from crude_link.errors import UsageError
from crude_link.model.task import TaskEnd
from crude_link.notifiers.summary import command_words

#: Source: parallel(1), --joblog.
_HEAD = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"


@click.command(epilog=RUN_HELP)
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option("--joblog", type=click.Path(path_type=Path), metavar="FILE", help="Write GNU parallel's job log.")
@click.option("--logs", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/worker=SLOT/task=TASK.txt.")
@common_options
def command(words: tuple[str, ...], joblog: Path | None, logs: Path | None) -> int:
    """Write what is recorded of the tasks of STEP into files.

    The job log has a line for each task that ran: its newest try, by number; `Command` is that of the step. A file of
    `--logs` has what the newest try wrote on stdout and, behind it, on stderr.
    """
    if joblog is None and logs is None:
        raise UsageError("say what to export: --joblog FILE, --logs DIR, or both")
    records = open_records()
    run_id, step = run_and_fan_step(records, words, "crude-link export 42 embed --joblog jobs.tsv")
    if joblog is not None:
        with _writing(joblog):
            count = _write_joblog(records, run_id, step, joblog)
        say(f"{joblog}: {count:,} tasks")
    if logs is not None:
        with _writing(logs):
            count = _write_logs(records, run_id, step, logs)
        say(f"{logs}: the output of {count:,} tasks")
    return 0


def _write_joblog(records: Records, run_id: int, step: str, path: Path) -> int:
    attempts = [each for each in records.store.attempts.attempts(run_id) if each.key.step == step]
    command = command_words(attempts[-1].argv)
    count = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(_HEAD)
        for count, end in enumerate(_ends(records, run_id, step), 1):  # noqa: B007  # it is the count in the end
            file.write(f"{_joblog_line(end)}\t{command}\n")
    return count


def _joblog_line(end: TaskEnd) -> str:
    exit_status = end.exit_status if end.exit_status is not None else 0 if end.signal else -1
    began, wall = end.began_us / 1e6, end.wall_us / 1e6
    return f"{end.task}\t:\t{began:10.3f}\t{wall:10.3f}\t0\t{end.stdout_bytes}\t{exit_status}\t{end.signal or 0}"


def _write_logs(records: Records, run_id: int, step: str, folder: Path) -> int:
    count, made = 0, set[Path]()
    for record in records.store.tasks.tasks(run_id, step):
        if not record.end.slot:
            continue
        place = folder / f"worker={record.end.slot}"
        if place not in made:
            place.mkdir(parents=True, exist_ok=True)
            made.add(place)
        with (place / f"task={record.end.task}.txt").open("wb") as file:
            for chunks in records.store.task_logs.task_output(run_id, step, record):
                file.writelines(chunks)
        count += 1
    return count


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be written: {error.strerror or error}") from error


def _ends(records: Records, run_id: int, step: str) -> Iterator[TaskEnd]:
    return (record.end for record in records.store.tasks.tasks(run_id, step) if record.end.slot)
