"""What every ledger promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from store_examples import new_run, new_sitting

from crude_link.errors import SlotTaken
from crude_link.model.firing import Fate, Firing, Pause, SchedulerRecord
from crude_link.model.schedule import Schedule
from crude_link.store.place import Project
from crude_link.store.sqlite_store import SqliteStore, open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
HOURLY = Schedule(name="hourly", every=HOUR)
DAILY = Schedule(name="daily", every=24 * HOUR)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(Project(directory=tmp_path, home=tmp_path / ".crude-link")) as store:
        yield store


def firing(slot_time: datetime = NOON, fate: Fate = Fate.RAN, **more: object) -> Firing:
    one = Firing(pipeline="night", entry="hourly", slot_time=slot_time, fate=fate, at=slot_time)
    return replace(one, **more)  # type: ignore[arg-type]  # each test names fields of a Firing


def begin(store: SqliteStore, one: Firing) -> int:
    return store.runs.begin_run(replace(new_run(), firing=one), new_sitting()).id


def test_a_run_and_its_slot_time_are_written_together(store: SqliteStore) -> None:
    run = begin(store, firing())
    assert store.ledger.firings() == [firing(run=run)]
    assert store.ledger.of_run(run) == firing(run=run)
    assert store.runs.run(run).slot_time == NOON


def test_a_slot_time_begins_one_run_in_whatever_zone_it_is_said(store: SqliteStore) -> None:
    run = begin(store, firing())
    with pytest.raises(SlotTaken, match=f"began run {run}"):
        begin(store, firing(NOON.astimezone(ZoneInfo("Asia/Tokyo")), Fate.CAUGHT_UP))
    assert [each.id for each in store.history.runs()] == [run]


def test_only_a_person_has_a_slot_time_run_again(store: SqliteStore) -> None:
    first = begin(store, firing())
    again = begin(store, firing(fate=Fate.REPEATED))
    assert {each.run for each in store.ledger.firings()} == {first, again}


def test_what_was_missed_can_still_begin_its_run(store: SqliteStore) -> None:
    assert store.ledger.note(firing(fate=Fate.MISSED))
    run = begin(store, firing(fate=Fate.BACKFILLED))
    found = store.ledger.firing("night", "hourly", NOON)
    assert found is not None
    assert found.run == run


def test_slot_times_with_one_fate_in_a_row_are_one_row(store: SqliteStore) -> None:
    for hours in range(5):
        assert store.ledger.note(firing(NOON + hours * HOUR, Fate.SKIPPED, blocker=7, reason="run 7 is still going"))
    (row,) = store.ledger.firings()
    assert (row.slot_time, row.last, row.count) == (NOON, NOON + 4 * HOUR, 5)


def test_another_fate_blocker_or_reason_begins_a_row_of_its_own(store: SqliteStore) -> None:
    noted = [
        firing(NOON, Fate.SKIPPED, blocker=7),
        firing(NOON + HOUR, Fate.SKIPPED, blocker=8),
        firing(NOON + 2 * HOUR, Fate.REFUSED, reason="paused"),
        firing(NOON + 3 * HOUR, Fate.REFUSED, reason="stopped"),
    ]
    for each in noted:
        assert store.ledger.note(each)
    assert list(reversed(store.ledger.firings())) == noted


def test_what_has_a_row_gets_no_second_one(store: SqliteStore) -> None:
    run = begin(store, firing())
    assert not store.ledger.note(firing(fate=Fate.MISSED))
    assert store.ledger.firings() == [firing(run=run)]


def test_a_slot_time_inside_a_long_row_is_found(store: SqliteStore) -> None:
    store.ledger.note(firing(NOON, Fate.MISSED, until=NOON + 5 * HOUR, count=6))
    found = store.ledger.firing("night", "hourly", NOON + 2 * HOUR)
    assert found is not None
    assert found.fate is Fate.MISSED
    assert store.ledger.firing("night", "hourly", NOON + 6 * HOUR) is None


def test_what_waits_waits_until_it_begins_or_is_given_up(store: SqliteStore) -> None:
    for hours in range(3):
        store.ledger.note(firing(NOON + hours * HOUR, Fate.QUEUED, blocker=7))
    assert [each.slot_time for each in store.ledger.queued("night")] == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    run = begin(store, firing(NOON))
    assert store.ledger.note(firing(NOON + HOUR, Fate.SKIPPED))
    assert [each.slot_time for each in store.ledger.queued("night")] == [NOON + 2 * HOUR]
    assert store.ledger.firing("night", "hourly", NOON) == firing(run=run)


def test_what_began_no_run_can_be_taken_back(store: SqliteStore) -> None:
    run = begin(store, firing())
    store.ledger.note(firing(NOON + HOUR, Fate.MISSED, until=NOON + 5 * HOUR, count=5))
    for each in store.ledger.firings():
        store.ledger.withdraw(each)
    assert store.ledger.firings() == [firing(run=run)]


def test_an_entry_that_fires_at_other_times_or_was_followed_no_more_is_known_from_then_on_only(
    store: SqliteStore,
) -> None:
    store.ledger.settle("night", HOURLY, NOON)
    other = replace(HOURLY, every=2 * HOUR)
    assert store.ledger.settled("night", other) is None
    store.ledger.settle("night", other, NOON + HOUR)
    assert store.ledger.settled("night", other) == store.ledger.since("night", "hourly") == NOON + HOUR
    store.ledger.settle("night", other, None)
    assert store.ledger.settled("night", other) is None


def test_up_to_when_an_entry_is_known_is_remembered(store: SqliteStore) -> None:
    assert store.ledger.settled("night", HOURLY) is None
    store.ledger.settle("night", HOURLY, NOON)
    store.ledger.settle("night", HOURLY, NOON + HOUR)
    assert store.ledger.settled("night", HOURLY) == NOON + HOUR
    assert store.ledger.settled("night", DAILY) is None


def test_rows_older_than_a_year_are_forgotten(store: SqliteStore) -> None:
    store.ledger.note(firing(NOON, Fate.MISSED))
    store.ledger.note(firing(NOON + timedelta(days=500), Fate.SKIPPED))
    store.ledger.forget_old("night", NOON + timedelta(days=500))
    assert [each.fate for each in store.ledger.firings()] == [Fate.SKIPPED]


def test_a_pause_holds_until_it_is_ended(store: SqliteStore) -> None:
    pause = Pause(pipeline="night", at=NOON, by="ann", why="the disk is changed")
    store.schedulers.pause(pause)
    assert store.schedulers.pauses() == [pause]
    assert store.schedulers.unpause("night")
    assert not store.schedulers.unpause("night")
    assert store.schedulers.pauses() == []


def test_the_last_scheduler_is_remembered(store: SqliteStore) -> None:
    assert store.schedulers.scheduler() is None
    one = SchedulerRecord(host="thor", pid=4711, began=NOON, seen=NOON, config_files=("/p/a.yaml",))
    store.schedulers.record(one)
    later = replace(one, seen=NOON + HOUR, log_file="crude-link.log")
    store.schedulers.record(later)
    assert store.schedulers.scheduler() == later


def test_what_became_of_the_slot_times_of_a_day_is_found(store: SqliteStore) -> None:
    missed = firing(NOON - 2 * HOUR, Fate.MISSED, until=NOON, count=3)
    store.ledger.note(missed)
    store.ledger.note(firing(NOON + HOUR, Fate.SKIPPED))
    assert store.ledger.between("night", NOON, NOON, 10) == [missed]
    assert [each.fate for each in store.ledger.between("night", NOON, NOON + HOUR, 10)] == [Fate.MISSED, Fate.SKIPPED]
    assert store.ledger.between("night", NOON + 2 * HOUR, NOON + 3 * HOUR, 10) == []
    assert store.ledger.between("day", NOON, NOON + HOUR, 10) == []


def test_an_entry_is_known_since_it_was_first_settled(store: SqliteStore) -> None:
    assert store.ledger.since("night", "hourly") is None
    store.ledger.settle("night", HOURLY, NOON)
    store.ledger.settle("night", HOURLY, NOON + HOUR)
    assert store.ledger.since("night", "hourly") == NOON
    store.ledger.note(firing(pipeline="day"))
    assert store.ledger.entries() == [("day", "hourly"), ("night", "hourly")]


def test_the_last_of_each_pipeline_is_told_apart_by_whether_it_began_a_run(store: SqliteStore) -> None:
    begin(store, firing())
    last = begin(store, firing(NOON + HOUR))
    begin(store, firing(NOON - HOUR, Fate.BACKFILLED))
    store.ledger.note(firing(NOON + 2 * HOUR, Fate.SKIPPED))
    store.ledger.note(firing(fate=Fate.MISSED, pipeline="day"))
    assert {name: one.run for name, one in store.ledger.last(begun=True).items()} == {"night": last}
    assert {name: one.fate for name, one in store.ledger.last(begun=False).items()} == {
        "night": Fate.SKIPPED,
        "day": Fate.MISSED,
    }


def test_what_a_person_had_run_is_told_beside_what_its_schedule_did(store: SqliteStore) -> None:
    run = begin(store, firing(fate=Fate.BACKFILLED))
    assert store.ledger.note(firing(fate=Fate.MISSED, until=NOON + HOUR, count=2))
    assert not store.ledger.note(firing(fate=Fate.SKIPPED))
    found = store.ledger.firing("night", "hourly", NOON)
    assert found
    assert found.run == run
    assert {each.fate for each in store.ledger.firings()} == {Fate.BACKFILLED, Fate.MISSED}
