"""Scratch: the two files that the tasks of a slot write to, one task after the other."""

from __future__ import annotations

import os

from crude_link.agent.masks import Masker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crude_link.agent.archive import End

#: What is more than this goes into files of its own.
_MUCH = 1 << 20
_PIECE = 1 << 20
_TAIL = 2000
_NAMES = (".stdout", ".stderr")


class Scratch:
    """A pair of files, empty whenever a task begins. OSError when they cannot be had."""

    def __init__(self, stem: str, masks: list[bytes]) -> None:
        self._paths = (stem + ".out", stem + ".err")
        self._masks = masks
        #: No new files could be had in the place of the old ones.
        self.is_broken = False
        self.fds = self._open()

    def take(self, end: End, stem: str, *, may_be_written: bool) -> None:
        """Give an end what its task has written, masked, and be empty again.

        Much goes to files that begin with `stem`. With `may_be_written` something of the task may still live, and
        write: it keeps the old files, which nobody else will see.
        """
        out, err = self.fds
        sizes = (os.lseek(out, 0, os.SEEK_END), os.lseek(err, 0, os.SEEK_END))
        if sizes != (0, 0):
            if sizes[0] + sizes[1] > _MUCH:
                self._take_much(end, stem, sizes, may_be_written)
            else:
                end.out = self._masked(self._read(out, sizes[0])) if sizes[0] else b""
                end.err = self._masked(self._read(err, sizes[1])) if sizes[1] else b""
                end.sizes = (len(end.out), len(end.err))
            self._empty(sizes)
        if may_be_written:
            self._replace()

    def close(self) -> None:
        """Remove the files."""
        fds, self.fds = self.fds, (-1, -1)
        for fd, path in zip(fds, self._paths):
            if fd >= 0:
                os.close(fd)
                _remove(path)

    def _take_much(self, end: End, stem: str, sizes: tuple[int, int], may_be_written: bool) -> None:
        """Where nothing is to be masked and nobody writes any more, the files themselves are the output's."""
        out, err = (self._tail(fd, size) for fd, size in zip(self.fds, sizes))
        end.tails = (out, err)
        try:
            if self._masks or may_be_written:
                out_size, err_size = (
                    self._copy(fd, size, stem + name) for fd, size, name in zip(self.fds, sizes, _NAMES)
                )
                end.sizes = (out_size, err_size)
            else:
                for path, name in zip(self._paths, _NAMES):
                    os.rename(path, stem + name)
                end.sizes = sizes
                self._replace()
        except OSError as error:
            end.drop_output(error.strerror or str(error))
        else:
            end.is_apart = True

    def _tail(self, fd: int, size: int) -> bytes:
        """Return the end of a file, masked; what could be the rest of a mask that began before it is left out."""
        longest = max(map(len, self._masks), default=0)
        at = max(0, size - _TAIL - longest)
        return self._masked(os.pread(fd, size - at, at))[longest if at else 0 :]

    def _copy(self, source: int, size: int, path: str) -> int:
        masker = Masker(self._masks)
        copied = at = 0
        with open(path, "wb", opener=_open_private) as sink:
            while at < size:
                data = os.pread(source, min(_PIECE, size - at), at)
                if not data:
                    break
                at += len(data)
                copied += sink.write(masker.feed(data))
            return copied + sink.write(masker.finish())

    def _empty(self, sizes: tuple[int, int]) -> None:
        for fd, size in zip(self.fds, sizes):
            if size and fd >= 0:
                os.ftruncate(fd, 0)
                # Should a task have unset O_APPEND, which all that are to come have in common with it.
                os.lseek(fd, 0, os.SEEK_SET)

    def _replace(self) -> None:
        self.close()
        try:
            self.fds = self._open()
        except OSError:
            self.is_broken = True

    def _open(self) -> tuple[int, int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        out = os.open(self._paths[0], flags, 0o600)
        try:
            return out, os.open(self._paths[1], flags, 0o600)
        except OSError:
            os.close(out)
            raise

    def _read(self, fd: int, size: int) -> bytes:
        return os.pread(fd, size, 0)

    def _masked(self, data: bytes) -> bytes:
        if not self._masks or not data:
            return data
        masker = Masker(self._masks)
        return masker.feed(data) + masker.finish()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
