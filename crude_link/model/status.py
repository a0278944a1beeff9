"""Status: how a Run, a Step, a Task or an Attempt stands."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """How a Run, a Step, a Task or an Attempt stands; all but plain success bear a reason in words."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    #: Running by its record, but nobody holds the run: derived when read, recorded by the next sitting.
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """True when nothing more happens to it within this sitting."""
        return self not in (Status.WAITING, Status.RUNNING)
