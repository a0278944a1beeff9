"""The duty of schedules in a world of its own: what runs, what is skipped, queued, replaced, missed, refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fake_schedules import World, pipeline
from fakes import NOON

from crude_link.model.event import Level, SlotSettled
from crude_link.model.firing import Fate, Pause
from crude_link.model.policy import RetryPolicy
from crude_link.model.schedule import AfterFailure, CatchUp, FailurePolicy, Overlap, Schedule
from crude_link.model.status import Status

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
KEEP = FailurePolicy(then=AfterFailure.KEEP)
PLAIN = Schedule(every=MINUTE, on_failure=KEEP)


def ran(*minutes: int) -> list[tuple[Fate, float, int]]:
    return [(Fate.RAN, 60 * minute, 1) for minute in minutes]


def test_each_slot_time_begins_a_run() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(3 * MINUTE)
    assert world.fates() == ran(1, 2, 3)
    assert "p: next run at 2026-11-21 12:02:00" in " ".join(world.notices(Level.INFO))


def test_nothing_is_missed_before_the_first_time_that_an_entry_is_followed() -> None:
    world = World(PLAIN)
    world.clock.pass_time(100 * MINUTE)
    world.start()
    world.pass_time(MINUTE)
    assert world.fates() == ran(101)


def test_a_failed_run_ends_the_schedule_and_with_the_last_of_them_the_scheduler() -> None:
    world = World(replace(PLAIN, on_failure=FailurePolicy()))
    world.endings = [Status.SUCCEEDED, Status.FAILED]
    duty = world.start()
    world.pass_time(5 * MINUTE)
    assert duty.is_over
    assert not duty.went_well
    assert world.fates() == ran(1, 2)
    assert world.notices(Level.ERROR) == ["p: the schedule ends: run 2 is failed"]


def test_a_pipeline_whose_schedule_has_ended_refuses_its_slot_times_while_others_go_on() -> None:
    world = World()
    stops = replace(PLAIN, on_failure=FailurePolicy())
    world.loaded = [pipeline(stops, name="p"), pipeline(replace(PLAIN, every=2 * MINUTE), name="q")]
    world.endings = [Status.FAILED]
    duty = world.start()
    world.pass_time(4 * MINUTE)
    assert not duty.is_over
    mine = [(row.fate, row.count) for row in world.rows if row.pipeline == "p"]
    assert mine == [(Fate.RAN, 1), (Fate.REFUSED, 3)]


def test_keep_running_outlives_failures() -> None:
    world = World(replace(PLAIN, on_failure=FailurePolicy()))
    world.endings = [Status.FAILED] * 2
    duty = world.start(keep_running=True)
    world.pass_time(3 * MINUTE)
    assert world.fates() == ran(1, 2, 3)
    assert duty.went_well


def test_a_slot_that_cannot_begin_is_in_the_ledger_and_counts_as_a_failure() -> None:
    world = World(replace(PLAIN, on_failure=FailurePolicy()))
    world.broken = "train.py is gone"
    duty = world.start()
    world.pass_time(5 * MINUTE)
    assert duty.is_over
    assert [(row.fate, row.reason) for row in world.rows] == [(Fate.FAILED, "train.py is gone")]


def test_a_run_that_is_recorded_and_cannot_go_on_is_told() -> None:
    world = World(PLAIN)
    world.broken_later = "no file can be opened"
    world.start()
    world.pass_time(MINUTE)
    (text,) = world.notices(Level.ERROR)
    assert text == "p: the run for 2026-11-21 12:01:00 +00:00 could not go on: no file can be opened"


def test_a_slot_that_cannot_begin_is_not_said_to_be_the_next() -> None:
    world = World(PLAIN)
    world.broken = "train.py is gone"
    world.start()
    world.pass_time(MINUTE)
    assert world.notices(Level.INFO) == ["p: next run at 2026-11-21 12:01:00 +00:00"]


def test_what_goes_on_for_the_same_reason_is_told_once_an_hour_and_when_it_is_no_chance_any_more() -> None:
    world = World(PLAIN)
    world.start()
    world.book.pause(Pause(pipeline="p", at=NOON, by="ada"))
    world.pass_time(125 * MINUTE)
    told = [event for event in world.told if isinstance(event, SlotSettled)]
    assert [event.in_a_row for event in told] == list(range(1, 126))
    assert [event.in_a_row for event in told if not event.is_repetition] == [1, 10, 70]
    world.book.unpause("p")
    world.pass_time(MINUTE)
    world.book.pause(Pause(pipeline="p", at=NOON, by="ada"))
    world.pass_time(MINUTE)
    assert [event for event in world.told if isinstance(event, SlotSettled)][-1].is_repetition is False


def test_a_run_that_a_person_stopped_is_no_failure() -> None:
    world = World(replace(PLAIN, on_failure=FailurePolicy()))
    world.endings = [Status.CANCELLED]
    world.start()
    world.pass_time(2 * MINUTE)
    assert world.fates() == ran(1, 2)


def test_after_so_many_failures_in_a_row_the_pipeline_is_paused_until_somebody_ends_that() -> None:
    world = World(replace(PLAIN, on_failure=FailurePolicy(pause_after=2)))
    world.endings = [Status.FAILED, Status.SUCCEEDED, Status.FAILED, Status.FAILED]
    world.start()
    world.pass_time(6 * MINUTE)
    assert world.fates() == [*ran(1, 2, 3, 4), (Fate.REFUSED, 300, 2)]
    (pause,) = world.book.pauses()
    assert (pause.by, pause.why) == ("crude-link", "2 runs in a row failed, at last: run 4 is failed")
    world.book.unpause("p")
    world.pass_time(MINUTE)
    assert world.fates()[-1] == (Fate.RAN, 420, 1)


def test_a_paused_pipeline_refuses_its_slot_times_and_does_not_catch_them_up() -> None:
    world = World(PLAIN)
    world.start()
    world.book.pause(Pause(pipeline="p", at=NOON, by="ada", why="the data is being moved"))
    world.pass_time(2 * MINUTE)
    world.book.unpause("p")
    world.pass_time(MINUTE)
    assert world.fates() == [(Fate.REFUSED, 60, 2), (Fate.RAN, 180, 1)]
    assert "paused by ada at 2026-11-21 12:00" in world.rows[0].reason
    assert world.settled() == [(Fate.REFUSED, 1), (Fate.REFUSED, 2)]


def test_slot_times_during_a_run_are_skipped_and_one_row_says_so() -> None:
    world = World(PLAIN, lasts=150 * SECOND)
    world.start()
    world.pass_time(4 * MINUTE)
    assert world.fates() == [(Fate.RAN, 60, 1), (Fate.SKIPPED, 120, 2), (Fate.RAN, 240, 1)]
    assert world.rows[1].reason == "run 1 was still going"
    assert world.settled() == [(Fate.SKIPPED, 1), (Fate.SKIPPED, 2)]


def test_a_queue_is_worked_off_in_order_and_is_never_longer_than_it_may_be() -> None:
    world = World(replace(PLAIN, overlap=Overlap.QUEUE, max_catch_up=2), lasts=210 * SECOND)
    world.start()
    world.pass_time(5 * MINUTE)
    assert world.fates() == [
        (Fate.RAN, 60, 1), (Fate.RAN, 120, 1), (Fate.QUEUED, 180, 1), (Fate.SKIPPED, 240, 1), (Fate.QUEUED, 300, 1),
    ]  # fmt: skip
    assert "the queue is full: 2 wait" in " ".join(row.reason for row in world.rows)


def test_a_queue_survives_a_restart() -> None:
    world = World(replace(PLAIN, overlap=Overlap.QUEUE), lasts=90 * SECOND)
    world.start()
    world.pass_time(130 * SECOND)
    world.die(SECOND)
    world.start()
    world.pass_time(5 * SECOND)
    assert world.fates() == ran(1, 2)


def test_a_run_is_replaced_by_the_next_slot_time_which_begins_when_it_has_ended() -> None:
    world = World(replace(PLAIN, overlap=Overlap.REPLACE, on_failure=FailurePolicy()), lasts=timedelta(hours=1))
    world.start()
    world.pass_time(3 * MINUTE + SECOND)
    assert world.fates() == ran(1, 2, 3)
    assert [world.ended_runs[run].status for run in (1, 2)] == [Status.CANCELLED] * 2
    assert list(world.going_on) == [3]


def test_runs_may_overlap_where_that_is_wanted() -> None:
    world = World(replace(PLAIN, overlap=Overlap.ALLOW), lasts=timedelta(hours=1))
    world.start()
    world.pass_time(3 * MINUTE)
    assert list(world.going_on) == [1, 2, 3]


def test_after_an_absence_the_newest_is_caught_up_and_the_others_are_one_row() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(90 * SECOND)
    world.suspend(timedelta(days=7))
    world.pass_time(3 * SECOND)
    week = 7 * 24 * 60
    assert world.fates() == [
        (Fate.RAN, 60, 1), (Fate.MISSED, 120, week - 1), (Fate.CAUGHT_UP, (week + 1) * 60, 1),
    ]  # fmt: skip
    assert "the machine was off or asleep" in world.rows[1].reason


def test_after_a_restart_it_is_the_same() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(90 * SECOND)
    world.die(timedelta(minutes=10))
    world.start()
    world.pass_time(3 * SECOND)
    assert world.fates() == [(Fate.RAN, 60, 1), (Fate.MISSED, 120, 9), (Fate.CAUGHT_UP, 660, 1)]
    assert world.rows[1].reason.startswith("no scheduler ran from 2026-11-21 12:01:30")


def test_all_that_was_missed_is_caught_up_one_after_the_other_but_no_flood() -> None:
    world = World(replace(PLAIN, catch_up=CatchUp.ALL, max_catch_up=3), lasts=5 * SECOND)
    world.start()
    world.pass_time(90 * SECOND)
    world.suspend(timedelta(minutes=10))
    world.pass_time(SECOND)
    assert len(world.going_on) == 1
    world.pass_time(20 * SECOND)
    assert world.fates() == [
        (Fate.RAN, 60, 1),
        (Fate.MISSED, 120, 7),
        *((Fate.CAUGHT_UP, m * 60, 1) for m in (9, 10, 11)),
    ]


@pytest.mark.parametrize(
    "schedule", [replace(PLAIN, catch_up=CatchUp.NONE), replace(PLAIN, max_lateness=timedelta(seconds=20))]
)
def test_what_is_too_late_is_missed_and_not_run(schedule: Schedule) -> None:
    world = World(schedule)
    world.start()
    world.pass_time(90 * SECOND)
    world.suspend(timedelta(minutes=10))
    world.pass_time(40 * SECOND)
    assert world.fates() == [(Fate.RAN, 60, 1), (Fate.MISSED, 120, 10), (Fate.RAN, 720, 1)]


def test_a_slot_time_that_is_a_little_late_ran_on_time() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(55 * SECOND)
    world.suspend(9 * SECOND)
    world.pass_time(SECOND)
    assert world.fates() == ran(1)


def test_nothing_runs_twice_when_the_clock_is_set_back() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(5 * MINUTE)
    world.suspend(-3 * MINUTE)
    world.pass_time(5 * MINUTE)
    assert world.fates() == ran(1, 2, 3, 4, 5, 6, 7)
    assert any("the clock was set back by 3 min" in text for text in world.notices(Level.WARNING))


def test_a_clock_that_was_wrong_for_a_while_costs_no_slot_times() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(90 * SECOND)
    world.suspend(timedelta(days=365))
    world.pass_time(3 * SECOND)
    world.suspend(-timedelta(days=365))
    world.pass_time(2 * MINUTE)
    year = 365 * 24 * 3600
    assert world.fates() == [*ran(1, 2, 3), (Fate.CAUGHT_UP, year + 60, 1)]


def test_a_failed_run_is_gone_on_with_after_its_delay_and_only_then_counts_as_failed() -> None:
    retries = RetryPolicy(max=2, delay=10 * SECOND)
    world = World(replace(PLAIN, on_failure=FailurePolicy(), retries=retries))
    world.endings = [Status.FAILED, Status.FAILED, Status.SUCCEEDED, *[Status.FAILED] * 3]
    duty = world.start()
    world.pass_time(100 * SECOND)
    assert world.sittings == {1: 3}
    assert world.ended_runs[1].status is Status.SUCCEEDED
    world.pass_time(2 * MINUTE)
    assert world.sittings == {1: 3, 2: 3}
    assert duty.is_over


def test_a_run_that_waits_for_its_retry_is_still_going() -> None:
    world = World(replace(PLAIN, retries=RetryPolicy(max=1, delay=90 * SECOND)))
    world.endings = [Status.FAILED]
    world.start()
    world.pass_time(3 * MINUTE)
    assert world.fates() == [(Fate.RAN, 60, 1), (Fate.SKIPPED, 120, 1), (Fate.RAN, 180, 1)]


def test_a_lost_run_is_gone_on_with_by_the_next_scheduler_or_told() -> None:
    for most, sittings in ((1, 2), (0, 1)):
        world = World(replace(PLAIN, retries=RetryPolicy(max=most)), lasts=20 * SECOND)
        world.start()
        world.pass_time(65 * SECOND)
        world.die(10 * SECOND)
        world.start()
        world.pass_time(2 * SECOND)
        assert world.sittings == {1: sittings}
        assert any("run 1" in text and "lost" in text for text in world.notices(Level.WARNING))


@pytest.mark.parametrize("how", [Status.LOST, Status.FAILED])
@pytest.mark.parametrize(("limit", "off"), [(None, 25 * 60 * MINUTE), (10 * MINUTE, 11 * MINUTE)])
def test_a_run_that_was_left_long_ago_is_told_and_stands_in_the_way_of_no_slot_time(
    how: Status, limit: timedelta | None, off: timedelta
) -> None:
    lasts = 20 * SECOND if how is Status.LOST else SECOND
    world = World(replace(PLAIN, max_lateness=limit, retries=RetryPolicy(max=1, delay=30 * SECOND)), lasts=lasts)
    world.endings = [Status.FAILED] if how is Status.FAILED else []
    world.start()
    world.pass_time(65 * SECOND)
    world.die(off)
    world.start()
    world.pass_time(MINUTE)
    assert world.sittings[1] == 1
    assert Fate.SKIPPED not in {row.fate for row in world.rows}
    said = "lost" if how is Status.LOST else "failed"
    assert any("run 1" in text and said in text and "resume 1" in text for text in world.notices(Level.WARNING))


def test_a_retry_that_is_not_due_yet_outlives_its_scheduler_however_long_its_delay() -> None:
    retries = RetryPolicy(max=1, delay=90 * MINUTE)
    world = World(replace(PLAIN, every=60 * MINUTE, max_lateness=MINUTE, retries=retries))
    world.endings = [Status.FAILED]
    world.start()
    world.pass_time(65 * MINUTE)
    world.die(20 * MINUTE)
    world.start()
    world.pass_time(80 * MINUTE)
    assert world.sittings[1] == 2


def test_an_entry_that_fires_at_other_times_is_another_one_and_has_missed_nothing() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(90 * SECOND)
    world.loaded = [pipeline(replace(PLAIN, every=7 * SECOND))]
    world.changed = True
    world.pass_time(10 * SECOND)
    assert [row.entry for row in world.rows] == ["every 1m", "every 7s"]


def test_an_entry_of_a_name_that_fires_at_other_times_since_the_last_scheduler_has_missed_nothing() -> None:
    world = World(replace(PLAIN, name="often"))
    world.start()
    world.pass_time(90 * SECOND)
    world.die(5 * MINUTE)
    world.loaded = [pipeline(replace(PLAIN, name="often", every=2 * MINUTE))]
    world.start()
    world.pass_time(2 * MINUTE)
    assert world.fates() == ran(1, 8)


def test_an_entry_that_comes_back_into_the_config_has_missed_nothing() -> None:
    other = replace(PLAIN, every=70_000 * MINUTE)
    world = World(PLAIN, other)
    both = world.loaded
    world.start()
    world.pass_time(90 * SECOND)
    world.loaded, world.changed = [pipeline(other)], True
    world.pass_time(2 * MINUTE)
    world.loaded, world.changed = both, True
    world.pass_time(MINUTE)
    assert world.fates() == ran(1, 4)


def test_what_was_missed_is_not_said_to_be_the_next() -> None:
    world = World(PLAIN)
    world.start()
    world.pass_time(90 * SECOND)
    world.die(5 * MINUTE)
    before = len(world.notices(Level.INFO))
    world.start()
    assert world.notices(Level.INFO)[before] == "p: next run at 2026-11-21 12:07:00 +00:00"


def test_pipelines_come_and_go() -> None:
    world = World(PLAIN)
    world.start()
    world.loaded = [pipeline(replace(PLAIN, every=2 * MINUTE), name="q")]
    world.changed = True
    world.pass_time(2 * MINUTE)
    assert [row.pipeline for row in world.rows] == ["q"]
    assert "p: not followed any more" in world.notices(Level.WARNING)
