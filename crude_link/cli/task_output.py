"""What the tasks of fan-outs wrote, as `logs` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crude_link.app import Records
from crude_link.cli.fan_outs import run_and_fan_step
from crude_link.cli.page import Page
from crude_link.cli.talk import say
from crude_link.errors import UsageError
from crude_link.model.event import Stream
from crude_link.model.run import AttemptKey
from crude_link.model.task import TaskRecord
from crude_link.store.archives import ArchiveName, Entry, archives_in, read_archive
from crude_link.store.sqlite_store import SqliteStore


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskWish:
    """Whose output is wanted: a task's newest try that has ended, or the one of this number."""

    task: int
    number: int | None
    stream: Stream | None


def print_task(records: Records, words: Sequence[str], wish: TaskWish, *, as_json: bool) -> int:
    """Print what a try at a task wrote; return the exit status. UsageError when there is no such try."""
    run_id, step = run_and_fan_step(records, words, f"crude-link logs 42 embed --task {wish.task}")
    record = _found(records, run_id, step, wish)
    page = Page(as_json=as_json, with_heads=False)
    lines = records.store.task_logs.lines(run_id, step, record, wish.stream)
    if as_json:
        page.write_task(step, record, lines)
    else:
        page.write(AttemptKey(run_id, step, wish.task, record.end.number), lines)
    page.flush()
    if not page.has_lines:
        reason = f" ({record.end.reason})" if record.end.reason else ""
        where = f" to {wish.stream.value}" if wish.stream else ""
        say(f"task {wish.task} of step {step!r} of run {run_id} wrote nothing{where}{reason}")
    return 0


def write_tasks(records: Records, key: AttemptKey, page: Page, stream: Stream | None) -> None:
    """Write what all tasks of an attempt at the whole wrote, in the order in which they ended."""
    logs = records.store.task_logs
    for record in logs.tries(key.run, key.step, key.number):
        page.write_task(key.step, record, logs.lines(key.run, key.step, record, stream))


class TaskFollower:
    """Reads on in the archives of an attempt at the whole."""

    def __init__(self, store: SqliteStore, key: AttemptKey, stream: Stream | None) -> None:
        self._store = store
        self._key = key
        self._stream = stream
        self._read_to: dict[ArchiveName, int] = {}

    def write_new(self, page: Page) -> None:
        """Write what the tasks wrote that have ended since the last call."""
        key, folder = self._key, self._store.files.tasks(self._key.run, self._key.step)
        for name in archives_in(folder):
            if name.attempt != key.number:
                continue
            for entry in read_archive(folder, name, self._read_to.get(name, 0)):
                if isinstance(entry, Entry):
                    self._read_to[name] = entry.next
                    record = TaskRecord(end=entry.end, attempt=name.attempt)
                    lines = self._store.task_logs.lines(key.run, key.step, record, self._stream)
                    page.write_task(key.step, record, lines)


def _found(records: Records, run_id: int, step: str, wish: TaskWish) -> TaskRecord:
    newest = records.store.tasks.task(run_id, step, wish.task)
    if newest is not None and wish.number in (None, newest.end.number):
        return newest
    whose = f"task {wish.task} of step {step!r} of run {run_id}"
    if wish.number is not None:
        for record in records.store.task_logs.tries(run_id, step):
            if (record.end.task, record.end.number) == (wish.task, wish.number):
                return record
        raise UsageError(f"{whose} has no try {wish.number} that has ended: crude-link tasks {run_id} {step}")
    running = records.store.locks.is_held(run_id) and any(
        begun.task == wish.task for begun in records.store.tasks.running(run_id, step).values()
    )
    if running:
        raise UsageError(f"{whose} is running; what it writes can be read when it has ended")
    raise UsageError(f"{whose} has not ended, or there is none of this number: crude-link tasks {run_id} {step}")
