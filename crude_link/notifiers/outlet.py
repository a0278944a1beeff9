"""Outlet: a descriptor that is written to without ever waiting for its reader."""

from __future__ import annotations

import _thread
import os
import select
import stat

#: So much fits into any pipe of which poll says that it has room.
_PIECE = select.PIPE_BUF


class Outlet:
    """Writes at once what the far end takes; the rest is written by a thread, which lives only so long.

    The descriptor itself stays as it is: others may share it, and do not expect that it refuses to wait.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._mode = os.fstat(descriptor).st_mode
        self._is_terminal = os.isatty(descriptor)
        self._terminal = _opened_again(descriptor) if self._is_terminal else None
        self._lock = _thread.allocate_lock()
        self._queue = bytearray()
        self._error: OSError | None = None

    @property
    def waiting(self) -> int:
        """The bytes that the far end has not taken yet."""
        return len(self._queue)

    def send(self, data: bytes) -> None:
        """Write `data`, or queue it behind what waits. OSError, also one that came to what was sent earlier."""
        with self._lock:
            if self._error:
                raise self._error
            if self._queue:
                self._queue += data
                return
            self._queue += data[self._taken_at_once(data) :]
            if not self._queue:
                return
            try:
                _thread.start_new_thread(self._write_queue, ())
            except RuntimeError:  # the machine gives us none: better late than lost
                _write(self._descriptor, bytes(self._queue))
                self._queue.clear()

    def close(self) -> None:
        """Let go of what was opened here; the descriptor stays open."""
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    def _taken_at_once(self, data: bytes) -> int:
        """Write what the far end takes now; return how much that was."""
        if self._terminal is not None:
            return _taken(self._terminal, data, len(data))
        if stat.S_ISFIFO(self._mode):
            return _taken(self._descriptor, data, _PIECE)
        if self._is_terminal or stat.S_ISSOCK(self._mode):
            return 0  # nothing says how much they take
        _write(self._descriptor, data)  # a file, which is its own reader
        return len(data)

    def _write_queue(self) -> None:
        while True:
            with self._lock:
                piece = bytes(self._queue[:_PIECE])
            try:
                _write(self._descriptor, piece)
            except OSError as error:
                with self._lock:
                    self._error = error
                    self._queue.clear()
                return
            with self._lock:
                del self._queue[: len(piece)]
                if not self._queue:  # from here on `send` writes again itself
                    return


def _taken(descriptor: int, data: bytes, piece: int) -> int:
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    written = 0
    while written < len(data) and room.poll(0):
        try:
            written += os.write(descriptor, data[written : written + piece])
        except BlockingIOError:
            break
    return written


def _write(descriptor: int, data: bytes) -> None:
    """Write all of `data`, and wait where somebody who shares the descriptor made it refuse to."""
    written = 0
    while written < len(data):
        try:
            written += os.write(descriptor, data[written:])
        except BlockingIOError:
            room = select.poll()
            room.register(descriptor, select.POLLOUT)
            room.poll()


def _opened_again(descriptor: int) -> int | None:
    """Open the terminal of a descriptor a second time, so that this one can refuse to wait; None where that fails."""
    flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        terminal = os.open(os.ttyname(descriptor), flags)
    except OSError:
        return None
    if os.fstat(terminal).st_rdev == os.fstat(descriptor).st_rdev:
        return terminal
    os.close(terminal)
    return None
