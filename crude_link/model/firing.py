"""Firing: what became of a slot time; a row of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

#: How the reason begins for which an entry is refused whose pipeline a failure has ended.
ENDED = "the schedule has ended"


class Fate(Enum):
    """What became of a slot time."""

    #: Its run began on time.
    RAN = "ran"
    #: Its run began late, because it had been missed.
    CAUGHT_UP = "caught up"
    #: It waits until the runs before it have ended.
    QUEUED = "queued"
    #: Another run was still going.
    SKIPPED = "skipped"
    #: Nobody was there to begin it: the machine was off or asleep, no scheduler ran.
    MISSED = "missed"
    #: The schedule was paused, or stopped.
    REFUSED = "refused"
    #: It should have run, and could not begin: the config, the pre-flight.
    FAILED = "could not begin"
    #: A person had it run afterwards.
    BACKFILLED = "back-filled"
    #: A person had it run afterwards although it had run before.
    REPEATED = "repeated"

    @property
    def is_by_hand(self) -> bool:
        """True for what a person did about a slot time; what its schedule did is another row."""
        return self in (Fate.BACKFILLED, Fate.REPEATED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Firing:
    """What became of a slot time, or of several in a row that had the same fate."""

    pipeline: str
    #: `Schedule.entry`.
    entry: str
    #: The first of them.
    slot_time: datetime
    fate: Fate
    #: When this was recorded.
    at: datetime
    #: The last of them.
    until: datetime | None = None
    #: How many they are.
    count: int = 1
    #: The run that it began.
    run: int | None = None
    #: The run that stood in its way.
    blocker: int | None = None
    #: Why, in words; empty for one that simply ran.
    reason: str = ""

    @property
    def last(self) -> datetime:
        """The last slot time that it is about."""
        return self.until or self.slot_time


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A pipeline's schedules begin nothing until somebody ends this."""

    pipeline: str
    at: datetime
    by: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerRecord:
    """A scheduler as it recorded itself; whether it still lives, its lock tells."""

    host: str
    pid: int
    began: datetime
    #: When it was last known to be alive; what came due after that and before the next one was missed.
    seen: datetime
    #: Absolute paths.
    config_files: tuple[str, ...]
    log_file: str | None = None
