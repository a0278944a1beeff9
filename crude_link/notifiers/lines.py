"""Lines: pieces of a step's output put together to whole lines, moving progress bars to their final state."""

from __future__ import annotations

import re

#: A line that never ends is handed on in pieces of this size.
_LONGEST = 65_536
#: What moves the cursor, clears or hides; colours stay.
_MOVES = re.compile(rb"\x1b\[[0-9;?]*[A-HJKSTfhlsu]")


class Lines:
    """Collects the output of one stream of one attempt; of a line that is written over, only the newest state."""

    def __init__(self) -> None:
        self._state = bytearray()
        #: A carriage return came behind the state: what follows is written over it.
        self._is_done = False
        self._is_moving = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take what has arrived; return the lines that are whole now, without their ends."""
        *whole, rest = data.split(b"\n")
        lines: list[bytes] = []
        for piece in whole:
            self._add(piece)
            lines += self._taken()
        self._add(rest)
        while len(self._state) > _LONGEST:
            lines.append(_still(self._state[:_LONGEST]))
            del self._state[:_LONGEST]
        return lines

    def rest(self) -> list[bytes]:
        """Return what has come without a line end, if anything, and begin anew."""
        return self._taken() if self._state else []

    def passing(self) -> bytes:
        """Return how a line that is being written over looks now; nothing when there is none."""
        return _still(self._state) if self._is_moving else b""

    def _add(self, piece: bytes) -> None:
        first, *states = piece.split(b"\r")
        if first:
            self._go_on(first)
        if states:
            self._is_done = True
            filled = [state for state in states if state]
            if filled:
                self._is_moving = self._is_moving or len(filled) > 1
                self._go_on(filled[-1])
                self._is_done = not states[-1]

    def _go_on(self, text: bytes) -> None:
        if self._is_done:
            self._is_moving = self._is_moving or bool(self._state)
            self._is_done = False
            self._state.clear()
        self._state += text

    def _taken(self) -> list[bytes]:
        """Return the line as it looked last, and begin anew; nothing for a bar that took itself away."""
        line = _still(self._state)
        has_gone = self._is_moving and not line.strip()
        self._state.clear()
        self._is_done = self._is_moving = False
        return [] if has_gone else [line]


def _still(state: bytearray) -> bytes:
    return _MOVES.sub(b"", bytes(state))
