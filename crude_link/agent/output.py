"""Output: what an attempt writes, pumped from its pipes or terminals into its files, masked."""

from __future__ import annotations

import fcntl
import os
import time

from crude_link.agent.log_file import LogFile
from crude_link.agent.masks import Masker
from crude_link.agent.screen_lines import ScreenLines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from crude_link.agent.loop import Loop

_PIECE = 1 << 16
#: No more is read of one stream before the other has its turn.
_MOST = 1 << 17
#: A bar that moves is written to its file so often.
MOVING_SECONDS = 0.5
_MEND_SECONDS = 2.0
#: So much of the end of a stream is kept for the words of a failure.
_TAIL = 2000


class Index:
    """The file that keeps the order in which the pieces of both streams arrived."""

    def __init__(self, path: str, began: float, remark: Callable[[str], None]) -> None:
        self.file = LogFile(path, remark)
        self._began = began
        self._place = 0
        self._mended_at = began

    def note(self, letter: str, size: int) -> None:
        """Say that a stream now reaches up to `size`."""
        line = b"%s %d %d\n" % (letter.encode(), size, (time.monotonic() - self._began) * 1000)
        self.file.write(self._place, line, len(line))
        self._place += len(line)

    def tick(self, now: float) -> None:
        """Look at times whether the file is still there."""
        if now >= self._mended_at + _MEND_SECONDS:
            self._mended_at = now
            self.file.mend()

    def finish(self) -> None:
        """Let go of the file."""
        self.file.mend()
        self.file.close()


class Output:
    """One stream of an attempt: from a descriptor to a file and to whoever watches."""

    def __init__(self, name: str, path: str, masks: list[bytes], index: Index, say: Callable[..., None]) -> None:
        self.name = name
        self.file = LogFile(path, lambda text: say("remarked", text=text))
        #: The end of what was written, raw.
        self.tail = b""
        self._say = say
        self._index = index
        self._masker = Masker(masks)
        self._lines = ScreenLines()
        self._loop: Loop | None = None
        self._fd = -1
        self._noted = 0
        self._written_at = -MOVING_SECONDS
        self._mended_at = time.monotonic()
        self._is_waiting = False
        self._extra_fd = -1

    @property
    def is_attached(self) -> bool:
        """True while more may come."""
        return self._fd >= 0

    def attach(self, fd: int, loop: Loop, extra_fd: int = -1) -> None:
        """Read from `fd`: a pipe, or the master of a terminal whose other side, `extra_fd`, is closed with it."""
        os.set_blocking(fd, False)
        self._fd, self._loop, self._extra_fd = fd, loop, extra_fd

    def pause(self) -> None:
        """Wait for no more output for now, so that who writes must wait."""
        if self._loop:
            self._loop.forget(self._fd)

    def go_on(self, handler: Callable[[], None]) -> None:
        """Have `handler` called when there is output."""
        if self._loop and self._fd >= 0:
            self._loop.watch(self._fd, handler)

    def resize(self, size: bytes) -> None:
        """Give a terminal a new size; nothing to do for a pipe."""
        if self._extra_fd >= 0:
            set_size(self._fd, size)

    def due(self) -> float | None:
        """Return the monotonic time at which `tick` has something to do."""
        return self._written_at + MOVING_SECONDS if self._is_waiting else None

    def tick(self, now: float) -> None:
        """Write the present state of a moving bar, when it is time; look whether the file is still there."""
        if self._is_waiting and now >= self._written_at + MOVING_SECONDS:
            self._write(now)
        if now >= self._mended_at + _MEND_SECONDS:
            self._mended_at = now
            self.file.mend()

    def read(self) -> tuple[bytes, bool]:
        """Return what has been written, without waiting, and whether that is all."""
        pieces = []
        size = 0
        while self._fd >= 0 and size < _MOST:
            try:
                data = os.read(self._fd, _PIECE)
            except BlockingIOError:
                break
            except OSError:  # a terminal whose other side is closed
                data = b""
            if not data:
                self._detach()
                break
            pieces.append(data)
            size += len(data)
            if len(data) < _PIECE and self._extra_fd < 0:  # a terminal gives no more than 4 KB at once
                break
        return b"".join(pieces), size < _MOST

    def digest(self, data: bytes) -> None:
        """Take what was read: mask it, keep it, and tell it."""
        self._digest(self._masker.feed(data))

    def finish(self) -> None:
        """Write it all, and let go."""
        self._detach()
        self._digest(self._masker.finish())
        self._lines.finish()
        self._write(time.monotonic())
        self.file.mend()
        self.file.close()

    def _digest(self, data: bytes) -> None:
        if not data:
            return
        self.tail = data[-_TAIL:] if len(data) >= _TAIL else (self.tail + data)[-_TAIL:]
        self._say("wrote", stream=self.name, data=data.decode("latin-1"))
        self._lines.feed(data)
        now = time.monotonic()
        if self._lines.has_news or now >= self._written_at + MOVING_SECONDS:
            self._write(now)
        else:
            self._is_waiting = True

    def _write(self, now: float) -> None:
        place, data = self._lines.take()
        settled = self._lines.settled
        self._is_waiting = False
        self._written_at = now
        if not data and place >= self.file.size:
            return
        self.file.write(place, data, settled - place)
        reach = min(settled, self.file.size)
        if reach > self._noted:
            self._noted = reach
            self._index.note("o" if self.name == "stdout" else "e", reach)

    def _detach(self) -> None:
        if self._loop:
            self._loop.forget(self._fd)
        for fd in (self._fd, self._extra_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._extra_fd = -1


def open_terminal(size: bytes) -> tuple[int, int]:
    """Open a terminal of its own; return its two sides. Line ends pass as they are."""
    import termios

    master, slave = os.openpty()
    modes: list[Any] = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    set_size(master, size)
    return master, slave


def set_size(master: int, size: bytes) -> None:
    """Give a terminal its size, packed as `struct winsize`."""
    import termios

    fcntl.ioctl(master, termios.TIOCSWINSZ, size)


def pack_size(rows: int, columns: int) -> bytes:
    """Pack a size as `struct winsize`."""
    import struct

    return struct.pack("HHHH", rows, columns, 0, 0)
