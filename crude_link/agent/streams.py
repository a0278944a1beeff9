"""Streams: the two outputs of an attempt, read together, so that their order of arrival is kept."""

from __future__ import annotations

from crude_link.agent.braid import Braid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crude_link.agent.arrivals import Arrivals
    from crude_link.agent.braid import Pieces
    from crude_link.agent.loop import Loop
    from crude_link.agent.output import Output

#: While somebody writes all the time, the order is sought so often; then what is there is taken as it is.
_ROUNDS = 8
#: At the end so often is read and no more: an escaped process may write for ever.
_LAST_READS = 32


class Streams:
    """Waits for both, and whenever one has something reads both."""

    def __init__(self, outputs: tuple[Output, ...], arrivals: Arrivals, loop: Loop) -> None:
        self._outputs = outputs
        self._arrivals = arrivals
        self._loop = loop
        self._braid = Braid()
        self._watches: list[int] = []

    def expect(self, inner: tuple[int, int]) -> None:
        """Begin to note the order of writes; `inner` are the sides that the process is going to have."""
        braid = self._braid
        first = self._arrivals.watch(inner[0], lambda: braid.note(0))
        self._watches = [first, self._arrivals.watch(inner[1], lambda: braid.note(1))]

    def attach(self, number: int, fd: int, extra_fd: int) -> None:
        """Read the first or second output (0, 1) from `fd`."""
        self._outputs[number].attach(fd, self._loop, extra_fd)
        self._outputs[number].go_on(self._read_some)

    def pause(self) -> None:
        """Read no more for now, so that who writes must wait."""
        for output in self._outputs:
            output.pause()

    def go_on(self) -> None:
        """Read again after `pause`."""
        for output in self._outputs:
            output.go_on(self._read_some)

    def finish(self) -> None:
        """Read what is there, for the last time."""
        for _ in range(_LAST_READS):
            if not any(output.is_attached for output in self._outputs) or not self._read():
                break
        for number in self._watches:
            self._arrivals.forget(number)
        self._watches = []

    def _read_some(self) -> None:
        self._read()

    def _read(self) -> bool:
        """Read what is there; False when nothing was."""
        braid, (out, err) = self._braid, self._outputs
        has_any = False
        for _ in range(_ROUNDS):
            self._arrivals.look()
            braid.begin()
            data, is_all = out.read()
            braid.feed(0, data, is_all)
            last, is_all = err.read()
            braid.feed(1, last, is_all)
            has_any = has_any or bool(data or last)
            self._arrivals.look()  # of writes during the reading, too
            self._digest(braid.take())
            if braid.is_empty:
                return has_any
        self._digest(braid.rest())
        return True

    def _digest(self, pieces: Pieces) -> None:
        for number, data in pieces:
            self._outputs[number].digest(data)
