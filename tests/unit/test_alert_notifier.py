"""What the notifier writes into the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fake_outbox import MemoryOutbox
from fakes import NOON, FakeClock

from crude_link.model.alert import CHANGES, Alert, AlertKind, Plight
from crude_link.model.event import (
    AttemptEnded,
    Event,
    Notice,
    RunBegan,
    RunEnded,
    RunLeft,
    ScheduleHalted,
    SlotSettled,
)
from crude_link.model.firing import Fate, Firing
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.policy import RetryPolicy
from crude_link.model.recipient import Heartbeat, Recipient, Webhook
from crude_link.model.run import Attempt, AttemptKey, Ending, Findings, Origin, Outcome, Run, Selection, StepState
from crude_link.model.schedule import Schedule
from crude_link.model.status import Status
from crude_link.notifiers.alerts import AlertNotifier, AlertParts

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
HOOK = Recipient(address=Webhook(url="https://example.org"), document={"webhook": "https://example.org"})
PIPELINE = Pipeline(name="night", steps=(Step(name="train", action=Command(text="x")),), notify=(HOOK,))
KEY = AttemptKey(42, "train", 1, 1)
ATTEMPT = Attempt(key=KEY, sitting=1, began=NOON, host="thor")
FAILED = Outcome(ending=Ending.EXITED, ended=NOON, reason="exit 1", exit_status=1, wall=timedelta(seconds=3))


class Bench:
    """An AlertNotifier among fakes."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        #: What good runs of the past took.
        self.minutes: list[int] = []
        self.clock = FakeClock()
        self.remarks: list[Notice] = []
        self.deliveries = 0
        parts = AlertParts(
            outbox=self.outbox,
            past_runs=self.past_runs,
            clock=self.clock,
            host="thor",
            directory="/work",
            deliver=self.deliver,
            remark=self.remarks.append,
        )
        self.notifier = AlertNotifier(parts)

    def past_runs(self, _pipeline: str, _most: int) -> list[Run]:
        return [a_run(Status.SUCCEEDED, ended=NOON + each * MINUTE) for each in self.minutes]

    def deliver(self) -> None:
        self.deliveries += 1

    def pass_time(self, spent: timedelta) -> None:
        self.clock.wall += spent
        self.clock.ticks += spent.total_seconds()

    def tell(self, *events: Event) -> list[AlertKind]:
        """Tell events and return the alerts that this brought."""
        before = len(self.outbox.rows)
        for event in events:
            self.notifier.tell(event)
        return [each.alert.kind for each in self.outbox.rows.values() if each.id > before]

    @property
    def last(self) -> Alert:
        return self.outbox.rows[len(self.outbox.rows)].alert


@pytest.fixture
def bench() -> Bench:
    return Bench()


def a_run(status: Status = Status.RUNNING, ended: datetime | None = None, slot: datetime | None = None) -> Run:
    reason = "'train': exit 1" if status is Status.FAILED else ""
    return Run(
        id=42,
        pipeline="night",
        origin=Origin.SCHEDULE,
        status=status,
        began=NOON,
        ended=ended,
        slot_time=slot,
        reason=reason,
    )


def began(pipeline: Pipeline = PIPELINE) -> RunBegan:
    return RunBegan(run=a_run(), pipeline=pipeline, sitting=1)


def ended(status: Status, pipeline: Pipeline = PIPELINE, slot: datetime | None = NOON) -> RunEnded:
    states = (StepState(name="train", status=status, reason="exit 1" if status is Status.FAILED else ""),)
    attempts = {"train": replace(ATTEMPT, outcome=FAILED)} if status is Status.FAILED else {}
    run = a_run(status, NOON + MINUTE, slot)
    return RunEnded(run=run, pipeline=pipeline, states=states, attempts=attempts)


def settled(fate: Fate, in_a_row: int = 1, reason: str = "why") -> SlotSettled:
    firing = Firing(pipeline="night", entry="e", slot_time=NOON, fate=fate, at=NOON, count=in_a_row, reason=reason)
    return SlotSettled(firing=firing, pipeline=PIPELINE, in_a_row=in_a_row)


def test_a_failure_is_told_once_and_its_end_too(bench: Bench) -> None:
    assert bench.tell(ended(Status.SUCCEEDED)) == []
    assert bench.tell(ended(Status.FAILED)) == [AlertKind.FAILED]
    assert bench.tell(ended(Status.FAILED), ended(Status.FAILED)) == []
    bench.pass_time(DAY)
    assert bench.tell(ended(Status.FAILED)) == [AlertKind.STILL_FAILING]
    assert bench.last.title.startswith("night still fails, 4 times in a row since 2026-11-21")
    assert bench.tell(ended(Status.SUCCEEDED)) == [AlertKind.RECOVERED]
    assert "is well again after 4 failures" in bench.last.title
    assert bench.tell(ended(Status.SUCCEEDED)) == []
    assert bench.deliveries == 3


