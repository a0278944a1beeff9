"""Which slot times come, and what would become of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from crude_link.cli.forecast import Coming, Does, Present, forecast
from crude_link.model.firing import Pause
from crude_link.model.schedule import Overlap, Schedule

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
RUNS, SKIPPED, WAITS = Does.RUNS, Does.SKIPPED, Does.WAITS


@dataclass(frozen=True)
class Regular:
    """An entry that fires every so often, from noon on."""

    schedule: Schedule
    pipeline: str = "night"

    def slots(self, first: datetime) -> Iterator[datetime]:
        every = self.schedule.every
        assert every
        slot = NOON
        while True:
            if slot >= first:
                yield slot
            slot += every


def hourly(overlap: Overlap = Overlap.SKIP, **more: int) -> Regular:
    return Regular(Schedule(every=HOUR, overlap=overlap, **more))  # type: ignore[arg-type]  # fields of a Schedule


def look(entry: Regular, present: Present, count: int = 4) -> Sequence[Coming]:
    return forecast([entry], lambda _: present, NOON, count)


def does(entry: Regular, usual: timedelta | None, count: int = 4) -> list[Does]:
    return [each.does for each in look(entry, Present(usual=usual), count)]


def test_the_slots_of_all_entries_come_in_order_of_time() -> None:
    one, other = hourly(), Regular(Schedule(every=timedelta(minutes=40)), "often")
    found = forecast([one, other], lambda _: Present(), NOON, 5)
    assert [(each.entry.pipeline, (each.slot_time - NOON) // timedelta(minutes=1)) for each in found] == [
        ("often", 40),
        ("night", 60),
        ("often", 80),
        ("night", 120),
        ("often", 120),
    ]


def test_without_a_history_nothing_is_foretold() -> None:
    assert does(hourly(), None) == [Does.UNKNOWN] * 4


def test_runs_that_are_shorter_than_the_time_between_them_just_run() -> None:
    assert does(hourly(), HOUR) == [RUNS] * 4


def test_a_run_that_takes_longer_has_the_next_slots_skipped() -> None:
    assert does(hourly(), 2.5 * HOUR, 7) == [RUNS, SKIPPED, SKIPPED] * 2 + [RUNS]
    assert look(hourly(), Present(usual=2 * HOUR))[1].why == "usually takes 2 h: would be skipped"


def test_or_they_wait_until_the_queue_is_full() -> None:
    assert does(hourly(Overlap.QUEUE, max_catch_up=2), 4 * HOUR, 5) == [RUNS, WAITS, WAITS, SKIPPED, WAITS]
    whys = [each.why for each in look(hourly(Overlap.QUEUE), Present(usual=2 * HOUR), 3)]
    assert [why.partition(": ")[2] for why in whys] == ["", "would wait 1 h", "would wait 2 h"]


def test_or_stop_the_run_before_them_or_run_beside_it() -> None:
    assert does(hourly(Overlap.REPLACE), 2 * HOUR) == [RUNS, *[Does.REPLACES] * 3]
    assert does(hourly(Overlap.ALLOW), 2 * HOUR) == [RUNS, *[Does.BESIDE] * 3]


def test_a_run_that_is_going_counts() -> None:
    present = Present(usual=2.5 * HOUR, going=[NOON - HOUR])
    assert [each.does for each in look(hourly(), present, 2)] == [SKIPPED, RUNS]


def test_a_paused_pipeline_refuses_and_says_who_paused_it() -> None:
    pause = Pause(pipeline="night", at=NOON, by="ada", why="the disk is full")
    found = look(hourly(), Present(usual=HOUR, pause=pause))
    assert {(each.does, each.why) for each in found} == {(Does.REFUSED, "paused by ada: the disk is full")}
