"""Braid: pieces of two streams, put together in the order in which they were written.

From two pipes alone that order cannot be read. The kernel tells which of them was written to after which, though
not how much (see `arrivals`): so what came of each stream is cut at its line ends and handed to its turns.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    Pieces = list[tuple[int, bytes]]


class Braid:
    """The two streams are 0 and 1. A turn of a stream is one or more writes to it, before the other's next."""

    def __init__(self) -> None:
        self._turns: list[int] = []
        #: So many of the turns were known before the newest data was read: the data of these is all there.
        self._sure = 0
        self._data = [b"", b""]
        #: Ends of the data that were read in the middle of being written.
        self._cut = [b"", b""]

    @property
    def is_empty(self) -> bool:
        """True when nothing is held back."""
        return not (self._data[0] or self._data[1])

    def note(self, stream: int) -> None:
        """A stream was written to."""
        if self._turns[-1:] != [stream]:
            self._turns.append(stream)

    def begin(self) -> None:
        """What follows is read after all that was noted so far had been written."""
        self._sure = len(self._turns)

    def feed(self, stream: int, data: bytes, is_all: bool = True) -> None:
        """Take what was read; `is_all` is false when more was there."""
        self._data[stream] += data
        if not is_all:
            self._sure = 0

    def take(self) -> Pieces:
        """Return what can be put into order; the rest waits for a further `begin`, `feed` and `take`.

        A turn that was known before the reading and gets nothing was read with an earlier one. One that became
        known since, and gets nothing, is still to be read.
        """
        if not (self._data[0] and self._data[1]) and self._sure == len(self._turns):
            return self.rest()
        shares = [self._shares(0), self._shares(1)]
        pieces: Pieces = []
        for number, stream in enumerate(self._turns):
            if not shares[stream] and number >= self._sure:
                self._keep(shares, number)
                return pieces
            piece = shares[stream].pop(0) if shares[stream] else b""
            if piece:
                pieces.append((stream, piece))
        pieces += [(stream, b"".join(shares[stream])) for stream in (0, 1) if shares[stream]]
        self._keep([[], []], len(self._turns))
        return pieces

    def rest(self) -> Pieces:
        """Return all that is left, in the order of the turns as far as that is known."""
        first = self._turns[0] if self._turns else 0
        pieces = [(stream, self._data[stream]) for stream in (first, 1 - first) if self._data[stream]]
        self._turns.clear()
        self._data = [b"", b""]
        return pieces

    def _keep(self, shares: list[list[bytes]], turn: int) -> None:
        self._data = [b"".join(shares[stream]) + self._cut[stream] for stream in (0, 1)]
        self._cut = [b"", b""]
        del self._turns[:turn]

    def _shares(self, stream: int) -> list[bytes]:
        """Return what each turn of a stream gets of its data; there may be less or more of it than turns."""
        sure = self._turns[: self._sure].count(stream)
        known = self._turns.count(stream)
        units = lines_and_states(self._data[stream])
        is_quiet = self._sure == len(self._turns)
        if units and not is_quiet and not units[-1].endswith(b"\n"):
            self._cut[stream] = units.pop()
        if len(units) <= sure:
            return [b""] * (sure - len(units)) + units
        if len(units) <= known or not known:
            return units
        if len(units) == known + 1 > 2:  # the newest write is there, and not noted yet
            return [*units[:-2], units[-2] + units[-1]]
        size, more = divmod(len(units), known)
        starts = [size * turn + min(turn, more) for turn in range(known)]
        return [b"".join(units[start : start + size + (turn < more)]) for turn, start in enumerate(starts)]


def lines_and_states(data: bytes) -> list[bytes]:
    """Cut data behind each line end, and before each carriage return that begins another state of a bar."""
    units: list[bytes] = []
    for line in data.split(b"\n"):
        units.append(line + b"\n")
    units[-1] = units[-1][:-1]
    if not units[-1]:
        del units[-1]
    if b"\r" not in data:
        return units
    return [unit for line in units for unit in _states(line)]


def _states(line: bytes) -> list[bytes]:
    end = line[-2:] if line.endswith(b"\r\n") else b""
    first, *others = line[: len(line) - len(end)].split(b"\r")
    states = ([first] if first else []) + [b"\r" + other for other in others]
    if not states:
        return [line]
    states[-1] += end
    return states
