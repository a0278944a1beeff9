"""Forecast: which slot times come, and what would become of each at the usual run time. Nothing is looked up here."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum
from itertools import islice
from typing import Protocol

from crude_link.model.firing import Pause
from crude_link.model.schedule import Overlap, Schedule
from crude_link.model.words import duration_words


class Does(Enum):
    """What would become of a slot time."""

    RUNS = "runs"
    SKIPPED = "skipped"
    WAITS = "waits"
    REPLACES = "replaces"
    BESIDE = "runs beside"
    REFUSED = "refused"
    #: No run tells how long one takes.
    UNKNOWN = "unknown"
    #: It is looked for new files then; whether there are any, nobody knows.
    LOOKS = "looks"


class Slots(Protocol):
    """An entry of a schedule, whose slot times can be told."""

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""

    @property
    def schedule(self) -> Schedule:
        """The entry."""

    def slots(self, first: datetime) -> Iterator[datetime]:
        """Yield its slot times from a moment on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """What is known of a pipeline now."""

    #: How long a run of it takes; None: nobody knows.
    usual: timedelta | None = None
    #: When the runs that are going began.
    going: Sequence[datetime] = ()
    pause: Pause | None = None
    #: Why its schedule has ended; empty while it has not.
    ended: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coming:
    """A slot time that comes, and what would become of it."""

    entry: Slots
    slot_time: datetime
    does: Does
    #: In words; empty for one that simply runs.
    why: str = ""


def forecast(entries: Sequence[Slots], present: Callable[[str], Present], now: datetime, count: int) -> list[Coming]:
    """Return the next slot times of all entries in order, each judged after what came before it.

    Of an entry that looks for new files it is the next look.

    `present` is asked once for each pipeline of which a slot time comes: they may be a few of very many.
    """
    streams = [_stream(number, entry, now) for number, entry in enumerate(entries)]
    courses: dict[str, _Course] = {}
    found = []
    for _, number, slot_time in islice(heapq.merge(*streams), count):
        entry = entries[number]
        if entry.pipeline not in courses:
            courses[entry.pipeline] = _Course.of(present(entry.pipeline))
        does, why = courses[entry.pipeline].judge(entry.schedule, slot_time)
        found.append(Coming(entry=entry, slot_time=slot_time, does=does, why=why))
    return found


def _stream(number: int, entry: Slots, now: datetime) -> Iterator[tuple[datetime, int, datetime]]:
    # Two times of one zone compare by the hands of the clock unless both are in UTC.
    slots = entry.slots(now + timedelta(microseconds=1))
    if entry.schedule.new_files:
        slots = islice(slots, 1)  # each of its looks may come to nothing: they are no row each
    return ((slot.astimezone(timezone.utc), number, slot) for slot in slots)


@dataclass(slots=True)
class _Course:
    """How the runs of a pipeline would follow each other."""

    present: Present
    #: When they would end, in UTC.
    ends: list[datetime] = field(default_factory=list)

    @classmethod
    def of(cls, present: Present) -> _Course:
        usual = present.usual
        return cls(present, [began + usual for began in present.going] if usual is not None else [])

    def judge(self, schedule: Schedule, slot_time: datetime) -> tuple[Does, str]:
        """Say what would become of the next slot time, and go on as if it had."""
        usual, pause = self.present.usual, self.present.pause
        if pause:
            return Does.REFUSED, f"paused by {pause.by}{f': {pause.why}' if pause.why else ''}"
        if self.present.ended:
            return Does.REFUSED, self.present.ended
        if schedule.new_files:
            return Does.LOOKS, f"looks {schedule.pace} for {schedule.new_files}"
        if usual is None:
            return Does.UNKNOWN, ""
        slot = slot_time.astimezone(timezone.utc)
        self.ends = [end for end in self.ends if end > slot]
        does, begins = self._by_overlap(schedule, slot)
        if does is Does.REPLACES:
            self.ends.clear()
        if does is not Does.SKIPPED:
            self.ends.append(begins + usual)
        return does, _words(does, usual, begins - slot)

    def _by_overlap(self, schedule: Schedule, slot: datetime) -> tuple[Does, datetime]:
        """Return what would be done, and when it would begin."""
        if not self.ends:
            return Does.RUNS, slot
        match schedule.overlap:
            case Overlap.SKIP:
                return Does.SKIPPED, slot
            case Overlap.QUEUE:
                # All but the first of them wait themselves.
                is_full = len(self.ends) > schedule.max_catch_up
                return (Does.SKIPPED, slot) if is_full else (Does.WAITS, max(self.ends))
            case Overlap.REPLACE:
                return Does.REPLACES, slot
            case Overlap.ALLOW:
                return Does.BESIDE, slot


def _words(does: Does, usual: timedelta, wait: timedelta) -> str:
    takes = f"usually takes {duration_words(usual)}"
    match does:
        case Does.RUNS | Does.UNKNOWN | Does.REFUSED | Does.LOOKS:
            return ""
        case Does.SKIPPED:
            return f"{takes}: would be skipped"
        case Does.WAITS:
            return f"{takes}: would wait {duration_words(wait)}"
        case Does.REPLACES:
            return f"{takes}: would stop the run before it"
        case Does.BESIDE:
            return f"{takes}: would run beside the one before it"
