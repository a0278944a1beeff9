"""The question of schedules by tables: what becomes of slot times that are due, and of those that wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import NOON

from crude_link.model.firing import Fate, Firing
from crude_link.model.schedule import CatchUp, Overlap, Schedule
from crude_link.scheduling.fates import Begin, Due, Move, Note, PipelineView, Stop, moves_for, moves_for_waiting

SECOND = timedelta(seconds=1)
HOURLY = Schedule(every=timedelta(hours=1))
FREE = PipelineView(absence="no scheduler ran")
BUSY = PipelineView(live=(7,), absence="no scheduler ran")
ON_TIME = Due(count=1, first=NOON, newest=(NOON,))


def due(hours: int, known: int | None = None) -> Due:
    """So many slot times, the last of them at noon, of which the last few are known."""
    newest = tuple(NOON - timedelta(hours=back) for back in reversed(range(known or hours)))
    return Due(count=hours, first=NOON - timedelta(hours=hours - 1), newest=newest)


def waiting(hour: int, at: timedelta = timedelta(0)) -> Firing:
    slot = NOON + timedelta(hours=hour)
    return Firing(pipeline="p", entry=HOURLY.entry, slot_time=slot, fate=Fate.QUEUED, at=slot + at, reason="why")


def said(moves: tuple[Move, ...]) -> list[str]:
    """Say moves in short: what, and about how many."""
    words = []
    for move in moves:
        if isinstance(move, Begin):
            words.append(f"begin {move.fate.value}")
        elif isinstance(move, Stop):
            words.append(f"stop {','.join(map(str, move.runs))}")
        else:
            words.append(f"{move.fate.value} {move.count}")
    return words


@pytest.mark.parametrize(
    ("overlap", "free", "busy", "busy_with_two_waiting"),
    [
        (Overlap.SKIP, ["begin ran"], ["skipped 1"], ["skipped 1"]),
        (Overlap.QUEUE, ["begin ran"], ["queued 1"], ["skipped 1"]),
        (
            Overlap.REPLACE,
            ["begin ran"],
            ["stop 7", "queued 1"],
            ["skipped 1", "skipped 1", "stop 7", "queued 1"],
        ),
        (Overlap.ALLOW, ["begin ran"], ["begin ran"], ["begin ran"]),
    ],
)
def test_overlap_says_what_is_done_while_a_run_is_going(
    overlap: Overlap, free: list[str], busy: list[str], busy_with_two_waiting: list[str]
) -> None:
    schedule = replace(HOURLY, overlap=overlap, max_catch_up=2)
    full = replace(BUSY, waiting=(waiting(-2), waiting(-1)))
    assert said(moves_for(schedule, ON_TIME, FREE, NOON)) == free
    assert said(moves_for(schedule, ON_TIME, BUSY, NOON)) == busy
    assert said(moves_for(schedule, ON_TIME, full, NOON)) == busy_with_two_waiting


@pytest.mark.parametrize(
    ("catch_up", "now", "expected"),
    [
        (CatchUp.LATEST, SECOND, ["missed 99", "begin ran"]),
        (CatchUp.LATEST, 60 * SECOND, ["missed 99", "begin caught up"]),
        (CatchUp.ALL, SECOND, ["missed 97", "begin caught up"]),
        (CatchUp.NONE, SECOND, ["missed 99", "begin ran"]),
        (CatchUp.NONE, 60 * SECOND, ["missed 100"]),
    ],
)
def test_catch_up_says_which_missed_slot_times_run(catch_up: CatchUp, now: timedelta, expected: list[str]) -> None:
    schedule = replace(HOURLY, catch_up=catch_up, max_catch_up=3)
    assert said(moves_for(schedule, due(100, known=4), FREE, NOON + now)) == expected


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (timedelta(seconds=9), ["begin ran"]),
        (timedelta(minutes=4), ["begin caught up"]),
        (timedelta(hours=1), ["missed 1"]),
    ],
)
def test_max_lateness_speaks_of_what_is_not_on_time(late: timedelta, expected: list[str]) -> None:
    schedule = replace(HOURLY, max_lateness=timedelta(minutes=5))
    assert said(moves_for(schedule, ON_TIME, FREE, NOON + late)) == expected
    shortest = replace(HOURLY, max_lateness=SECOND)
    assert said(moves_for(shortest, ON_TIME, FREE, NOON + 9 * SECOND)) == ["begin ran"]


def test_what_is_caught_up_by_all_waits_for_its_turn_even_where_runs_may_overlap() -> None:
    schedule = replace(HOURLY, catch_up=CatchUp.ALL, overlap=Overlap.ALLOW)
    assert said(moves_for(schedule, due(2), BUSY, NOON + 60 * SECOND)) == ["queued 1"]
    skipping = replace(schedule, overlap=Overlap.SKIP)
    assert said(moves_for(skipping, ON_TIME, BUSY, NOON + 3 * SECOND)) == ["queued 1"]
    assert said(moves_for(skipping, ON_TIME, BUSY, NOON)) == ["skipped 1"]


def test_reasons_are_in_words() -> None:
    (note,) = moves_for(HOURLY, ON_TIME, BUSY, NOON)
    assert isinstance(note, Note)
    assert (note.reason, note.blocker) == ("run 7 was still going", 7)
    late = replace(HOURLY, max_lateness=timedelta(minutes=5))
    (note,) = moves_for(late, due(3), FREE, NOON + timedelta(minutes=30))
    assert isinstance(note, Note)
    assert note.reason == "no scheduler ran; more than 5 min late (max_lateness)"
    (note,) = moves_for(replace(HOURLY, catch_up=CatchUp.NONE), due(3), FREE, NOON + timedelta(minutes=30))
    assert isinstance(note, Note)
    assert note.reason == "no scheduler ran; catch_up is none"


def test_a_pipeline_that_refuses_refuses_all() -> None:
    view = replace(FREE, refusal="paused by ada", waiting=(waiting(-1),))
    assert said(moves_for(HOURLY, due(5), view, NOON)) == ["refused 5"]
    assert said(moves_for_waiting({HOURLY.entry: HOURLY}, view, NOON)) == ["refused 1"]


def test_of_those_that_wait_the_earliest_begins_when_nothing_is_going() -> None:
    schedules = {HOURLY.entry: HOURLY}
    view = replace(FREE, waiting=(waiting(-2, timedelta(hours=1)), waiting(-1)))
    assert said(moves_for_waiting(schedules, view, NOON)) == ["begin caught up"]
    assert said(moves_for_waiting(schedules, replace(view, waiting=view.waiting[1:]), NOON)) == ["begin ran"]
    assert moves_for_waiting(schedules, replace(view, live=(7,)), NOON) == ()


def test_what_waits_too_long_or_for_an_entry_that_is_gone_is_given_up() -> None:
    late = replace(HOURLY, max_lateness=timedelta(minutes=90))
    view = replace(BUSY, waiting=(waiting(-2), waiting(-1)))
    assert said(moves_for_waiting({late.entry: late}, view, NOON)) == ["skipped 1"]
    assert said(moves_for_waiting({}, view, NOON)) == ["refused 1"] * 2