def test_an_alert_says_all_that_somebody_needs(bench: Bench) -> None:
    told = AttemptEnded(
        attempt=ATTEMPT, outcome=FAILED, findings=Findings(), last_lines=("Trace\x1b[31mback", "x" * 600)
    )
    bench.tell(began(), told, ended(Status.FAILED))
    assert bench.last == Alert(
        kind=AlertKind.FAILED,
        pipeline="night",
        at=NOON,
        title="night: run 42 failed at 'train': exit 1",
        cause="exit 1",
        host="thor",
        directory="/work",
        run=42,
        status="failed",
        step="train",
        slot_time=NOON,
        since=NOON,
        failures=1,
        last_lines=("Traceback", "x" * 500),
        commands=("crude-link logs 42 train", "crude-link resume 42"),
    )


def test_each_recipient_gets_what_it_wants(bench: Bench) -> None:
    every = replace(HOOK, wants=CHANGES | {AlertKind.ENDED})
    beat = Recipient(address=Heartbeat(url="https://b.org"), wants=frozenset({AlertKind.HEARTBEAT}))
    only = replace(HOOK, wants=frozenset({AlertKind.RECOVERED}))
    pipeline = replace(PIPELINE, notify=(every, beat, only))
    assert bench.tell(ended(Status.SUCCEEDED, pipeline)) == [AlertKind.ENDED, AlertKind.HEARTBEAT]
    assert bench.tell(ended(Status.FAILED, pipeline)) == [AlertKind.FAILED]
    assert bench.tell(ended(Status.FAILED, pipeline)) == [AlertKind.ENDED]
    assert bench.tell(ended(Status.CANCELLED, pipeline)) == [AlertKind.ENDED]
    assert bench.tell(ended(Status.SUCCEEDED, pipeline)) == [AlertKind.RECOVERED] * 2 + [AlertKind.HEARTBEAT]


def test_a_pipeline_that_tells_nobody_is_not_looked_at(bench: Bench) -> None:
    bench.outbox.is_broken = True
    silent = replace(PIPELINE, notify=())
    assert bench.tell(began(silent), ended(Status.FAILED, silent)) == []
    assert bench.remarks == []


def test_a_failure_that_is_tried_again_is_told_when_the_tries_are_over(bench: Bench) -> None:
    pipeline = replace(PIPELINE, schedules=(Schedule(crontab="@daily", retries=RetryPolicy(max=1)),))
    assert bench.tell(ended(Status.FAILED, pipeline)) == []
    bench.notifier.settle(42, is_tried_again=True)
    assert bench.tell(ended(Status.FAILED, pipeline)) == []
    bench.notifier.settle(42, is_tried_again=False)
    assert bench.last.kind is AlertKind.FAILED
    assert bench.last.failures == 1
    bench.notifier.settle(42, is_tried_again=False)
    assert len(bench.outbox.rows) == 1


def test_a_failure_of_which_nobody_said_more_is_told_in_the_end(bench: Bench) -> None:
    pipeline = replace(PIPELINE, schedules=(Schedule(crontab="@daily", retries=RetryPolicy(max=1)),))
    assert bench.tell(ended(Status.FAILED, pipeline)) == []
    bench.notifier.close()
    assert bench.last.kind is AlertKind.FAILED


def test_a_run_that_no_schedule_began_has_no_retries(bench: Bench) -> None:
    pipeline = replace(PIPELINE, schedules=(Schedule(crontab="@daily", retries=RetryPolicy(max=1)),))
    assert bench.tell(ended(Status.FAILED, pipeline, slot=None)) == [AlertKind.FAILED]


def test_a_slot_that_could_not_begin_is_a_failure(bench: Bench) -> None:
    assert bench.tell(settled(Fate.FAILED)) == [AlertKind.FAILED]
    assert bench.tell(settled(Fate.FAILED), ended(Status.FAILED)) == []
    assert bench.tell(ended(Status.SUCCEEDED)) == [AlertKind.RECOVERED]


def test_missed_slots_are_told_with_the_reason(bench: Bench) -> None:
    assert bench.tell(settled(Fate.MISSED, 8, "the machine was asleep")) == [AlertKind.DID_NOT_RUN]
    assert "the machine was asleep" in bench.last.title
    assert bench.last.commands == ("crude-link schedule history night",)
    assert bench.tell(settled(Fate.MISSED, 2)) == []


