"""Missed slot times: told by their first, their newest and their number, however many they are."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from crude_link.triggers.missed import Missed, missed_slots

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


class Given:
    """A trigger of given slot times, which knows how often it was asked."""

    def __init__(self, *seconds: float) -> None:
        self.times = sorted(NOW + timedelta(seconds=second) for second in seconds)
        self.asked = 0

    def next_after(self, moment: datetime) -> datetime | None:
        self.asked += 1
        return next((time for time in self.times if time > moment), None)


class Counted(Given):
    """One that can count, too."""

    def count(self, after: datetime, until: datetime) -> int | None:
        return sum(after < time <= until for time in self.times)


class EverySecondOfJanuary:
    """Many slot times, none of them near now."""

    asked = 0

    def next_after(self, moment: datetime) -> datetime | None:
        self.asked += 1
        following = moment.replace(microsecond=0) + timedelta(seconds=1)
        return following if following.month == 1 else datetime(following.year + 1, 1, 1, tzinfo=timezone.utc)


def test_nothing_is_missed_between_two_slots() -> None:
    assert missed_slots(Given(0, 10), NOW, NOW + timedelta(seconds=9)) is None
    assert missed_slots(Counted(0, 10), NOW, NOW + timedelta(seconds=9)) is None


def test_the_first_moment_is_out_and_the_last_one_in() -> None:
    missed = missed_slots(Given(0, 5, 10), NOW, NOW + timedelta(seconds=10), 5)
    times = (NOW + timedelta(seconds=5), NOW + timedelta(seconds=10))
    assert missed == Missed(first=times[0], newest=times, count=2, is_exact=True)


@given(
    st.sets(st.integers(0, 5000), max_size=400),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.integers(1, 30),
    st.sampled_from([Given, Counted]),
)
@settings(deadline=None)
def test_the_newest_are_those_at_the_end(
    seconds: set[int], start: int, length: int, newest: int, kind: type[Given]
) -> None:
    trigger = kind(*seconds)
    after, until = NOW + timedelta(seconds=start), NOW + timedelta(seconds=start + length)
    wanted = [time for time in trigger.times if after < time <= until]
    missed = missed_slots(trigger, after, until, newest)
    if not wanted:
        assert missed is None
        return
    assert missed == Missed(first=wanted[0], newest=tuple(wanted[-newest:]), count=len(wanted), is_exact=True)
    assert missed.last == wanted[-1]


def test_millions_are_not_gone_through() -> None:
    trigger = EverySecondOfJanuary()
    missed = missed_slots(trigger, NOW - timedelta(days=700), NOW, 10)
    assert missed is not None
    assert not missed.is_exact
    assert missed.count == 1000
    assert missed.first == datetime(2025, 1, 1, tzinfo=timezone.utc)
    last = datetime(2026, 1, 31, 23, 59, 59, tzinfo=timezone.utc)
    assert missed.newest == tuple(last - timedelta(seconds=back) for back in reversed(range(10)))
    assert trigger.asked < 5000
