"""`logs -f`: reading on in the logs of a run that goes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from crude_link.app import Records
from crude_link.cli.page import Page, Wanted
from crude_link.cli.record import read_record, standing_line
from crude_link.cli.talk import say
from crude_link.cli.task_output import TaskFollower
from crude_link.cli.waiting import glances
from crude_link.model.event import Stream
from crude_link.model.run import Attempt, AttemptKey, Run
from crude_link.model.status import Status
from crude_link.store.log_reader import LogReader

#: A line that still changes is looked for in the last bytes of a stream.
_TAIL = 4096


def follow_logs(records: Records, wanted: Wanted, page: Page) -> None:
    """Write what the wanted attempts have written and write, until the run, or the wanted step, has ended."""
    with ExitStack() as stack:
        follower = _Follower(records, wanted, page, stack)
        # Looked at before the logs are read, so that the last look sees the last lines.
        for run, is_over in glances(records, wanted.run):
            is_last = is_over or _has_ended(records, run, wanted.step)
            follower.look(is_last=is_last)
            if run.status is Status.WAITING and is_over:
                say(standing_line(read_record(records, run.id)))
            if is_last:
                return


class _Follower:
    """Reads on in the log of each wanted attempt."""

    def __init__(self, records: Records, wanted: Wanted, page: Page, stack: ExitStack) -> None:
        self._store = records.store
        self._wanted = wanted
        self._page = page
        self._stack = stack
        self._readers: dict[AttemptKey, LogReader] = {}
        self._fans: dict[AttemptKey, TaskFollower] = {}
        self._done: set[AttemptKey] = set()

    def look(self, *, is_last: bool) -> None:
        """Write what is new."""
        passing = ""
        for attempt in self._attempts():
            key = attempt.key
            if key in self._done:
                continue
            if key.task == 0:
                self._look_at_tasks(attempt, is_last=is_last)
                continue
            reader = self._readers.get(key)
            if reader is None:
                reader = self._stack.enter_context(self._store.logs.reader(key, self._wanted.stream))
                self._readers[key] = reader
            self._page.write(key, reader.more())
            if attempt.outcome or is_last:
                self._page.write(key, reader.rest())
                self._done.add(key)
            elif self._page.look.width is not None:
                passing = self._tail(key) or passing
        self._page.show_passing(passing)
        self._page.flush()

    def _look_at_tasks(self, attempt: Attempt, *, is_last: bool) -> None:
        key = attempt.key
        fan = self._fans.setdefault(key, TaskFollower(self._store, key, self._wanted.stream))
        fan.write_new(self._page)
        if attempt.outcome or is_last:
            self._done.add(key)

    def _attempts(self) -> Sequence[Attempt]:
        """Return the wanted attempts; of a step also the tries that come after the one seen first."""
        attempts = self._store.attempts.attempts(self._wanted.run)
        chosen = self._wanted.among(attempts)
        if self._wanted.step is None or self._wanted.number is not None or not chosen:
            return chosen
        first = min((key.number for key in self._readers), default=chosen[0].key.number)
        return [each for each in attempts if each.key.step == self._wanted.step and each.key.number >= first]

    def _tail(self, key: AttemptKey) -> str:
        """Return the unfinished line of an attempt, such as a bar that moves."""
        place = self._store.logs.place(key)
        paths = {Stream.STDOUT: place.stdout, Stream.STDERR: place.stderr}
        wanted = [self._wanted.stream] if self._wanted.stream else [Stream.STDERR, Stream.STDOUT]
        tails = [_unfinished(paths[stream]) for stream in wanted]
        return next((tail for tail in tails if tail), "")


def _has_ended(records: Records, run: Run, step: str | None) -> bool:
    """True when nothing more is written: the end of the run or of the step is recorded, or a reload took it out."""
    if run.status.is_final and run.status is not Status.LOST:
        return True
    if step is None:
        return False
    states = {state.name: state.status for state in records.store.states.states(run.id)}
    return step not in states or states[step].is_final


def _unfinished(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            end = file.read(_TAIL)
    except FileNotFoundError:
        return ""
    return end.rpartition(b"\n")[2].rpartition(b"\r")[2].decode("utf-8", "replace")
