"""Lines: pieces of a step's output put together to whole lines, moving progress bars to their final state."""

from __future__ import annotations

import re

#: A line that never ends is handed on in pieces of this size.
_LONGEST = 65_536
#: What moves the cursor, clears or hides; colours stay.
_MOVES = re.compile(rb"\x1b\[[0-9;?]*[A-HJKSTfhlsu]")


class Lines:
    """Collects the output of one stream of one attempt."""

    def __init__(self) -> None:
        self._unfinished = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what has arrived; return the lines that are whole now, without their ends."""
        *whole, rest = (self._unfinished + data).split(b"\n")
        while len(rest) > _LONGEST and b"\r" not in rest:
            whole.append(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        self._unfinished = _newest(rest)
        return [line for line in map(collapsed, whole) if line is not None]

    def rest(self) -> list[bytes]:
        """Return what has come without a line end, if anything, and begin anew."""
        line = collapsed(self._unfinished) if self._unfinished else None
        self._unfinished = b""
        return [line] if line else []


def collapsed(line: bytes) -> bytes | None:
    """Return a line as it looked last, after its carriage returns; None for a bar that took itself away."""
    pieces = [piece for piece in line.split(b"\r") if piece]
    last = _MOVES.sub(b"", pieces[-1]) if pieces else b""
    if len(pieces) > 1 and not last.strip():
        return None
    return last


def _newest(rest: bytes) -> bytes:
    """Forget the older states of a bar; its newest may have its carriage return behind it."""
    at = rest.rstrip(b"\r").rfind(b"\r")
    return rest if at < 0 else b"\r" + rest[at + 1 :]
