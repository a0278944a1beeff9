"""`crude-link export`: what the tasks of a step did, in the forms of other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from crude_link.app import Records, open_records, recorded
from crude_link.cli.fan_outs import run_and_fan_step
from crude_link.cli.options import RUN_HELP, common_options
from crude_link.cli.talk import say
from crude_link.errors import CannotStart, CrudeLinkError, UsageError
from crude_link.model.condition import Facts
from crude_link.model.task import TaskEnd, TaskRecord
from crude_link.notifiers.summary import command_words
from crude_link.steps.fan_draft import Reach
from crude_link.steps.past_tasks import PastTasks
from crude_link.steps.places import Places

#: Source: parallel(1), --joblog.
_HEAD = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"


@click.command(epilog=RUN_HELP)
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option("--joblog", type=click.Path(path_type=Path), metavar="FILE", help="Write GNU parallel's job log.")
@click.option("--logs", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/worker=SLOT/task=TASK.txt.")
@common_options
def command(words: tuple[str, ...], joblog: Path | None, logs: Path | None) -> int:
    """Write what is recorded of the tasks of STEP into files.

    The job log has a line for each task that ran: its newest try, by number; `Command` is what ran, as far as
    its input is still there. A file of `--logs` has what the newest try wrote on stdout and, behind it, on stderr.
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
    argv_of = _argv_of_tasks(records, run_id, step)
    count = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(_HEAD)
        for record in records.store.tasks.tasks(run_id, step):
            argv = argv_of(record)
            if record.end.slot:
                file.write(f"{_joblog_line(record.end)}\t{command_words(argv)}\n")
                count += 1
    return count


def _argv_of_tasks(records: Records, run_id: int, name: str) -> Callable[[TaskRecord], Sequence[str]]:
    """Return what gives the argv of tasks that are asked for by ascending numbers; else that of their step."""
    attempts = records.store.attempts.attempts(run_id)
    wholes = [each for each in attempts if each.key.step == name]
    try:
        loaded = recorded(records, records.store.runs.run(run_id))
    except CrudeLinkError:  # its config is damaged, or was written by another version
        loaded = None
    step = next((step for step in loaded.pipeline.steps if step.name == name), None) if loaded else None
    if not loaded or not step or not step.foreach:
        by_number = {each.key.number: each.argv for each in wholes}
        return lambda record: by_number[record.attempt]
    reach = Reach(
        places=Places(project=records.project.directory, config_folder=loaded.config.path.parent),
        run_command=_refuse_to_run,
        logs=records.store.logs,
        facts=Facts(steps={each.key.step: {"attempt": str(each.key)} for each in attempts}),
        folder=records.store.files.tasks(run_id, name),
    )
    return PastTasks(step, wholes, reach).argv


def _refuse_to_run(_command: str | Sequence[str], _path: Path) -> None:
    raise CannotStart("what a command printed is not kept")


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
