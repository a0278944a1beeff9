"""Stopping: which signal an attempt that is to end gets next, and when."""

from __future__ import annotations

from crude_link.agent.lean import signal

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
#: What is there so long after KILL will not go.
_HOPE_SECONDS = 5.0


class Stopping:
    """INT, grace, TERM, grace, KILL."""

    def __init__(self, why: str, grace: float, now: float) -> None:
        #: `stopped` or `timed out`.
        self.why = why
        self.due = now
        self.has_killed = False
        self._grace = grace
        self._stage = 0

    def hurry(self, now: float) -> None:
        """Go to KILL at once."""
        if not self.has_killed:
            self._stage = 2
            self.due = now

    def shorten(self, grace: float, now: float) -> None:
        """Allow no more than so much time from now on for each signal."""
        self._grace = min(self._grace, grace)
        self.due = min(self.due, now + self._grace)

    def step(self, now: float) -> int | None:
        """Return the signal that is due now; None when KILL was sent and did not help."""
        if self._stage == len(_SIGNALS):
            return None
        number = _SIGNALS[self._stage]
        self._stage += 1
        self.has_killed = number == signal.SIGKILL
        self.due = now + (_HOPE_SECONDS if self.has_killed else self._grace)
        return number
