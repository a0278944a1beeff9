"""FlockLocks: who holds which run, by flocks that die with their owners."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from crude_link.errors import RunIsHeld, UnknownRun
from crude_link.model.words import moment_words
from crude_link.store.failures import translated
from crude_link.store.files import RunFiles

#: Those who look take a lock too, shared and for an instant; whoever wants to hold a run tries again that long.
_TRIES = 20
_PAUSE_SECONDS = 0.015


class FlockLocks:
    """The two locks of each run: the coordinator's, which is taken here, and its agent's.

    The text in a lock file ("pid 4711 on thor") and its time of change are for the words only.
    """

    def __init__(self, files: RunFiles) -> None:
        self._files = files
        self._ahead: dict[int, int] = {}

    @contextmanager
    def hold(self, run: int) -> Iterator[Path]:
        """Take the run's first lock; gives the path of the second. RunIsHeld, naming who; UnknownRun when it is gone.

        The agent of a former holder may still hold the second one: a new agent waits for it.
        """
        lock = self._ahead.pop(run, None)
        if lock is None:
            lock = self._take(run)
        try:
            yield self._files.agent_lock(run)
        finally:
            os.close(lock)

    def hold_ahead(self, run: int) -> None:
        """Take the first lock of a run that is being recorded, for the `hold` that follows in this process.

        Without it the run would be seen, between its record and its lock, as one that lost its owner.
        """
        self._ahead[run] = self._take(run)

    def let_go(self, run: int) -> None:
        """Undo `hold_ahead`."""
        lock = self._ahead.pop(run, None)
        if lock is not None:
            os.close(lock)

    def close(self) -> None:
        """Undo every `hold_ahead` that no `hold` followed."""
        for run in list(self._ahead):
            self.let_go(run)

    def is_held(self, run: int) -> bool:
        """True while a coordinator or an agent holds the run."""
        return _is_locked(self._files.lock(run)) or _is_locked(self._files.agent_lock(run))

    def holder(self, run: int) -> str | None:
        """Say in words who holds the run ("pid 4711 on thor since 2026-03-01 12:03 CET"); None when nobody does."""
        lock, agent_lock = self._files.lock(run), self._files.agent_lock(run)
        if who := lock_holder(lock):
            return who
        if _is_locked(agent_lock):
            words = _words(agent_lock)
            return "an agent that still ends its last steps" + (f" ({words})" if words else "")
        return None

    def _take(self, run: int) -> int:
        path = self._files.lock(run)
        for _ in range(_TRIES):
            with translated(path):
                try:
                    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                except FileNotFoundError as error:
                    raise UnknownRun(f"run {run} has no folder any more ({path.parent})") from error
            if not _locked_now(lock, fcntl.LOCK_EX):
                os.close(lock)
                time.sleep(_PAUSE_SECONDS)
                continue
            if _is_still(path, lock):
                write_holder(path, lock)
                return lock
            # The run was removed, and perhaps made again, in between.
            os.close(lock)
        who = self.holder(run)
        if who is None:
            raise RunIsHeld(f"run {run} was held until just now: try again")
        raise RunIsHeld(
            f"run {run} is held by {who}. Wait for it (crude-link wait {run}) or stop it (crude-link stop {run})"
        )


def lock_holder(path: Path) -> str | None:
    """Say in words who holds a lock; None when nobody does."""
    return (_words(path) or "a process that did not say its name") if _is_locked(path) else None


def locked_soon(lock: int) -> bool:
    """Take an open lock file for ourselves, also while somebody just looks; False: somebody has it."""
    for _ in range(_TRIES):
        if _locked_now(lock, fcntl.LOCK_EX):
            return True
        time.sleep(_PAUSE_SECONDS)
    return False


def write_holder(path: Path, lock: int) -> None:
    """Write into a lock that we hold who we are."""
    with translated(path):
        os.ftruncate(lock, 0)
        os.write(lock, f"pid {os.getpid()} on {os.uname().nodename}\n".encode("utf-8", "surrogateescape"))


def _is_locked(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        # Who may not look believes the record.
        return True
    try:
        return not _locked_now(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def _locked_now(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _words(path: Path) -> str:
    try:
        words = path.read_text("utf-8", "surrogateescape").strip()
        since = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    except OSError:
        return ""
    return f"{words} since {moment_words(since)}" if words else ""
