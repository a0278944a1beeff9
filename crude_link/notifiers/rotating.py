"""RotatingFile: a file that several processes append whole lines to, and that is put aside when it is full."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from crude_link.interfaces import Clock

LIMIT_BYTES = 2_000_000
BACKUPS = 3
_BATCH_BYTES = 65_536
#: How long another process may hold the file: it holds it for one write, unless it was suspended in the midst.
_PATIENCE = (200, timedelta(milliseconds=10))


class RotatingFile:
    """`path`, at most 2 MB, and before it `path.1`, `path.2`, `path.3`, the newest first.

    Every write happens under a flock on the file itself, so that there is no lock file; so does putting aside.
    Whoever waited for a file that was put aside meanwhile sees that `path` is another one now, and opens that.
    """

    def __init__(self, path: Path, clock: Clock, *, limit: int = LIMIT_BYTES) -> None:
        # Resolved once: what a link points to is put aside beside the file, not in place of the link.
        self._path = Path(os.path.realpath(path))
        self._clock = clock
        self._limit = limit
        self._descriptor: int | None = None

    def open(self) -> None:
        """Make sure that the file is there, and its folder. OSError when that cannot be."""
        self.append(())

    def append(self, lines: Iterable[bytes]) -> None:
        """Append whole lines, each with its end, in pieces that are written wholly or not at all. OSError."""
        self._descriptor = self._current()
        for batch in _batches(lines):
            self._append_batch(batch)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _append_batch(self, batch: bytes) -> None:
        may_rotate = True
        while True:
            descriptor = self._descriptor = self._current()
            is_locked = self._lock(descriptor)
            try:
                if not self._is_current(descriptor):
                    continue
                size = os.fstat(descriptor).st_size
                if is_locked and may_rotate and size and size + len(batch) > self._limit:
                    may_rotate = self._put_aside()
                    continue
                _write_wholly(descriptor, batch, size if is_locked else None)
                return
            finally:
                if is_locked:
                    fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _current(self) -> int:
        """Return a descriptor of the file that bears the name now, opening it anew where necessary."""
        if self._descriptor is not None and self._is_current(self._descriptor):
            return self._descriptor
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o666)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, flags, 0o666)

    def _is_current(self, descriptor: int) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(descriptor))

    def _lock(self, descriptor: int) -> bool:
        """Lock the file; False for what is no file, for a file system without locks, or when patience ends."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        tries, pause = _PATIENCE
        for _ in range(tries):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._clock.sleep_until(self._clock.now() + pause)
            except OSError:
                return False
            else:
                return True
        return False

    def _put_aside(self) -> bool:
        """Move the files on by one; the last one goes. False when the folder does not allow it."""
        try:
            for number in range(BACKUPS, 0, -1):
                newer = Path(f"{self._path}.{number - 1}") if number > 1 else self._path
                with suppress(FileNotFoundError):
                    newer.replace(f"{self._path}.{number}")
        except OSError:
            return False  # a log that grows too large is better than none
        return True


def _batches(lines: Iterable[bytes]) -> Iterator[bytes]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size >= _BATCH_BYTES:
            yield b"".join(batch)
            batch, size = [], 0
    if batch:
        yield b"".join(batch)


def _write_wholly(descriptor: int, data: bytes, size_before: int | None) -> None:
    """Write all of `data`; when the disk is full in the midst, take back what was written, if that is safe."""
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        if size_before is not None and len(left) < len(data):
            os.ftruncate(descriptor, size_before)
        raise
