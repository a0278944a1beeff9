"""Holds: the second lock of a run, which says that something of the run may live on this machine."""

from __future__ import annotations

import fcntl
import os

from crude_link.agent.processes import mark_word
from crude_link.agent.sessions import SessionList, listed_sessions
from crude_link.agent.sweep import Sweep

_RETRY_SECONDS = 0.05


class Hold:
    """One lock file: wanted, then swept where that was asked, then held."""

    def __init__(self, run: int, path: str, sweep: bool, writer: str) -> None:
        self.run = run
        self.path = path
        self.word = run_word(path)
        self.due = 0.0
        self.is_held = False
        #: Why the lock can never be had.
        self.refusal = ""
        #: What the sweep could not end.
        self.survivors: list[int] = []
        #: The sessions of the steps that we start.
        self.sessions = SessionList(path, writer)
        #: The lock, which the guard shares; -1: it is not had yet.
        self.fd = -1
        self._wants_sweep = sweep
        self._sweep: Sweep | None = None

    @property
    def is_settled(self) -> bool:
        """True when `step` has nothing more to do."""
        return self.is_held or bool(self.refusal)

    def step(self, now: float) -> None:
        """Go on as far as is possible without waiting; to be called again at `due`."""
        if self.fd < 0 and not self._lock():
            self.due = now + _RETRY_SECONDS
            return
        if self._wants_sweep:
            self._sweep = self._sweep or Sweep(self.word, listed_sessions(self.path))
            if not self._sweep.step(now):
                self.due = self._sweep.due
                return
            self.survivors = self._sweep.survivors
        self.is_held = True

    def release(self) -> None:
        """Let go of the lock, for the guard too."""
        self.sessions.close()
        if self.fd >= 0:
            fcntl.flock(self.fd, fcntl.LOCK_UN)
            os.close(self.fd)
        self.fd = -1
        self.is_held = False

    def _lock(self) -> bool:
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self.refusal = f"the lock {self.path} cannot be had: {error.strerror}"
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError as error:
            os.close(fd)
            self.refusal = f"the lock {self.path} cannot be had: {error.strerror}"
            return False
        if not _is_same(fd, self.path):
            os.close(fd)
            return False
        self.fd = fd
        return True


def run_word(path: str) -> str:
    """Return the mark of a run whose lock is at `path`: the same for every agent that ever held it."""
    return mark_word("run", os.path.realpath(path))


def _is_same(fd: int, path: str) -> bool:
    """A lock on a file that somebody has removed meanwhile says nothing."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except OSError:
        return False
