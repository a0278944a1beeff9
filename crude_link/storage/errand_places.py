"""Errand places: that no two tasks work in one place here at once, whichever runs they are of.

Among the tasks of a run a claim says whose a place is, until that task has succeeded: its files lie there. Between
runs a lock does, which is gone with the process: what a run that was given up has left there is nobody's.

Claims lie in folders as their places do, so that none can be inside another.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
from contextlib import suppress
from pathlib import Path

from crude_link.storage.errand_order import ErrandOrder
from crude_link.storage.failures import TransferError
from crude_link.storage.local import Remark, is_inside


class Places:
    """The places of one task. What cannot be claimed or locked is a TransferError."""

    def __init__(self, order: ErrandOrder) -> None:
        self._task = str(order.task)
        claimed = {str(leg.local) for leg in order.legs if leg.is_claimed}
        outermost = [
            each for each in claimed if not any(each != other and is_inside(each, other) for other in claimed)
        ]
        self._root = order.notes / "claims"
        self._claims = {self._root.joinpath(*map(_word, Path(place).parts)): place for place in sorted(outermost)}
        owns = {os.path.realpath(leg.own) for leg in order.legs}
        #: In one order for all tasks, so that no two wait for each other.
        self._locks = [order.locks / f"{_word(own)}.lock" for own in sorted(owns)]
        self._held: dict[Path, int] = {}

    def take(self, remark: Remark) -> None:
        """Claim the places that may be those of other tasks of the run as well, and wait for those of other runs."""
        try:
            self._claim()
            for path in self._locks:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                while path not in self._held:
                    self._lock(path, remark)
        except OSError as error:
            raise TransferError(f"its places here cannot be claimed: {error.filename}: {error.strerror}") from error

    def let_go(self) -> None:
        """Let others have the places, as far as they are not claimed."""
        for path, descriptor in self._held.items():
            path.unlink(missing_ok=True)
            os.close(descriptor)
        self._held.clear()

    def give_up(self) -> None:
        """Give up the claims: the task has succeeded."""
        for path in self._claims:
            self._give_up(path)

    def _claim(self) -> None:
        taken: list[Path] = []
        for path, place in self._claims.items():
            while True:
                # A link to nowhere that says whose the place is comes into being whole, and once.
                with suppress(FileExistsError, FileNotFoundError):
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    path.symlink_to(self._task)
                    taken.append(path)
                if holder := self._holder(path):
                    break
                _remove_empty_folders(path)
            if holder != self._task:
                for other in taken:
                    self._give_up(other)
                raise TransferError(
                    f"{place} is where task {holder} has its files, which has not succeeded yet, or a folder in it "
                    "or around it: let each task have a place of its own here, as with {index}"
                )

    def _holder(self, path: Path) -> str | None:
        """Return the task that holds a place, one around it, or one in it; None where it was given up meanwhile."""
        inside = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
        for each in itertools.chain((path, *path.parents[: -len(self._root.parts)]), inside):
            with suppress(OSError):
                return os.readlink(each)  # noqa: PTH115 (it names no file)
        return None

    def _give_up(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # as soon as one is not empty
            for folder in path.parents[: -len(self._root.parts)]:
                folder.rmdir()

    def _lock(self, path: Path, remark: Remark) -> None:
        """Lock a file; it is not held when whoever had it has removed it meanwhile."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remark("waiting: another task works in the same place")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                self._held[path] = descriptor
                return
        os.close(descriptor)


def _remove_empty_folders(path: Path) -> None:
    """Remove what a task that was killed as it gave up its claim has left."""
    for folder, _, _ in os.walk(path, topdown=False):
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 (beside what is all strings)


def _word(place: str) -> str:
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:24]
