"""Months of schedules in memory: each slot time has one fate, whatever happens, and nothing comes in floods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fake_schedules import World
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_months import ENDINGS, EVENTS, LASTS, SCHEDULES, check_ledger, live_through

from crude_link.model.schedule import CatchUp, Schedule
from crude_link.model.status import Status


@settings(max_examples=60, deadline=None)
@given(schedule=SCHEDULES, events=EVENTS, lasts=LASTS, endings=ENDINGS)
def test_every_slot_time_has_exactly_one_fate_and_none_runs_twice(
    schedule: Schedule, events: Sequence[tuple[str, int]], lasts: timedelta, endings: list[Status]
) -> None:
    world = World(schedule, lasts=lasts, look=timedelta(hours=1))
    world.endings = list(endings)
    live_through(world, events)
    check_ledger(world)


@settings(max_examples=50, deadline=None)
@given(schedule=SCHEDULES, days=st.integers(1, 400), sleeps=st.booleans())
def test_an_absence_however_long_is_followed_by_no_flood(schedule: Schedule, days: int, sleeps: bool) -> None:
    world = World(schedule)
    world.start()
    if sleeps:
        world.suspend(timedelta(days=days))
    else:
        world.die(timedelta(days=days))
        world.start()
    world.pass_time(timedelta(seconds=30))
    most = schedule.max_catch_up if schedule.catch_up is CatchUp.ALL else 1
    assert len(world.began) <= most + 1
    assert len(world.rows) <= most + 2
