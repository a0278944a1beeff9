"""Fakes for tests of schedules: a ledger in memory, and a world in which runs last as long as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

from fakes import NOON, FakeClock

from crude_link.app import ConfigFile, Loaded
from crude_link.errors import ConfigError, SlotTaken, StoreError
from crude_link.interfaces import Ledger, Trigger
from crude_link.model.event import Event, Level, Notice, RunLeft, ScheduleHalted, SlotSettled
from crude_link.model.firing import Fate, Firing, Pause, SchedulerRecord
from crude_link.model.look import Finding, Look, Lookout
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.run import Origin, Run
from crude_link.model.schedule import Schedule
from crude_link.model.status import Status
from crude_link.notifiers.slots import as_notice
from crude_link.scheduling.absence import Absence
from crude_link.scheduling.duty import ScheduleDuty
from crude_link.scheduling.parts import Begun, DutyParts

STEP = Step(name="a", action=Command(text="true"))


@dataclass
class Every:
    """Fires at whole multiples of a span after an epoch, for ever."""

    span: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        epoch = datetime(2000, 1, 1, tzinfo=timezone.utc)
        return epoch + ((moment - epoch) // self.span + 1) * self.span

    def count(self, after: datetime, until: datetime) -> int | None:
        epoch = datetime(2000, 1, 1, tzinfo=timezone.utc)
        return (until - epoch) // self.span - (after - epoch) // self.span


def every(schedule: Schedule) -> Trigger:
    """Make the trigger of a schedule that has `every`."""
    assert schedule.every
    return Every(schedule.every)


class BeginningLedger(Ledger, Protocol):
    """A ledger that also writes the row of a slot time that begins a run, as a store does with the run."""

    def begin(self, firing: Firing) -> None: ...


class MemoryLedger:
    """A ledger that outlives its schedulers, and begins runs with their rows as a store does."""

    def __init__(self) -> None:
        self.rows: list[Firing] = []
        self.settlements: dict[tuple[str, str], tuple[datetime, str]] = {}

    def note(self, firing: Firing) -> bool:
        if firing.fate is not Fate.QUEUED:
            self.rows = [row for row in self.rows if not (row.fate is Fate.QUEUED and _is_of(row, firing))]
        mine = [row for row in self.rows if (row.pipeline, row.entry) == (firing.pipeline, firing.entry)]
        if any(row.slot_time <= firing.slot_time <= row.last for row in mine):
            return False
        newest = max(mine, key=lambda row: row.slot_time, default=None)
        if newest and _continues(newest, firing):
            self.rows.remove(newest)
            firing = replace(newest, until=firing.last, count=newest.count + firing.count)
        self.rows.append(firing)
        return True

    def begin(self, firing: Firing) -> None:
        if any(row.run and _is_of(row, firing) for row in self.rows):
            raise SlotTaken(f"{firing.slot_time} has begun a run")
        self.rows = [row for row in self.rows if not (row.fate is Fate.QUEUED and _is_of(row, firing))]
        self.rows.append(firing)

    def settle(self, pipeline: str, schedule: Schedule, moment: datetime | None) -> None:
        if moment is None:
            self.settlements.pop((pipeline, schedule.entry), None)
        else:
            self.settlements[pipeline, schedule.entry] = moment, schedule.timing

    def settled(self, pipeline: str, schedule: Schedule) -> datetime | None:
        moment, timing = self.settlements.get((pipeline, schedule.entry), (None, ""))
        return moment if timing == schedule.timing else None

    def firings(
        self, pipeline: str | None = None, *, since: datetime = NOON, limit: int = 1_000_000
    ) -> Sequence[Firing]:
        found = [row for row in self.rows if row.last >= since and pipeline in (None, row.pipeline)]
        return sorted(found, key=lambda row: row.slot_time, reverse=True)[:limit]

    def queued(self, pipeline: str) -> Sequence[Firing]:
        found = [row for row in self.rows if row.pipeline == pipeline and row.fate is Fate.QUEUED]
        return sorted(found, key=lambda row: row.slot_time)

    def withdraw(self, firing: Firing) -> None:
        self.rows = [row for row in self.rows if row.run or not _is_of(row, firing)]


@dataclass
class MemoryBook:
    """Pauses, and the scheduler's record."""

    paused: dict[str, Pause] = field(default_factory=dict)
    newest: SchedulerRecord | None = None

    def pause(self, pause: Pause) -> None:
        self.paused[pause.pipeline] = pause

    def unpause(self, pipeline: str) -> bool:
        return self.paused.pop(pipeline, None) is not None

    def pauses(self) -> Sequence[Pause]:
        return list(self.paused.values())

    def record(self, scheduler: SchedulerRecord) -> None:
        self.newest = scheduler

    def scheduler(self) -> SchedulerRecord | None:
        return self.newest


@dataclass
class Going:
    """A run that is going, and when it will end, and how."""

    run: Run
    ends: datetime
    status: Status


