"""Page: lines of logs as they are printed, and whose are wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crude_link.cli.fan_outs import exit_words
from crude_link.cli.talk import until_reader_leaves
from crude_link.errors import UsageError
from crude_link.model.event import Stream
from crude_link.model.run import Attempt, AttemptKey, Ending
from crude_link.model.status import Status
from crude_link.model.task import TaskEnd, TaskRecord
from crude_link.notifiers.look import Look, look_of, printable, shortened

#: Bytes that are collected before they are written.
_PIECE = 65_536
_Whose: TypeAlias = AttemptKey | tuple[str, TaskEnd]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whose output is wanted; None: of all steps, the newest attempt (of a fan-out all), both streams."""

    run: int
    step: str | None = None
    number: int | None = None
    stream: Stream | None = None

    def among(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Return the wanted attempts in the order in which they began. UsageError when there is no such number."""
        if self.step is None:
            return list(attempts)
        of_step = [attempt for attempt in attempts if attempt.key.step == self.step]
        if self.number is None:
            is_fan_out = bool(of_step) and of_step[-1].key.task == 0
            return of_step if is_fan_out else of_step[-1:]  # each task succeeded in one of them
        chosen = [attempt for attempt in of_step if attempt.key.number == self.number]
        if not chosen:
            there = f"it has {len(of_step)}" if of_step else "it has none"
            raise UsageError(f"step {self.step!r} of run {self.run} has no attempt {self.number}: {there}")
        return chosen


class Page:
    """Lines of logs on stdout. A head says whose they are whenever that changes; each task has one."""

    def __init__(self, *, as_json: bool, with_heads: bool) -> None:
        self.look: Look = look_of(sys.stdout)
        self.has_lines = False
        self._as_json = as_json
        self._with_heads = with_heads
        self._whose: _Whose | None = None
        self._passing = ""
        self._held = bytearray()

    def write(self, key: AttemptKey, lines: Iterable[tuple[Stream, bytes]]) -> None:
        """Write lines of an attempt."""
        self._write(key, {"step": key.step, "attempt": key.number}, lines)

    def write_task(self, step: str, record: TaskRecord, lines: Iterable[tuple[Stream, bytes]]) -> None:
        """Write lines of a try at a task of a fan-out."""
        end = record.end
        self._write((step, end), {"step": step, "task": end.task, "try": end.number}, lines)

    def _write(self, whose: _Whose, facts: Mapping[str, object], lines: Iterable[tuple[Stream, bytes]]) -> None:
        for stream, line in lines:
            self.show_passing("")
            if self._as_json:
                text = line.decode("utf-8", "replace")
                self._held += json.dumps({**facts, "stream": stream.value, "line": text}).encode() + b"\n"
            else:
                self._head(whose)
                self._held += line + b"\n"
            self.has_lines = True
            if len(self._held) > _PIECE:
                self.flush()

    def show_passing(self, text: str) -> None:
        """Show a line that still changes, where stdout is a terminal; the next call takes it away again."""
        if self.look.width is None or self._as_json:
            return
        text = shortened(printable(text), self.look.width - 1)
        if text != self._passing:
            self._held += b"\r\x1b[2K" + self.look.spell(text).encode(self.look.encoding)
            self._passing = text

    def flush(self) -> None:
        """Let the reader have what was written."""
        with until_reader_leaves():
            sys.stdout.buffer.write(self._held)
            sys.stdout.buffer.flush()
        self._held.clear()

    def _head(self, whose: _Whose) -> None:
        if whose == self._whose:
            return
        is_task = not isinstance(whose, AttemptKey)
        if self._with_heads or is_task or self._whose is not None:
            # Tasks may be very many and say little: no blank lines between them.
            blank = "\n" if self._whose is not None and not is_task else ""
            head = self.look.spell(self.look.paint(f"==> {_head_words(whose)} <==", bold=True))
            self._held += f"{blank}{head}\n".encode(self.look.encoding, "backslashreplace")
        self._whose = whose


def _head_words(whose: _Whose) -> str:
    if isinstance(whose, AttemptKey):
        return whose.step if whose.number == 1 else f"{whose.step}, try {whose.number}"
    step, end = whose
    number = f", try {end.number}" if end.number > 1 else ""
    exited = "exit " if end.ending is Ending.EXITED else ""
    how = "" if end.status is Status.SUCCEEDED else f": {exited}{exit_words(end)}"
    return f"{step} task {end.task}{number}{how}"
