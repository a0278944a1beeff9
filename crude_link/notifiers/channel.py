"""Channel: a stream to a person or a pipe; it may go away, stand still, and share its screen with another."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import IO, Any, BinaryIO

from crude_link.interfaces import Clock
from crude_link.model.words import size_words
from crude_link.notifiers.outlet import Outlet

#: What waits for a reader in memory; more of the output of steps is left out, for their logs have it.
LONGEST_QUEUE = 16_000_000
#: How often somebody who waits for the reader looks how far that is.
_LOOK = timedelta(milliseconds=10)
#: Sequences that change how text looks or whether the cursor is seen, but not where it stands.
_STAYING = re.compile(rb"(?:\x1b\[[0-9;?]*[mhl])+\Z")
_LINE_STARTS = (b"\n", b"\r\x1b[K", b"\r\x1b[2K", b"\x1b[2K\r", b"\n\r")


class Cursor:
    """Where the next character of a screen goes, as far as we need to know it."""

    def __init__(self) -> None:
        self.at_line_start = True
        #: Somebody used escape sequences since the screen was last put right.
        self.is_styled = False

    def follow(self, data: bytes) -> None:
        """Take note of what was written."""
        if b"\x1b[" in data:
            self.is_styled = True
        seen = _STAYING.sub(b"", data)
        if seen:
            self.at_line_start = seen.endswith(_LINE_STARTS)


class Channel:
    """Writes bytes at once, or as soon as its far end takes them: nobody waits for a reader who does not read.

    When its far end is gone it falls silent, and never raises.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._outlet = _outlet_of(stream)
        self._left_out = 0
        self.cursor = Cursor()
        self.is_open = True

    @property
    def waiting(self) -> int:
        """The bytes that the far end has not taken yet."""
        return self._outlet.waiting if self._outlet and self.is_open else 0

    def write(self, data: bytes, *, is_output: bool = False) -> str | None:
        """Write `data`; the output of steps is left out while too much waits, which is said where it happened.

        Returns, once, why nothing more can be written; a reader who left is no reason to speak.
        """
        if not self.is_open or not data:
            return None
        if is_output and self.waiting + len(data) > LONGEST_QUEUE:
            self._left_out += len(data)
            return None
        if self._left_out:
            data = self._gap() + data
        try:
            self._send(data)
        except BrokenPipeError:
            self.let_go()
            return None
        except (OSError, ValueError) as error:  # ValueError: the stream was closed under us
            self.let_go()
            return str(error)
        self.cursor.follow(data)
        return None

    def let_read(self, clock: Clock, *, down_to: int = 0, patience: timedelta | None = None) -> bool:
        """Wait until no more than `down_to` bytes wait for the reader; True when it came to that.

        False when the reader took nothing for as long as `patience`, where there is an end to it, or on a signal.
        """
        before, since = self.waiting, clock.monotonic()
        while self.waiting > down_to:
            moment = clock.now() + _LOOK
            clock.sleep_until(moment)
            if clock.now() < moment:
                return False
            if self.waiting < before:
                before, since = self.waiting, clock.monotonic()
            elif patience is not None and clock.monotonic() - since > patience.total_seconds():
                return False
        return True

    def let_go(self) -> None:
        """Write nothing any more: point the descriptor nowhere, so that nothing that is still to come can wait."""
        self.is_open = False
        self.close()
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)
        except (OSError, ValueError):  # it has no descriptor, or none any more
            return

    def close(self) -> None:
        """Let go of what was opened for the stream; the stream itself stays open."""
        if self._outlet:
            self._outlet.close()

    def _send(self, data: bytes) -> None:
        if self._outlet:
            self._outlet.send(data)
            return
        self._stream.write(data)
        self._stream.flush()

    def _gap(self) -> bytes:
        size, self._left_out = size_words(self._left_out), 0
        start = "" if self.cursor.at_line_start else "\n"
        words = f"[{size} of output left out here, because nobody read it; crude-link logs shows it]"
        return f"{start}{words}\n".encode("ascii")


def are_together(one: IO[Any], other: IO[Any]) -> bool:
    """Return whether two streams end on the same screen, in the same file or pipe."""
    try:
        first, second = os.fstat(one.fileno()), os.fstat(other.fileno())
    except (OSError, ValueError):
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def _outlet_of(stream: BinaryIO) -> Outlet | None:
    try:
        stream.flush()
        return Outlet(stream.fileno())
    except (OSError, ValueError):
        return None