@dataclass
class FakeLooker:
    """Looks into a set of names; each look takes as long as a test says."""

    clock: FakeClock
    takes: timedelta = timedelta(seconds=1)
    files: set[str] = field(default_factory=set)
    young: int = 0
    problem: str = ""
    #: The files that runs were begun for, those of each look, and the looks that have begun.
    answered: set[str] = field(default_factory=set)
    seen: dict[int, set[str]] = field(default_factory=dict)
    begun: list[datetime] = field(default_factory=list)
    going: list[tuple[datetime, Look]] = field(default_factory=list)
    records: dict[tuple[str, str], Lookout] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        return not self.going

    def is_looking(self, pipeline: str, schedule: Schedule) -> bool:
        wanted = (pipeline, schedule.entry, schedule.timing)
        return any((look.pipeline, look.entry, look.timing) == wanted for _, look in self.going)

    def begin(self, loaded: Loaded, schedule: Schedule) -> None:
        now = self.clock.now()
        self.begun.append(now)
        look = Look(pipeline=loaded.pipeline.name, entry=schedule.entry, timing=schedule.timing, at=now)
        self.going.append((now + self.takes, look))

    def ended(self) -> Sequence[Look]:
        over = [look for ends, look in self.going if ends <= self.clock.now()]
        self.going = [(ends, look) for ends, look in self.going if look not in over]
        return [self._with_end(look) for look in over]

    def close(self) -> None:
        self.going = []

    def answer(self, look: int) -> None:
        self.answered |= self.seen[look]

    def end_look(self, look: Look) -> Lookout:
        key = look.pipeline, look.entry
        before = self.records.get(key, Lookout(pipeline=look.pipeline, entry=look.entry))
        failures = 0 if look.finding else before.failures + 1
        since = (before.failing_since or look.at) if failures else None
        self.records[key] = replace(before, failures=failures, failing_since=since, problem=look.problem)
        return before

    def _with_end(self, look: Look) -> Look:
        look = replace(look, at=self.clock.now())
        if self.problem:
            return replace(look, problem=self.problem)
        number = len(self.seen) + 1
        new = self.seen[number] = self.files - self.answered
        names = tuple(sorted(new))
        finding = Finding(look=number, files=len(self.files), new=len(new), names=names, young=self.young)
        return replace(look, finding=finding)


