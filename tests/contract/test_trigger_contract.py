"""The promise of every Trigger: after this moment, when next?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.interfaces import Trigger
from crude_link.model.schedule import Schedule
from crude_link.triggers.missed import Counting
from crude_link.triggers.schedules import trigger_for

UTC = timezone.utc


def fields(zone: str, **values: str | int) -> Callable[[], Trigger]:
    return lambda: trigger_for(Schedule(fields=values, timezone=zone))


def every(zone: str, **length: int) -> Callable[[], Trigger]:
    return lambda: trigger_for(Schedule(every=timedelta(**length), timezone=zone))


def crontab(zone: str, line: str) -> Callable[[], Trigger]:
    return lambda: trigger_for(Schedule(crontab=line, timezone=zone))


TRIGGERS = {
    "fields, every ten seconds on thursdays": fields("Europe/Berlin", day_of_week="thu", second="*/10"),
    "fields, daily in the repeated hour": fields("Europe/Berlin", hour=2, minute=30),
    "fields, every minute": fields("Australia/Lord_Howe", minute="*"),
    "crontab, in the repeated hour": crontab("America/New_York", "*/20 1-2 * * *"),
    "crontab, either day": crontab("UTC", "0 12 13 * 5"),
    "crontab, hourly": crontab("America/St_Johns", "@hourly"),
    "every ten minutes": every("Europe/Berlin", minutes=10),
    "every seven hours": every("Australia/Lord_Howe", hours=7),
}
KIT = pytest.mark.parametrize("make", TRIGGERS.values(), ids=TRIGGERS)
moments = st.one_of(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    # Around the clock changes of 2026, where triggers go wrong.
    st.sampled_from(
        ["2026-03-29T01", "2026-10-25T01", "2026-03-08T07", "2026-11-01T06", "2026-04-04T15", "2026-10-03T15"]
    ).flatmap(
        lambda text: st.integers(-7200, 7200).map(
            lambda seconds: datetime.fromisoformat(f"{text}:00").replace(tzinfo=UTC) + timedelta(seconds=seconds)
        )
    ),
)


@KIT
@given(moment=moments)
def test_slot_times_are_aware_and_strictly_after(make: Callable[[], Trigger], moment: datetime) -> None:
    trigger = make()
    for _ in range(5):
        slot = trigger.next_after(moment)
        assert slot is not None
        assert slot.tzinfo is not None
        assert slot.astimezone(UTC) > moment.astimezone(UTC)
        assert slot == slot.astimezone(UTC).astimezone(slot.tzinfo), "this time is on no clock"
        moment = slot


@KIT
@given(moment=moments)
def test_the_zone_of_the_question_does_not_matter(make: Callable[[], Trigger], moment: datetime) -> None:
    trigger = make()
    assert trigger.next_after(moment) == trigger.next_after(moment.astimezone(ZoneInfo("Asia/Tokyo")))


@KIT
def test_a_slot_itself_is_followed_by_the_next(make: Callable[[], Trigger]) -> None:
    trigger = make()
    slot = trigger.next_after(datetime(2026, 11, 21, tzinfo=UTC))
    assert slot is not None
    following = trigger.next_after(slot)
    assert following is not None
    assert following.astimezone(UTC) > slot.astimezone(UTC)
    assert trigger.next_after(slot - timedelta(microseconds=1)) == slot


@KIT
@given(moment=moments, length=st.integers(0, 100_000))
def test_slots_are_counted_as_they_come(make: Callable[[], Trigger], moment: datetime, length: int) -> None:
    trigger = make()
    assert isinstance(trigger, Counting)
    until, count = moment + timedelta(seconds=length), 0
    slot = trigger.next_after(moment)
    while slot is not None and slot.astimezone(UTC) <= until and count < 200:
        slot, count = trigger.next_after(slot), count + 1
    assert trigger.count(moment, until) == count or count == 200


def test_a_time_that_comes_twice_fires_once() -> None:
    trigger = trigger_for(Schedule(crontab="30 2 * * *", timezone="Europe/Berlin"))
    first = trigger.next_after(datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert first is not None
    assert first.isoformat() == "2026-10-25T02:30:00+02:00"
    second = trigger.next_after(first)
    assert second is not None
    assert second.isoformat() == "2026-10-26T02:30:00+01:00"


def test_what_runs_in_every_hour_runs_in_the_repeated_one_too() -> None:
    for schedule in (
        Schedule(crontab="30 * * * *"),
        Schedule(fields={"minute": 30}),
        Schedule(fields={"hour": "*", "minute": 30}),
    ):
        trigger = trigger_for(Schedule(crontab=schedule.crontab, fields=schedule.fields, timezone="Europe/Berlin"))
        moment = datetime(2026, 10, 24, 23, 59, tzinfo=UTC)
        times = []
        for _ in range(3):
            slot = trigger.next_after(moment)
            assert slot is not None
            times.append(slot.isoformat()[11:])
            moment = slot
        assert times == ["02:30:00+02:00", "02:30:00+01:00", "03:30:00+01:00"]
