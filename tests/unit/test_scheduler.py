"""The scheduler among fakes: which slots begin a run, which are skipped or missed, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from fakes import NOON, Bench

from crude_link.errors import ConfigError
from crude_link.model.event import Level, Notice
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.scheduler import Scheduler, SchedulerParts

ONE = Pipeline(name="p", steps=(Step(name="a", action=Command(text="true")),))


@dataclass
class EveryMinute:
    """Fires at each full minute, up to a last time."""

    last: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        following = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return following if following <= self.last else None


@dataclass
class OneEntry:
    """The schedule of one pipeline, whose runs are handed to a bench."""

    bench: Bench
    trigger: EveryMinute
    slots: list[datetime] = field(default_factory=list)
    broken: bool = False
    name: str = "p"
    pipeline: Pipeline = ONE

    def begin(self, slot_time: datetime) -> int:
        if self.broken:
            raise ConfigError.of("config.yaml is broken")
        self.slots.append(slot_time)
        return self.bench.take(self.pipeline, run=len(self.slots)).run.id


def schedule(bench: Bench, entry: OneEntry, *, keep_running: bool = False) -> bool:
    parts = SchedulerParts(
        runner=bench.runner, clock=bench.clock, interrupts=bench.interrupts, notifier=bench.notifier
    )
    bench.executor.tick(timedelta(seconds=10))
    return Scheduler([entry], parts, keep_running=keep_running).work()


def minutes(*numbers: int) -> list[datetime]:
    return [NOON + timedelta(minutes=number) for number in numbers]


def notices(bench: Bench, level: Level) -> list[str]:
    return [event.text for event in bench.notifier.told if isinstance(event, Notice) and event.level is level]


def test_each_slot_begins_a_run_until_nothing_is_due_any_more() -> None:
    bench = Bench(None)
    entry = OneEntry(bench, EveryMinute(NOON + timedelta(minutes=3)))
    assert schedule(bench, entry)
    assert entry.slots == minutes(1, 2, 3)
    assert bench.let_go == [1, 2, 3]


def test_a_failed_run_ends_the_schedule() -> None:
    bench = Bench(None, {"a": [0, 1, 0]})
    entry = OneEntry(bench, EveryMinute(NOON + timedelta(minutes=5)))
    assert not schedule(bench, entry)
    assert entry.slots == minutes(1, 2)
    assert notices(bench, Level.ERROR) == ["the schedule ends: run 2 is failed"]


def test_with_keep_running_the_schedule_outlives_failures() -> None:
    bench = Bench(None, {"a": [1, 1, 0]})
    entry = OneEntry(bench, EveryMinute(NOON + timedelta(minutes=3)))
    assert schedule(bench, entry, keep_running=True)
    assert entry.slots == minutes(1, 2, 3)


@pytest.mark.parametrize("keep_running", [True, False])
def test_a_slot_that_cannot_begin_counts_as_a_failed_run(keep_running: bool) -> None:
    bench = Bench(None)
    entry = OneEntry(bench, EveryMinute(NOON + timedelta(minutes=2)), broken=True)
    assert schedule(bench, entry, keep_running=keep_running) == keep_running
    errors = notices(bench, Level.ERROR)
    assert sum("could not begin: config.yaml is broken" in text for text in errors) == (2 if keep_running else 1)
    assert ("the schedule ends: the slot could not begin" in errors) == (not keep_running)


def test_a_slot_is_skipped_while_the_last_run_still_goes_and_this_is_said() -> None:
    bench = Bench(None, {"a": [None, 0]})
    entry = OneEntry(bench, EveryMinute(NOON + timedelta(minutes=4)))
    # The first run ends by its timeout, in the midst of the third minute.
    entry.pipeline = replace(ONE, timeout=timedelta(seconds=150))
    assert schedule(bench, entry, keep_running=True)
    assert entry.slots == minutes(1, 4)
    assert [text.split(",")[1].strip() for text in notices(bench, Level.WARNING)] == ["run 1 is still going"] * 2


def test_of_slots_that_were_missed_the_newest_is_run_and_the_others_are_told() -> None:
    bench = Bench(None)
    entry = OneEntry(bench, EveryMinute(NOON + timedelta(minutes=30)))
    parts = SchedulerParts(
        runner=bench.runner, clock=bench.clock, interrupts=bench.interrupts, notifier=bench.notifier
    )
    scheduler = Scheduler([entry], parts, keep_running=False)
    bench.clock.pass_time(timedelta(minutes=29, seconds=30))
    bench.executor.tick(timedelta(seconds=10))
    assert scheduler.work()
    assert entry.slots == minutes(29, 30)
    assert any("missed 28 slots" in text for text in notices(bench, Level.WARNING))
