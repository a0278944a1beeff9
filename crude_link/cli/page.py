"""Page: lines of logs as they are printed, and whose are wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crude_link.cli.talk import until_reader_leaves
from crude_link.errors import UsageError
from crude_link.model.event import Stream
from crude_link.model.run import Attempt, AttemptKey
from crude_link.notifiers.look import Look, look_of, printable, shortened

#: Bytes that are collected before they are written.
_PIECE = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whose output is wanted; None: of all steps, the newest attempt, both streams."""

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
            return of_step[-1:]
        chosen = [attempt for attempt in of_step if attempt.key.number == self.number]
        if not chosen:
            there = f"it has {len(of_step)}" if of_step else "it has none"
            raise UsageError(f"step {self.step!r} of run {self.run} has no attempt {self.number}: {there}")
        return chosen


class Page:
    """Lines of logs on stdout. A head says whose they are whenever that changes."""

    def __init__(self, *, as_json: bool, with_heads: bool) -> None:
        self.look: Look = look_of(sys.stdout)
        self.has_lines = False
        self._as_json = as_json
        self._with_heads = with_heads
        self._key: AttemptKey | None = None
        self._passing = ""
        self._held = bytearray()

    def write(self, key: AttemptKey, lines: Iterable[tuple[Stream, bytes]]) -> None:
        """Write lines of an attempt."""
        for stream, line in lines:
            self.show_passing("")
            if self._as_json:
                text = line.decode("utf-8", "replace")
                whole = {"step": key.step, "attempt": key.number, "stream": stream.value, "line": text}
                self._held += json.dumps(whole).encode() + b"\n"
            else:
                self._head(key)
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

    def _head(self, key: AttemptKey) -> None:
        if key == self._key:
            return
        if self._with_heads or self._key is not None:
            blank = "\n" if self._key is not None else ""
            name = key.step if key.number == 1 else f"{key.step}, try {key.number}"
            head = self.look.spell(self.look.paint(f"==> {name} <==", bold=True))
            self._held += f"{blank}{head}\n".encode(self.look.encoding, "backslashreplace")
        self._key = key
