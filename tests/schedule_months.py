"""Months in a world where machines sleep, clocks step and schedulers die; for tests with any ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fake_schedules import Every, World
from fakes import NOON
from hypothesis import strategies as st

from crude_link.model.policy import RetryPolicy
from crude_link.model.schedule import AfterFailure, CatchUp, FailurePolicy, Overlap, Schedule
from crude_link.model.status import Status

SPANS = st.sampled_from([timedelta(seconds=40), timedelta(minutes=7), timedelta(hours=1), timedelta(days=1)])
SCHEDULES = st.builds(
    Schedule,
    every=SPANS,
    overlap=st.sampled_from(Overlap),
    catch_up=st.sampled_from(CatchUp),
    max_catch_up=st.integers(1, 4),
    max_lateness=st.sampled_from([None, timedelta(minutes=1), timedelta(hours=5)]),
    on_failure=st.just(FailurePolicy(then=AfterFailure.KEEP)),
    retries=st.sampled_from([RetryPolicy(), RetryPolicy(max=1, delay=timedelta(minutes=1))]),
)
#: What happens, and for how many hundredths of the longest.
EVENTS = st.lists(
    st.tuples(st.sampled_from(["live", "sleep", "set back", "set forward", "die", "block"]), st.integers(1, 100)),
    max_size=12,
)
LONGEST = timedelta(days=10)


def live(world: World, span: timedelta) -> None:
    """Let the scheduler work, though not through more slot times than a test has time for."""
    (schedule,) = world.loaded[0].pipeline.schedules
    assert schedule.every
    world.pass_time(min(span, 20 * schedule.every))


def happen(world: World, event: str, span: timedelta) -> None:
    if event == "sleep":
        world.suspend(span)
    elif event == "set back":
        world.suspend(-min(span, world.clock.wall - NOON))
    elif event == "set forward":
        world.suspend(span)
    elif event == "die":
        world.die(span)
        world.start()
    elif event == "block":
        world.clock.pass_time(span / 1000)
    live(world, span)


LASTS = st.sampled_from([timedelta(seconds=1), timedelta(seconds=95), timedelta(hours=2)])
ENDINGS = st.lists(st.sampled_from([Status.SUCCEEDED, Status.FAILED]), max_size=5)


def live_through(world: World, events: Sequence[tuple[str, int]]) -> None:
    """Let all of it happen, and then come to where no slot time lies ahead that had a fate."""
    world.start()
    latest = world.clock.now()
    for event, part in events:
        happen(world, event, LONGEST * part / 100)
        latest = max(latest, world.clock.now())
    if world.clock.now() < latest:
        world.suspend(latest - world.clock.now())
    world.pass_time(timedelta(seconds=3))


def check_ledger(world: World) -> None:
    """Every slot time has exactly one fate, and none has run twice."""
    rows = sorted(world.ledger.firings(), key=lambda row: row.slot_time)
    (schedule,) = world.loaded[0].pipeline.schedules
    assert schedule.every
    trigger = Every(schedule.every)
    ran = [row.slot_time for row in rows if row.run]
    assert sorted(ran) == sorted(firing.slot_time for firing in world.began)
    assert len(ran) == len(set(ran))
    assert sum(row.count for row in rows) == trigger.count(NOON, world.clock.now())
    ends = NOON
    for row in rows:
        if row.run:
            continue
        assert row.slot_time > ends  # no two rows are about one slot time
        ends = row.last
        inside = sum(row.slot_time <= slot <= row.last for slot in ran)
        assert row.count + inside == trigger.count(row.slot_time - timedelta(seconds=1), row.last)