class World:
    """A project in memory, with one pipeline `p` unless a test follows others, and one scheduler at a time."""

    def __init__(
        self,
        *schedules: Schedule,
        lasts: timedelta = timedelta(seconds=1),
        look: timedelta = timedelta(seconds=3),
        ledger: BeginningLedger | None = None,
    ) -> None:
        self.look = look
        self.clock = FakeClock()
        self.ledger: BeginningLedger = ledger or MemoryLedger()
        self.book = MemoryBook()
        self.told: list[Event] = []
        self.loaded = [pipeline(*schedules)] if schedules else []
        self.changed = False
        self.lasts = lasts
        #: How the next runs end; afterwards all succeed.
        self.endings: list[Status] = []
        self.going_on: dict[int, Going] = {}
        self.began: list[Firing] = []
        self.sittings: dict[int, int] = {}
        self.ended_runs: dict[int, Run] = {}
        self.broken = ""
        #: What is wrong once a run is recorded.
        self.broken_later = ""
        self.duty: ScheduleDuty | None = None
        self.looker = FakeLooker(self.clock)

    # --- Starter --------------------------------------------------------------------------------------------

    def begin(self, loaded: Loaded, schedule: Schedule, firing: Firing, look: int | None) -> Run:
        if self.broken:
            raise ConfigError.of(self.broken)
        if look is not None:
            self.looker.answer(look)
        number = len(self.began) + 1
        firing = replace(firing, run=number, slot_time=firing.slot_time.astimezone(timezone.utc))
        self.ledger.begin(firing)
        if self.broken_later:
            raise StoreError(self.broken_later)
        self.began.append(firing)
        run = Run(
            id=number, pipeline=firing.pipeline, origin=Origin.SCHEDULE, status=Status.RUNNING,
            began=self.clock.now(), slot_time=firing.slot_time,
        )  # fmt: skip
        self._go(run)
        return run

    def resume(self, run: int) -> None:
        self._go(replace(self.ended_runs[run], status=Status.RUNNING, ended=None))

    def stop(self, run: int, reason: str) -> None:
        self.going_on[run].status = Status.CANCELLED
        self.going_on[run].ends = self.clock.now()

    def going(self, pipeline: str) -> Sequence[int]:
        return [number for number, each in self.going_on.items() if each.run.pipeline == pipeline]

    def left_behind(self, pipeline: str) -> Sequence[Begun]:
        firings = {firing.run: firing for firing in self.began}
        mine = [run for run in self.ended_runs.values() if run.pipeline == pipeline]
        lost = [run for run in mine if run.status is Status.LOST]
        newest = [run for run in mine[-1:] if run.status is Status.FAILED]
        return [Begun(run=run, firing=firings[run.id], sittings=self.sittings[run.id]) for run in (*lost, *newest)]

    def tidy(self, loaded: Loaded) -> None:
        pass

    def _go(self, run: Run) -> None:
        ending = self.endings.pop(0) if self.endings else Status.SUCCEEDED
        self.sittings[run.id] = self.sittings.get(run.id, 0) + 1
        self.going_on[run.id] = Going(run, self.clock.now() + self.lasts, ending)

    # --- Watch, Notifier ------------------------------------------------------------------------------------

    def pipelines(self) -> Sequence[Loaded]:
        return self.loaded

    def has_changed(self) -> bool:
        changed, self.changed = self.changed, False
        return changed

    def tell(self, event: Event) -> None:
        self.told.append(event)

    def close(self) -> None:
        pass

    # --- what tests do --------------------------------------------------------------------------------------

    def start(
        self, *, keep_running: bool = False, make_trigger: Callable[[Schedule], Trigger] = every
    ) -> ScheduleDuty:
        """Let a scheduler begin."""
        parts = DutyParts(
            ledger=self.ledger, book=self.book, starter=self, watch=self, clock=self.clock, notifier=self,
            make_trigger=make_trigger, looker=self.looker, look_book=self.looker, look=self.look,
        )  # fmt: skip
        seen = self.book.newest.seen if self.book.newest else NOON
        absence = Absence(begin=seen, end=self.clock.now(), cause="no scheduler ran")
        self.duty = ScheduleDuty(parts, absence=absence, keep_running=keep_running)
        return self.duty

    def pass_until(self, moment: datetime) -> None:
        """Let the scheduler work until a moment, or until it is over."""
        assert self.duty
        while self.clock.now() < moment and not self.duty.is_over:
            wanted = self.duty.act()
            self._sign()
            ends = [each.ends for each in self.going_on.values()]
            self.clock.wall, before = max(min([wanted, moment, *ends]), self.clock.wall), self.clock.wall
            self.clock.ticks += (self.clock.wall - before).total_seconds()
            self._end_runs()
        if not self.duty.is_over:
            self.duty.act()
            self._sign()

    def pass_time(self, span: timedelta) -> None:
        self.pass_until(self.clock.now() + span)

    def suspend(self, span: timedelta) -> None:
        """The machine sleeps, or its clock is set."""
        self.clock.wall += span
        for each in self.going_on.values():
            each.ends += span

    def die(self, off: timedelta) -> None:
        """The scheduler is killed, and what it ran is lost; it begins again later."""
        self.duty = None
        self.looker.close()
        for each in self.going_on.values():
            self.ended_runs[each.run.id] = replace(each.run, status=Status.LOST, reason="its crude-link is gone")
        self.going_on = {}
        self.clock.pass_time(off)

    def notices(self, level: Level | None = None) -> list[str]:
        sentences = (Notice, ScheduleHalted, RunLeft)
        notices = [as_notice(event) for event in self.told if isinstance(event, sentences)]
        return [notice.text for notice in notices if level in (None, notice.level)]

    def settled(self) -> list[tuple[Fate, int]]:
        """What was told of slot times: fates, and how many in a row."""
        return [(event.firing.fate, event.in_a_row) for event in self.told if isinstance(event, SlotSettled)]

    @property
    def rows(self) -> Sequence[Firing]:
        """The rows of the ledger, the earliest first."""
        return self.ledger.firings()[::-1]

    def fates(self) -> list[tuple[Fate, float, int]]:
        """The rows of the ledger: fate, seconds after noon, count."""
        rows = self.rows
        return [(row.fate, (row.slot_time - NOON).total_seconds(), row.count) for row in rows]

    def _sign(self) -> None:
        now = self.clock.now()
        self.book.record(SchedulerRecord(host="thor", pid=1, began=now, seen=now, config_files=()))

    def _end_runs(self) -> None:
        assert self.duty
        for number, each in list(self.going_on.items()):
            if each.ends <= self.clock.now():
                del self.going_on[number]
                ended = replace(each.run, status=each.status, ended=self.clock.now())
                self.ended_runs[number] = ended
                self.duty.ended(ended)


def pipeline(*schedules: Schedule, name: str = "p") -> Loaded:
    made = Pipeline(name=name, steps=(STEP,), schedules=schedules)
    return Loaded(pipeline=made, config=ConfigFile(path=Path("config.yaml"), text=""))


def _is_of(row: Firing, firing: Firing) -> bool:
    return (row.pipeline, row.entry, row.slot_time) == (firing.pipeline, firing.entry, firing.slot_time)


def _continues(newest: Firing, firing: Firing) -> bool:
    told = (newest.fate, newest.blocker, newest.reason)
    is_one_of_many = firing.run is None and newest.run is None and firing.fate is not Fate.QUEUED
    return is_one_of_many and newest.last < firing.slot_time and told == (firing.fate, firing.blocker, firing.reason)
