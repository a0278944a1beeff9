"""Absence: why slot times were missed, seen by two clocks: the wall's, and one that only counts on while we live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from crude_link.interfaces import Clock
from crude_link.model.words import duration_words, moment_words

#: A shorter gap is no news, and a smaller step of the clock is one of those that keep it right.
_NOTABLE = timedelta(seconds=5)
_BUSY = "crude-link was busy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """A span in which nobody looked at the schedules."""

    begin: datetime
    end: datetime
    cause: str

    @property
    def words(self) -> str:
        """Say it: `no scheduler ran from 2026-03-01 02:00:00 +01:00 to 2026-03-01 09:12:00 +01:00`."""
        return f"{self.cause} from {_when(self.begin)} to {_when(self.end)}"

    def reason_for(self, slot_time: datetime) -> str:
        """Say why a slot time was missed."""
        return self.words if self.begin < slot_time <= self.end else _BUSY


@dataclass(frozen=True, kw_only=True, slots=True)
class StepBack:
    """The clock was set back."""

    before: datetime
    now: datetime

    @property
    def words(self) -> str:
        """Say it."""
        span = duration_words(self.before - self.now)
        return f"the clock was set back by {span}, to {_when(self.now)}: what has run does not run again"


class Timekeeper:
    """Compares the clocks at each look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._ticks = clock.now(), clock.monotonic()
        self._rest = timedelta(0)

    def rest_until(self, moment: datetime) -> datetime:
        """Note that nobody needs to look before a moment; return it."""
        self._rest = max(moment - self._wall, timedelta(0))
        return moment

    def look(self) -> Absence | StepBack | None:
        """Return what has happened to time since the last look, if anything has."""
        before, ticks = self._wall, self._ticks
        now = self._wall = self._clock.now()
        self._ticks = self._clock.monotonic()
        lived = timedelta(seconds=self._ticks - ticks)
        if now - before - lived < -_NOTABLE:
            return StepBack(before=before + lived, now=now)
        if now - before - lived > _NOTABLE:
            cause = "the machine was off or asleep, or its clock was set forward,"
            return Absence(begin=before, end=now, cause=cause)
        if lived - self._rest > _NOTABLE:
            return Absence(begin=before, end=now, cause=_BUSY)
        return None


def _when(moment: datetime) -> str:
    return moment_words(moment, seconds=True)
