"""Channel: a stream to a person or a pipe; it may go away, and may share its screen with another."""

from __future__ import annotations

import os
import re
from typing import IO, Any, BinaryIO

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
    """Writes bytes at once. When its far end is gone it falls silent, and never raises."""

    def __init__(self, stream: BinaryIO, cursor: Cursor) -> None:
        self._stream = stream
        self.cursor = cursor
        self.is_open = True

    def write(self, data: bytes) -> str | None:
        """Write `data`. Returns, once, why nothing more can be written; a reader who left is no reason to speak."""
        if not self.is_open or not data:
            return None
        try:
            self._stream.write(data)
            self._stream.flush()
        except BrokenPipeError:
            self._let_go()
            return None
        except (OSError, ValueError) as error:  # ValueError: the stream was closed under us
            self._let_go()
            return str(error)
        self.cursor.follow(data)
        return None

    def _let_go(self) -> None:
        """Point the descriptor nowhere, so that what is still buffered does not raise when Python ends."""
        self.is_open = False
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)
        except (OSError, ValueError):  # it has no descriptor, or none any more
            return


def are_together(one: IO[Any], other: IO[Any]) -> bool:
    """Return whether two streams end on the same screen, in the same file or pipe."""
    try:
        first, second = os.fstat(one.fileno()), os.fstat(other.fileno())
    except (OSError, ValueError):
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