def test_ten_skipped_slots_in_a_row_are_told_until_a_run_begins(bench: Bench) -> None:
    assert bench.tell(*(settled(Fate.SKIPPED, number) for number in range(1, 10))) == []
    assert bench.tell(settled(Fate.SKIPPED, 10)) == [AlertKind.DID_NOT_RUN]
    assert bench.tell(settled(Fate.SKIPPED, 11)) == []
    bench.tell(began())
    assert Plight.SKIPPING not in bench.outbox.known["night"]
    assert bench.tell(settled(Fate.SKIPPED, 10)) == [AlertKind.DID_NOT_RUN]


@pytest.mark.parametrize("fate", [Fate.QUEUED, Fate.REFUSED, Fate.CAUGHT_UP, Fate.BACKFILLED])
def test_other_fates_wake_nobody(bench: Bench, fate: Fate) -> None:
    assert bench.tell(settled(fate, 100)) == []


def test_a_halted_schedule_is_told_with_what_sets_it_going(bench: Bench) -> None:
    paused = ScheduleHalted(pipeline=PIPELINE, reason="3 runs in a row failed", is_paused=True, run=42)
    assert bench.tell(paused) == [AlertKind.HALTED]
    assert bench.last.title == "night: the schedule is paused: 3 runs in a row failed"
    assert bench.last.commands == ("crude-link resume 42", "crude-link schedule unpause night")


def test_a_failure_of_which_a_dead_scheduler_could_not_tell_is_told_by_the_next_and_only_then(bench: Bench) -> None:
    left = RunLeft(run=a_run(Status.FAILED, NOON, NOON), pipeline=PIPELINE)
    assert bench.tell(left) == [AlertKind.FAILED]
    assert bench.last.title.endswith("has failed: 'train': exit 1")
    bench.pass_time(DAY)
    assert bench.tell(left) == []


def test_a_run_that_was_left_behind_is_a_failure(bench: Bench) -> None:
    run = replace(a_run(Status.LOST, slot=NOON), reason="its owner died; crude-link resume 42")
    assert bench.tell(RunLeft(run=run, pipeline=PIPELINE)) == [AlertKind.FAILED]
    assert bench.last.title.endswith("was lost: its owner died")
    assert bench.last.commands == ("crude-link resume 42",)


def test_a_run_that_takes_far_longer_than_usual_is_told_while_it_runs_and_when_it_ends(bench: Bench) -> None:
    bench.minutes = [5, 5, 5]
    bench.tell(began())
    bench.pass_time(15 * MINUTE)
    bench.notifier.look()
    assert not bench.outbox.rows
    bench.pass_time(MINUTE)
    bench.notifier.look()
    bench.notifier.look()
    assert [each.alert.kind for each in bench.outbox.rows.values()] == [AlertKind.SLOW]
    assert bench.last.title == "night: run 42 has run for 16 min and is not done; usually it takes 5 min"
    assert bench.last.commands == ("crude-link logs 42 -f", "crude-link stop 42")
    assert bench.tell(ended(Status.SUCCEEDED)) == [AlertKind.SLOW_ENDED]
    assert bench.last.title.endswith("; usually it takes 5 min")


def test_runs_of_some_steps_only_tell_nothing_of_what_is_usual_for_all(bench: Bench) -> None:
    bench.minutes = [5, 5, 5]
    bench.tell(RunBegan(run=replace(a_run(), selection=Selection(only="train")), pipeline=PIPELINE, sitting=1))
    bench.pass_time(DAY)
    bench.notifier.look()
    assert not bench.outbox.rows


def test_a_machine_that_slept_makes_no_run_slow(bench: Bench) -> None:
    bench.minutes = [5, 5, 5]
    bench.tell(began())
    bench.clock.wall += DAY
    bench.notifier.look()
    assert not bench.outbox.rows


def test_what_waits_is_delivered_again_now_and_then(bench: Bench) -> None:
    bench.tell(ended(Status.FAILED))
    assert bench.deliveries == 1
    bench.notifier.look()
    bench.notifier.look()
    assert bench.deliveries == 2
    bench.pass_time(MINUTE)
    bench.notifier.look()
    assert bench.deliveries == 3


def test_an_outbox_that_cannot_be_written_is_told_once_and_ends_nothing(bench: Bench) -> None:
    bench.outbox.is_broken = True
    bench.tell(ended(Status.FAILED), ended(Status.SUCCEEDED))
    assert [each.text for each in bench.remarks] == ["alerts could not be written: OSError: no space left on device"]
