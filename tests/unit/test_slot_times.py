"""Slot times: every moment once and in order, in every zone, on the days on which clocks change too."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from crude_link.interfaces import Trigger
from crude_link.model.schedule import Dst, Missing, Repeated, Schedule
from crude_link.triggers.crontab import parse_crontab
from crude_link.triggers.missed import Counting, missed_slots
from crude_link.triggers.schedules import schedule_problem, schedule_warning, trigger_for
from crude_link.triggers.wall import changes_between

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
AS_USUAL = Dst()
SKIP, BOTH = Dst(missing=Missing.SKIP), Dst(repeated=Repeated.BOTH)


def slots(trigger: Trigger, after: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    slot = trigger.next_after(after)
    while slot is not None and slot.astimezone(UTC) <= until:
        found.append(slot.astimezone(UTC))
        slot = trigger.next_after(slot)
    return found


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def told(schedule: Schedule, after: datetime, count: int) -> list[str]:
    """Return the next slot times as somebody reads them."""
    trigger = trigger_for(schedule)
    found: list[str] = []
    moment: datetime | None = after
    while moment is not None and len(found) < count:
        moment = trigger.next_after(moment)
        found += [moment.isoformat(" ", "minutes")] if moment else []
    return found


# --- clock changes ----------------------------------------------------------------------------------------


def daily(hour: int, minute: int, dst: Dst = AS_USUAL) -> Schedule:
    return Schedule(fields={"hour": hour, "minute": minute}, timezone="Europe/Berlin", dst=dst)


def test_a_time_that_is_left_out_comes_at_the_first_moment_after_the_gap() -> None:
    assert told(daily(2, 30), at("2026-03-28 12:00"), 2) == ["2026-03-29 03:00+02:00", "2026-03-30 02:30+02:00"]


def test_a_time_that_is_left_out_can_be_skipped() -> None:
    assert told(daily(2, 30, SKIP), at("2026-03-28 12:00"), 1) == ["2026-03-30 02:30+02:00"]


def test_several_times_in_a_gap_and_the_one_after_it_are_one_slot() -> None:
    schedule = Schedule(crontab="15,45 2,3 * * *", timezone="Europe/Berlin")
    assert told(schedule, at("2026-03-29 00:00"), 3) == [
        "2026-03-29 03:00+02:00", "2026-03-29 03:15+02:00", "2026-03-29 03:45+02:00",
    ]  # fmt: skip
    schedule = Schedule(crontab="0,30 2,3 * * *", timezone="Europe/Berlin")
    assert told(schedule, at("2026-03-29 00:00"), 2) == ["2026-03-29 03:00+02:00", "2026-03-29 03:30+02:00"]


def test_a_restart_after_the_gap_does_not_lose_the_time_in_it() -> None:
    just_before, just_after = at("2026-03-29 00:59:59"), at("2026-03-29 01:00")
    assert told(daily(2, 30), just_before, 1) == ["2026-03-29 03:00+02:00"]
    assert told(daily(2, 30), just_after, 1) == ["2026-03-30 02:30+02:00"]


def test_a_time_that_comes_twice_can_fire_twice() -> None:
    assert told(daily(2, 30, BOTH), at("2026-10-24 12:00"), 3) == [
        "2026-10-25 02:30+02:00", "2026-10-25 02:30+01:00", "2026-10-26 02:30+01:00",
    ]  # fmt: skip


def test_a_restart_in_the_second_of_two_equal_hours_does_not_repeat_it() -> None:
    second_hour = at("2026-10-25 01:10")
    assert told(daily(2, 30), second_hour, 1) == ["2026-10-26 02:30+01:00"]
    assert told(daily(2, 30, BOTH), second_hour, 1) == ["2026-10-25 02:30+01:00"]


def test_what_fires_in_every_hour_just_goes_on() -> None:
    schedule = Schedule(crontab="30 * * * *", timezone="Europe/Berlin")
    assert told(schedule, at("2026-03-29 00:00"), 2) == ["2026-03-29 01:30+01:00", "2026-03-29 03:30+02:00"]


def test_what_fires_every_other_hour_has_hours_of_its_own() -> None:
    schedule = Schedule(crontab="0 */2 * * *", timezone="Europe/Berlin")
    assert told(schedule, at("2026-10-24 23:00"), 2) == ["2026-10-25 02:00+02:00", "2026-10-25 04:00+01:00"]


def test_a_day_that_a_country_leaves_out_is_a_gap_too() -> None:
    schedule = Schedule(crontab="0 9 * * *", timezone="Pacific/Apia")
    assert told(schedule, at("2011-12-29 20:00", "UTC"), 2) == ["2011-12-31 00:00+14:00", "2011-12-31 09:00+14:00"]


@cache
def changes(zone: str) -> list[datetime]:
    return [change.moment for change in changes_between(at("1990-01-01"), at("2038-01-01"), ZoneInfo(zone))]


@st.composite
def around_changes(draw: st.DrawFn) -> tuple[str, datetime]:
    """Draw a zone, and a moment near one of its changes, if it has any."""
    zone = draw(st.sampled_from(sorted(available_timezones())))
    known = changes(zone)
    moment = draw(st.sampled_from(known)) if known else at("2026-03-29")
    return zone, moment + draw(st.integers(-600, 600)) * MINUTE


def expected(line: str, zone: str, dst: Dst, minutes: list[datetime]) -> list[datetime]:
    """Return the slot times within some minutes in a row, from the definition alone."""
    said = parse_crontab(line)
    shown = [minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for minute in minutes]
    goes_on = len(said.hours) == 24
    found: set[datetime] = set()

    def fires(reading: datetime) -> bool:
        return reading.hour in said.hours and reading.minute in said.minutes and reading.day in said.days

    seen: set[datetime] = set()
    for number, (minute, reading) in enumerate(zip(minutes, shown, strict=True)):
        if fires(reading) and (goes_on or dst.repeated is Repeated.BOTH or reading not in seen):
            found.add(minute)
        lost = shown[number - 1] + MINUTE if number else reading
        while lost < reading:
            if fires(lost) and not goes_on and dst.missing is Missing.NEXT:
                found.add(minute)
            lost += MINUTE
        seen.add(reading)
    return sorted(found)


#: Times that lie in gaps and repeated hours of most zones, and any.
lines = st.one_of(
    st.sampled_from(["30 2 * * *", "*/15 * * * *", "0,30 0-3 * * *", "0 */2 * * *", "59 23 * * *", "5 1,3 * * *"]),
    st.builds(
        "{} {} {} * *".format,
        st.sampled_from(["*", "*/7", "0", "30", "13,59"]),
        st.sampled_from(["*", "*/3", "0", "1-2", "2,3", "23", "0-22"]),
        st.sampled_from(["*", "1-30/2", "28-31"]),
    ),
)
dsts = st.builds(Dst, missing=st.sampled_from(Missing), repeated=st.sampled_from(Repeated))


@given(around_changes(), lines, dsts)
@settings(deadline=None, max_examples=40)
def test_cron_fires_by_its_definition_around_the_changes_of_all_zones(
    place: tuple[str, datetime], line: str, dst: Dst
) -> None:
    zone, moment = place
    trigger = trigger_for(Schedule(crontab=line, timezone=zone, dst=dst))
    start = moment - timedelta(hours=30)
    minutes = [start + number * MINUTE for number in range(54 * 60)]
    wanted = [slot for slot in expected(line, zone, dst, minutes) if moment < slot <= minutes[-1]]
    assert slots(trigger, moment, minutes[-1]) == wanted
    assert isinstance(trigger, Counting)
    assert trigger.count(moment, minutes[-1]) == len(wanted)


@given(st.sampled_from(sorted(available_timezones())), st.integers(0, 5000), dsts)
@settings(deadline=None, max_examples=30)
def test_months_of_slot_times_are_counted_without_going_through_them(zone: str, day: int, dst: Dst) -> None:
    trigger = trigger_for(Schedule(crontab="30 0,2 * * 0,6", timezone=zone, dst=dst))
    after = at("2015-01-01 00:30") + timedelta(days=day)
    until = after + timedelta(days=200)
    assert isinstance(trigger, Counting)
    assert trigger.count(after, until) == len(slots(trigger, after, until))


ELSEWHERE = ["0 4 * * *", "15 5 1,15 * *", "30 6 * * 1-5", "0 7 31 * *", "0 8 13 * 5"]


@given(st.sampled_from(ELSEWHERE), st.integers(0, 9000))
@settings(deadline=None, max_examples=60)
def test_away_from_the_changes_cron_fires_as_elsewhere(line: str, day: int) -> None:
    zone = ZoneInfo("America/New_York")  # where clocks change between 1 and 3
    start = datetime(2005, 1, 1, tzinfo=zone) + timedelta(days=day)
    trigger = trigger_for(Schedule(crontab=line, timezone="America/New_York"))
    theirs = [slot.astimezone(UTC) for slot in islice(CronSim(line, start), 40)]
    assert slots(trigger, start.astimezone(UTC), theirs[-1]) == theirs


# --- counting ---------------------------------------------------------------------------------------------

WEEKLY = {"day_of_week": "mon", "hour": 9}


@pytest.mark.parametrize(
    ("fields", "days", "count"),
    [
        ({"second": "*"}, 31, 31 * 86_400),
        ({"second": "*", "month": 1, "day": "1-2"}, 365, 2 * 86_400),
        ({"month": 2}, 365, 1),
        ({"day": "last", "hour": 8}, 365, 12),
        (WEEKLY, 700, 100),
        ({"week": 5, "minute": 0}, 365, 7 * 24),
        ({"year": 2026, "hour": 3}, 700, 365),
    ],
)
def test_counts_are_exact_and_cheap(fields: dict[str, str | int], days: int, count: int) -> None:
    trigger = trigger_for(Schedule(fields=fields, timezone="UTC"))
    after = at("2025-12-31 23:59:59")
    missed = missed_slots(trigger, after, after + timedelta(days=days), 3)
    assert missed is not None
    assert (missed.count, missed.is_exact) == (count, True)


def test_a_schedule_with_an_end_is_counted_by_going_through_it() -> None:
    fields: dict[str, str | int] = {
        "minute": "*",
        "start_date": "2026-01-01 12:00:00",
        "end_date": "2026-01-01 12:10:00",
    }
    trigger = trigger_for(Schedule(fields=fields, timezone="Europe/Berlin"))
    missed = missed_slots(trigger, at("2025-01-01"), at("2027-01-01"), 2)
    assert missed is not None
    assert (missed.count, missed.is_exact) == (11, True)
    assert missed.first == at("2026-01-01 11:00")


# --- every and at -----------------------------------------------------------------------------------------


def test_every_keeps_its_distance_over_a_change_of_clocks() -> None:
    schedule = Schedule(every=timedelta(hours=6), timezone="Europe/Berlin")
    assert told(schedule, at("2026-03-28 20:00"), 3) == [
        "2026-03-29 00:00+01:00", "2026-03-29 07:00+02:00", "2026-03-29 13:00+02:00",
    ]  # fmt: skip


@given(st.integers(1, 10_000_000), st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_every_has_the_same_slots_whenever_it_is_asked(seconds: int, moment: datetime) -> None:
    trigger = trigger_for(Schedule(every=timedelta(seconds=seconds), timezone="Asia/Kathmandu"))
    slot = trigger.next_after(moment)
    assert slot is not None
    assert moment < slot <= moment + timedelta(seconds=seconds)
    assert (slot - at("2000-01-01", "Asia/Kathmandu")) % timedelta(seconds=seconds) == timedelta(0)
    assert trigger.next_after(slot) == slot + timedelta(seconds=seconds)


def test_at_fires_once() -> None:
    schedule = Schedule(at="2027-01-01 06:00", timezone="Asia/Tokyo")
    assert told(schedule, at("2026-11-21"), 3) == ["2027-01-01 06:00+09:00"]
    assert told(schedule, at("2027-01-01"), 3) == []


def test_at_a_time_that_clocks_leave_out_fires_after_the_gap() -> None:
    schedule = Schedule(at="2027-03-28 02:30", timezone="Europe/Berlin")
    assert told(schedule, at("2027-03-01"), 3) == ["2027-03-28 03:00+02:00"]
    skipped = Schedule(at="2027-03-28 02:30", timezone="Europe/Berlin", dst=SKIP)
    assert told(skipped, at("2027-03-01"), 3) == []
    assert "clocks leave out" in (schedule_warning(skipped) or "")


def test_at_a_time_that_comes_twice_fires_at_the_first() -> None:
    zone = "Europe/Berlin"
    assert told(Schedule(at="2027-10-31 02:30", timezone=zone), at("2027-10-01"), 3) == ["2027-10-31 02:30+02:00"]
    assert len(told(Schedule(at="2027-10-31 02:30", timezone=zone, dst=BOTH), at("2027-10-01"), 3)) == 2


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(every=timedelta(0)), "must be at least 1s"),
        (Schedule(every=timedelta(seconds=1.5)), "whole seconds"),
        (Schedule(at="2027-01-01"), "has no time of day; write `2027-01-01 00:00`"),
        (Schedule(at="tomorrow"), "is no date and time; write `2027-01-01 06:00`"),
        (Schedule(at="2027-02-30 06:00"), "day is out of range"),
        (Schedule(at="2027-01-01 06:00+01:00"), "has an offset; write `2027-01-01 05:00`, with `timezone: UTC`"),
        (Schedule(at="2027-01-01T06:00Z"), "has an offset; write `2027-01-01 06:00`"),
        (Schedule(at="2027-01-01 06:00", timezone="Mars/Olympus"), "there is no time zone"),
    ],
)
def test_what_is_wrong_is_said(schedule: Schedule, words: str) -> None:
    assert words in (schedule_problem(schedule) or "")


def test_what_is_probably_not_meant_is_said() -> None:
    assert "for a time of day write `cron:" in (schedule_warning(Schedule(every=timedelta(days=1))) or "")
    assert schedule_warning(Schedule(every=timedelta(hours=6))) is None
    past = Schedule(at="2020-01-01 06:00", timezone="UTC")
    assert schedule_warning(past, at("2026-01-01")) == "2020-01-01 06:00 has passed; it does not fire again"
    assert schedule_warning(past, at("2019-01-01")) is None
