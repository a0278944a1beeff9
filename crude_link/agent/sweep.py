"""Sweep: ends what bears a mark or is in some sessions: INT, 2 s, TERM, 2 s, KILL, until two looks find nothing."""

from __future__ import annotations

import os

from crude_link.agent.lean import signal
from crude_link.agent.processes import bearers
from crude_link.agent.sessions import members

#: How long INT and TERM may take when nobody waits for a step any more.
PATIENCE_SECONDS = 2.0
_LOOK_SECONDS = 0.1
#: What is there so long after KILL cannot be ended.
_HOPE_SECONDS = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


class Sweep:
    """One sweep; `step` is called again at `due` until it has ended."""

    def __init__(self, word: str, sessions: dict[int, int]) -> None:
        self.due = 0.0
        #: What could not be ended.
        self.survivors: list[int] = []
        self._word = word
        self._sessions = sessions
        self._began: float | None = None
        self._told: dict[int, int] = {}
        self._empty_looks = 0

    def step(self, now: float) -> bool:
        """Look once more; True when it is over. Two looks must find nothing: a process may just be starting."""
        if self._began is None:
            self._began = now
        self.due = now + _LOOK_SECONDS
        found = sorted({*bearers(self._word), *members(self._sessions)})
        if not found:
            self._empty_looks += 1
            return self._empty_looks >= 2
        self._empty_looks = 0
        elapsed = now - self._began
        stage = min(2, int(elapsed / PATIENCE_SECONDS))
        for pid in found:
            if self._told.get(pid, -1) < stage:
                self._told[pid] = stage
                tell(pid, _SIGNALS[stage])
        if elapsed > 2 * PATIENCE_SECONDS + _HOPE_SECONDS:
            self.survivors = found
            return True
        return False


def tell(pid: int, number: int) -> None:
    """Send a signal to one process, and wake it so that it is heard; one that is gone is fine."""
    try:
        os.kill(pid, number)
        if number != signal.SIGKILL:
            os.kill(pid, signal.SIGCONT)
    except OSError:
        pass


def tell_group(group: int, number: int) -> None:
    """Send a signal to all of a group, and wake it so that it is heard; one that is gone is fine."""
    try:
        os.killpg(group, number)
        if number not in (signal.SIGKILL, getattr(signal, "SIGWINCH", 0)):
            os.killpg(group, signal.SIGCONT)
    except OSError:
        pass
