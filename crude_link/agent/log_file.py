"""Log file: where a stream of an attempt is kept; a full disk or a removed folder does not stop the attempt."""

from __future__ import annotations

import os

from crude_link.agent.machine import NoRoom, is_want_of_room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_COPY_PIECE = 1 << 20


class LogFile:
    """A file that is written from some place on to its end; what cannot be written is dropped, and remarked once.

    NoRoom when it is made while too many files are open.
    """

    def __init__(self, path: str, remark: Callable[[str], None]) -> None:
        self.path = path
        #: How many bytes the file has.
        self.size = 0
        #: Why something is missing in it; empty when nothing is.
        self.trouble = ""
        self._dropped = 0
        self._remark = remark
        self._has_moved = False
        try:
            self._fd = self._open()
        except OSError as error:
            if is_want_of_room(error):
                raise NoRoom(str(error.strerror).lower()) from error
            self._fd = -1
            self._complain(error)

    def write(self, place: int, data: bytes, lasting: int) -> None:
        """Make the file end with `data` from `place` on; the first `lasting` bytes of it will not be given again.

        Places count as if nothing had ever been dropped.
        """
        if self._fd < 0:
            return
        start = max(0, place - self._dropped)
        written = 0
        try:
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], start + written)
        except OSError as error:
            self._dropped += max(0, lasting - written)
            self._complain(error)
        end = start + written
        if end < self.size:
            self._shorten(end)
        self.size = end

    def mend(self) -> None:
        """If somebody has removed the file, write what it held to a new one at the same place."""
        if self._fd < 0:
            return
        try:
            there = os.stat(self.path)
            here = os.fstat(self._fd)
            if (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev):
                return
        except OSError:
            pass
        self._write_anew()

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            return os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), 0o700, exist_ok=True)
            return os.open(self.path, flags, 0o600)

    def _shorten(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            self._complain(error)

    def _write_anew(self) -> None:
        old, self._fd = self._fd, -1
        try:
            self._fd = self._open()
        except OSError as error:
            self._complain(error)
        if not self._has_moved:
            self._has_moved = True
            self._remark(f"{self.path} was removed while it was being written; it was written anew")
        at = 0
        try:
            while self._fd >= 0 and at < self.size:
                data = os.pread(old, min(_COPY_PIECE, self.size - at), at)
                if not data:
                    break
                at += os.pwrite(self._fd, data, at)
        except OSError as error:
            self._dropped += self.size - at
            self._complain(error)
        self.size = at
        os.close(old)

    def _complain(self, error: OSError) -> None:
        if not self.trouble:
            self.trouble = error.strerror or str(error)
            self._remark(f"{self.path} is not complete: {self.trouble}")
