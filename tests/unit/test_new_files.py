"""Schedules that look for new files, in a world of their own: what begins runs, what waits, what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fake_schedules import World, pipeline
from fakes import NOON

from crude_link.model.event import SlotSettled
from crude_link.model.firing import Fate, Firing, Pause
from crude_link.model.look import Finding, Look
from crude_link.model.schedule import AfterFailure, FailurePolicy, NewFiles, Overlap, Schedule
from crude_link.model.status import Status
from crude_link.scheduling.fates import Begin, PipelineView, Stop
from crude_link.scheduling.findings import may_look, moves_for_finding

MINUTE = timedelta(minutes=1)
LOOKING = Schedule(
    every=5 * MINUTE, new_files=NewFiles(places=("s3://b/in",)), on_failure=FailurePolicy(then=AfterFailure.KEEP)
)
FOUND = Finding(look=3, files=10, new=2, names=("a", "b"))
LOOK = Look(pipeline="p", entry=LOOKING.entry, timing=LOOKING.timing, at=NOON, finding=FOUND)
FREE = PipelineView()
BUSY = PipelineView(live=(7,))
WAITED_FOR = PipelineView(waiting=(Firing(pipeline="p", entry="x", slot_time=NOON, fate=Fate.QUEUED, at=NOON),))
PAUSED = PipelineView(refusal="paused by ada")


@pytest.mark.parametrize(
    ("overlap", "view", "may"),
    [
        (Overlap.SKIP, FREE, True),
        (Overlap.SKIP, BUSY, False),
        (Overlap.SKIP, WAITED_FOR, False),
        (Overlap.QUEUE, BUSY, False),
        (Overlap.ALLOW, BUSY, True),
        (Overlap.REPLACE, BUSY, True),
        (Overlap.ALLOW, PAUSED, False),
        (Overlap.SKIP, PAUSED, False),
    ],
)
def test_it_looks_only_where_a_run_could_begin(overlap: Overlap, view: PipelineView, may: bool) -> None:
    assert may_look(replace(LOOKING, overlap=overlap), view) is may


def test_what_is_found_begins_a_run_that_says_why() -> None:
    (begin,) = moves_for_finding(LOOKING, LOOK, FREE)
    assert begin == Begin(
        entry="new files in s3://b/in", slot_time=NOON, fate=Fate.RAN, reason="2 new files: a, b", look=3
    )


def test_nothing_new_a_failed_look_and_a_pause_begin_nothing() -> None:
    assert moves_for_finding(LOOKING, replace(LOOK, finding=replace(FOUND, new=0)), FREE) == ()
    assert moves_for_finding(LOOKING, replace(LOOK, finding=None, problem="no bucket"), FREE) == ()
    assert moves_for_finding(LOOKING, LOOK, PAUSED) == ()
    assert moves_for_finding(LOOKING, LOOK, BUSY) == ()


def test_what_is_found_stops_a_run_that_it_replaces_and_begins_beside_one_that_is_allowed() -> None:
    (stop,) = moves_for_finding(replace(LOOKING, overlap=Overlap.REPLACE), LOOK, BUSY)
    assert isinstance(stop, Stop)
    assert stop.runs == (7,)
    (begin,) = moves_for_finding(replace(LOOKING, overlap=Overlap.ALLOW), LOOK, BUSY)
    assert isinstance(begin, Begin)


def test_of_many_files_the_first_are_named() -> None:
    assert replace(FOUND, new=1204).words == "1,204 new files: a, b and 1,202 more"
    assert replace(FOUND, new=1, names=("a",)).words == "1 new file: a"


def reasons(world: World) -> list[str]:
    return [firing.reason for firing in world.began]


def test_the_first_look_comes_at_once_and_all_that_is_there_is_new() -> None:
    world = World(LOOKING)
    world.looker.files = {"a", "b"}
    world.start()
    world.pass_time(MINUTE)
    assert reasons(world) == ["2 new files: a, b"]
    assert world.looker.begun == [NOON]
    assert world.notices()[:2] == ["p: looks every 5m for new files in s3://b/in", "p: 2 new files: a, b"]


def test_looks_that_find_nothing_new_leave_no_row() -> None:
    world = World(LOOKING)
    world.start()
    world.pass_time(11 * MINUTE)
    assert world.looker.begun == [NOON, NOON + 5 * MINUTE, NOON + 10 * MINUTE]
    assert world.rows == []


def test_files_that_come_during_a_run_are_found_by_the_next_look_after_it() -> None:
    world = World(LOOKING, lasts=12 * MINUTE)
    world.looker.files = {"a"}
    world.start()
    world.pass_time(MINUTE)
    world.looker.files |= {"b", "c"}
    world.pass_until(NOON + 14 * MINUTE)
    assert world.looker.begun == [NOON]
    world.pass_until(NOON + 16 * MINUTE)
    assert reasons(world) == ["1 new file: a", "2 new files: b, c"]


def test_a_run_that_is_replaced_gives_way_to_one_that_is_begun_for_what_is_new() -> None:
    world = World(replace(LOOKING, overlap=Overlap.REPLACE), lasts=60 * MINUTE)
    world.looker.files = {"a"}
    world.start()
    world.pass_time(MINUTE)
    world.looker.files |= {"b"}
    world.pass_until(NOON + 6 * MINUTE)
    assert world.ended_runs[1].status is Status.CANCELLED
    assert reasons(world) == ["1 new file: a", "1 new file: b"]
    assert [row.fate for row in world.rows] == [Fate.RAN, Fate.RAN]


def test_runs_may_go_on_beside_each_other() -> None:
    world = World(replace(LOOKING, overlap=Overlap.ALLOW), lasts=60 * MINUTE)
    world.looker.files = {"a"}
    world.start()
    world.pass_time(MINUTE)
    world.looker.files |= {"b"}
    world.pass_until(NOON + 6 * MINUTE)
    assert len(world.going("p")) == 2


def test_a_slow_look_holds_up_no_other_schedule_and_has_none_beside_it() -> None:
    world = World(LOOKING, Schedule(every=MINUTE))
    world.looker.takes = 12 * MINUTE
    world.start()
    world.pass_until(NOON + 11 * MINUTE)
    assert len(world.looker.begun) == 1
    assert [firing.slot_time for firing in world.began] == [NOON + number * MINUTE for number in range(1, 12)]


def test_what_could_not_begin_is_new_still() -> None:
    world = World(LOOKING)
    world.looker.files = {"a"}
    world.broken = "train.py is gone"
    world.start()
    world.pass_time(MINUTE)
    assert [(row.fate, row.reason) for row in world.rows] == [(Fate.FAILED, "train.py is gone")]
    world.broken = ""
    world.pass_time(5 * MINUTE)
    assert reasons(world) == ["1 new file: a"]


def test_the_first_failed_look_in_a_row_is_in_the_ledger_and_the_others_are_told_once_an_hour() -> None:
    world = World(LOOKING)
    world.looker.problem = "there is no bucket b"
    world.start()
    world.pass_time(63 * MINUTE)
    why = "the look for new files in s3://b/in failed: there is no bucket b"
    assert [(row.fate, row.count, row.reason) for row in world.rows] == [(Fate.FAILED, 1, why)]
    told = [event for event in world.told if isinstance(event, SlotSettled)]
    assert [event.in_a_row for event in told] == list(range(1, 14))
    assert [event.in_a_row for event in told if not event.is_repetition] == [1, 10]
    world.looker.problem = ""
    world.looker.files = {"a"}
    world.pass_time(5 * MINUTE)
    assert (
        "p: looks for new files in s3://b/in again, after 13 looks that failed since 2026-11-21 12:00:01 +00:00"
        in world.notices()
    )
    assert reasons(world) == ["1 new file: a"]


def test_failed_looks_end_no_schedule() -> None:
    world = World(replace(LOOKING, on_failure=FailurePolicy()))
    world.looker.problem = "no answer"
    duty = world.start()
    world.pass_time(20 * MINUTE)
    assert not duty.is_over
    assert duty.went_well


def test_a_paused_pipeline_looks_at_nothing_and_finds_all_afterwards() -> None:
    world = World(LOOKING)
    world.book.pause(Pause(pipeline="p", at=NOON, by="ada"))
    world.looker.files = {"a"}
    world.start()
    world.pass_time(11 * MINUTE)
    assert world.looker.begun == []
    assert world.rows == []
    world.book.unpause("p")
    world.pass_time(5 * MINUTE)
    assert reasons(world) == ["1 new file: a"]


def test_a_pause_during_a_look_begins_nothing_for_it() -> None:
    world = World(LOOKING)
    world.looker.files = {"a"}
    world.looker.takes = MINUTE
    world.start()
    world.pass_time(timedelta(seconds=10))
    world.book.pause(Pause(pipeline="p", at=NOON, by="ada"))
    world.pass_time(2 * MINUTE)
    assert world.began == []


def test_a_scheduler_that_was_off_has_missed_nothing_and_looks_at_once() -> None:
    world = World(LOOKING)
    world.start()
    world.pass_time(7 * MINUTE)
    world.die(off=timedelta(hours=5))
    world.looker.files = {"a"}
    world.start()
    world.pass_time(MINUTE)
    assert [(row.fate, row.reason) for row in world.rows] == [(Fate.RAN, "1 new file: a")]


def test_a_scheduler_that_is_killed_between_a_look_and_its_run_forgets_nothing_and_repeats_nothing() -> None:
    world = World(LOOKING)
    world.looker.files = {"a"}
    world.start()
    world.pass_time(timedelta(milliseconds=500))  # the look goes on
    world.die(off=MINUTE)
    world.start()
    world.pass_time(MINUTE)
    world.die(off=MINUTE)
    world.start()
    world.pass_time(10 * MINUTE)
    assert reasons(world) == ["1 new file: a"]


def test_another_place_in_the_config_is_looked_at_at_once_and_a_look_at_the_old_one_counts_no_more() -> None:
    named = replace(LOOKING, name="in")
    world = World(named)
    world.looker.files = {"a"}
    world.looker.takes = MINUTE
    world.start()
    world.pass_time(timedelta(seconds=10))
    world.loaded = [pipeline(replace(named, new_files=NewFiles(places=("s3://b/other",))))]
    world.changed = True
    world.pass_time(2 * MINUTE)
    assert len(world.looker.begun) == 2
    assert [firing.slot_time for firing in world.began] == [world.looker.begun[1] + MINUTE]


def test_files_that_may_still_be_written_to_are_looked_at_once_more_soon() -> None:
    world = World(LOOKING)
    world.looker.young = 1
    world.start()
    world.pass_time(4 * MINUTE)
    assert [(moment - NOON).total_seconds() for moment in world.looker.begun] == [0, 6]


def test_a_pipeline_may_look_for_files_and_watch_the_clock() -> None:
    world = World(LOOKING, Schedule(every=20 * MINUTE))
    world.start()
    world.pass_time(5 * MINUTE)
    assert world.notices() == ["p: looks every 5m for new files in s3://b/in; next run at 2026-11-21 12:20:00 +00:00"]
    world.looker.files = {"a"}
    world.pass_until(NOON + 21 * MINUTE)
    assert [firing.entry for firing in world.began] == ["new files in s3://b/in", "every 20m"]
