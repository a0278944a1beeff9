"""Channels: the three descriptors of an attempt: nothing or a keyboard, and two pipes or terminals."""

from __future__ import annotations

import os

from crude_link.agent.machine import NoRoom, is_want_of_room
from crude_link.agent.output import open_terminal, pack_size, set_size
from crude_link.agent.spawn import CannotSpawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crude_link.agent.streams import Streams

_USUAL_SIZE = (24, 80)


class Channels:
    """Opened before the spawn; `connect` gives our sides to the outputs, `close` undoes it all.

    CannotSpawn; NoRoom.
    """

    def __init__(self, screens: dict[str, list[int] | None], has_keyboard: bool) -> None:
        #: What the process gets as 0, 1 and 2; -1 is /dev/null.
        self.inner: tuple[int, int, int] = (-1, -1, -1)
        self._keyboard = -1
        #: A terminal that is there for the keyboard only: its two sides.
        self._own: tuple[int, int] | None = None
        self._pairs: list[tuple[int, int, bool]] = []
        try:
            for name in ("stdout", "stderr"):
                self._pairs.append(_open(screens.get(name)))
            stdin = self._open_keyboard() if has_keyboard else -1
        except OSError as error:
            self.close()
            if is_want_of_room(error):
                raise NoRoom(str(error.strerror).lower()) from error
            raise CannotSpawn(f"the machine has no pipe or terminal left: {error.strerror}") from error
        self.inner = (stdin, self._pairs[0][1], self._pairs[1][1])

    def connect(self, streams: Streams) -> None:
        """Let our sides be read. We keep the inner side of a terminal: so it never hangs up."""
        for number, (ours, theirs, is_terminal) in enumerate(self._pairs):
            if not is_terminal:
                os.close(theirs)
            streams.attach(number, ours, theirs if is_terminal else -1)
        self._pairs = []

    def press(self, data: bytes) -> None:
        """Hand keys to the process; what does not fit is lost, as on any terminal."""
        if self._keyboard >= 0:
            try:
                os.write(self._keyboard, data)
            except OSError:
                pass
        if self._own:
            _discard(self._own[0])

    def resize(self, size: bytes) -> None:
        """Give the keyboard's own terminal a new size."""
        if self._own:
            set_size(self._own[0], size)

    def close(self) -> None:
        """Close what nobody else closes."""
        for ours, theirs, _ in self._pairs:
            os.close(ours)
            os.close(theirs)
        self._pairs = []
        for fd in self._own or ():
            os.close(fd)
        self._own = None
        if self._keyboard >= 0:
            os.close(self._keyboard)
        self._keyboard = -1

    def _open_keyboard(self) -> int:
        """The keyboard's terminal is the one of stdout or stderr, so that its echo is seen, else one of its own."""
        for ours, theirs, is_terminal in self._pairs:
            if is_terminal:
                self._keyboard = os.dup(ours)
                return theirs
        self._own = open_terminal(pack_size(*_USUAL_SIZE))
        os.set_blocking(self._own[0], False)
        self._keyboard = os.dup(self._own[0])
        return self._own[1]


def _open(screen: list[int] | None) -> tuple[int, int, bool]:
    if screen:
        return (*open_terminal(pack_size(screen[0], screen[1])), True)
    return (*os.pipe(), False)


def _discard(fd: int) -> None:
    try:
        while os.read(fd, 1 << 12):
            pass
    except OSError:
        pass
