"""Errand places: that no two tasks work in one place here at once, whichever runs they are of.

Among the tasks of a run a claim says whose a place is, until that task has succeeded: its files lie there. Between
runs a lock does, which is gone with the process: what a run that was given up has left there is nobody's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path

from crude_link.storage.errand_order import ErrandOrder
from crude_link.storage.failures import TransferError
from crude_link.storage.local import Remark


class Places:
    """The places of one task. What cannot be claimed or locked is a TransferError."""

    def __init__(self, order: ErrandOrder) -> None:
        self._task = str(order.task)
        claimed = dict.fromkeys(str(leg.local) for leg in order.legs if leg.is_claimed)
        self._claims = {order.notes / f"{_word(place)}.claim": place for place in claimed}
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
            path.unlink(missing_ok=True)

    def _claim(self) -> None:
        taken: list[Path] = []
        for path, place in self._claims.items():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A link to nowhere that says whose the place is comes into being whole, and once.
            with suppress(FileExistsError):
                path.symlink_to(self._task)
                taken.append(path)
            holder = os.readlink(path)  # noqa: PTH115 (it names no file)
            if holder != self._task:
                for other in taken:
                    other.unlink()
                raise TransferError(
                    f"{place} is where task {holder} has its files, which has not succeeded yet: let each task have "
                    "a place of its own here, as with {index}"
                )

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


def _word(place: str) -> str:
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:24]
