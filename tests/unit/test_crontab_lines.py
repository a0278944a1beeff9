"""Crontab lines and cron fields: what they mean, and what is said of wrong ones."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import NamedTuple

import pytest
from apscheduler.triggers.cron import CronTrigger
from cronsim import CronSim, CronSimError
from hypothesis import given
from hypothesis import strategies as st

from crude_link.errors import UsageError
from crude_link.interfaces import Trigger
from crude_link.model.schedule import Schedule
from crude_link.triggers.fields import LIMITS as FIELDS
from crude_link.triggers.schedules import schedule_problem, schedule_warning, trigger_for

UTC = timezone.utc


def crontab(line: str, zone: str = "UTC") -> Schedule:
    return Schedule(crontab=line, timezone=zone)


def fields(zone: str = "UTC", **values: str | int) -> Schedule:
    return Schedule(fields=values, timezone=zone)


def next_slots(trigger: Trigger, moment: datetime, count: int) -> list[datetime]:
    """Return the next slot times, as somebody who fires at each would ask for them."""
    slots: list[datetime] = []
    while len(slots) < count and (slot := trigger.next_after(slots[-1] if slots else moment)):
        slots.append(slot)
    return slots


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- crontab ----------------------------------------------------------------------------------------------


class Limits(NamedTuple):
    least: int
    most: int


LIMITS = [Limits(0, 59), Limits(0, 23), Limits(1, 31), Limits(1, 12), Limits(0, 7)]


@st.composite
def terms(draw: st.DrawFn, limits: Limits) -> str:
    number = st.integers(limits.least, limits.most)
    step = draw(st.integers(1, limits.most + 5))
    first, last = sorted((draw(number), draw(number)))
    # `5-5/2` is left out: the oracle takes it for `5/2`.
    forms = ["*", f"*/{step}", f"{first}", f"{first}/{step}", f"{first}-{last}"]
    forms += [f"{first}-{last}/{step}"] if first < last else []
    return draw(st.sampled_from(forms))


@st.composite
def lines(draw: st.DrawFn) -> str:
    return " ".join(",".join(draw(st.lists(terms(limits), min_size=1, max_size=3))) for limits in LIMITS)


moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))


@given(lines(), moments)
def test_a_crontab_line_means_what_it_means_to_cron(line: str, moment: datetime) -> None:
    try:
        expected = list(islice(CronSim(line, moment), 4))
    except CronSimError:
        assert schedule_problem(crontab(line)) is not None
        return
    assert schedule_problem(crontab(line)) is None
    assert next_slots(trigger_for(crontab(line)), moment, 4) == expected


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 7"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("0 0 * JAN-mar Mon,wed", "0 0 * 1-3 1,3"),
        ("0 0 * * sat-sun", "0 0 * * 6,0"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
    ],
)
def test_names_are_worth_their_numbers(line: str, same: str) -> None:
    named, numbered = trigger_for(crontab(line)), trigger_for(crontab(same))
    assert next_slots(named, at("2026-11-21"), 8) == next_slots(numbered, at("2026-11-21"), 8)


@pytest.mark.parametrize("sunday", ["0", "7", "sun"])
def test_zero_and_seven_are_sunday(sunday: str) -> None:
    slot = trigger_for(crontab(f"30 4 * * {sunday}")).next_after(at("2026-11-21 12:00"))
    assert slot == at("2026-11-22 04:30")


def test_day_of_month_or_weekday_is_enough_when_both_are_restricted() -> None:
    slots = next_slots(trigger_for(crontab("0 0 13 * 5")), at("2026-11-01"), 4)
    assert [slot.day for slot in slots] == [6, 13, 20, 27]
    slots = next_slots(trigger_for(crontab("0 0 24 * 5")), at("2026-11-21"), 3)
    assert [slot.day for slot in slots] == [24, 27, 4]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0 * * * *", "has 6 fields, but a crontab line has 5"),
        ("0 0 * *", "has 4 fields"),
        ("@reboot", "is no time"),
        ("@dayly", "did you mean `@daily`?"),
        ("60 * * * *", "minute 60 is not between 0 and 59"),
        ("0 25 * * *", "hour 25 is not between 0 and 23"),
        ("0 0 * * 8", "day of week 8 is not between 0 and 7"),
        ("0 0 * * thur", "did you mean `thu`?"),
        ("0 0 * june *", "did you mean `jun`?"),
        ("0 22-2 * * *", "write it as two: `22-23,0-2`"),
        ("0 0 * * 5-1", "write it as two: `5-6,0-1`"),
        ("*/0 * * * *", "the step must be at least 1"),
        ("0 0 ? * *", "`?` is not understood"),
        ("0 0 30 2 *", "there is no day 30 in February"),
        ("0 0 31 4,6 *", "there is no day 31 in April, June"),
    ],
)
def test_a_wrong_line_is_answered_in_one_sentence(line: str, words: str) -> None:
    problem = schedule_problem(crontab(line))
    assert problem is not None
    assert words in problem
    with pytest.raises(UsageError, match=r"^[^\n]+$"):
        trigger_for(crontab(line))


# --- APScheduler's fields ---------------------------------------------------------------------------------


def test_the_example_of_the_document_fires_every_ten_seconds_on_thursdays() -> None:
    trigger = trigger_for(fields(day_of_week="thu", hour="*", minute="*", second="*/10"))
    slots = next_slots(trigger, at("2026-11-21"), 3)
    assert slots == [at("2026-11-26 00:00:00"), at("2026-11-26 00:00:10"), at("2026-11-26 00:00:20")]


def test_every_day_at_ten() -> None:
    slots = next_slots(trigger_for(fields(hour=10, minute=0, second=0)), at("2026-11-21 10:00"), 2)
    assert slots == [at("2026-11-22 10:00"), at("2026-11-23 10:00")]


def test_every_ten_minutes() -> None:
    slots = next_slots(trigger_for(fields(minute="*/10")), at("2026-11-21 23:45"), 2)
    assert slots == [at("2026-11-21 23:50"), at("2026-11-22 00:00")]


def test_every_first_friday_is_a_position_and_day_one_with_friday_gets_a_warning() -> None:
    slots = next_slots(trigger_for(fields(day="1st fri", hour=14)), at("2026-11-21"), 2)
    assert slots == [at("2026-12-04 14:00"), at("2027-01-01 14:00")]
    assert "write `day: '1st fri'`" in (schedule_warning(fields(day=1, day_of_week="fri")) or "")
    assert schedule_warning(fields(day="1st fri", hour=14)) is None
    assert schedule_warning(fields(day_of_week="fri", hour=14)) is None


def test_weekdays_count_from_monday() -> None:
    assert trigger_for(fields(day_of_week=0)).next_after(at("2026-11-21")) == at("2026-11-23")


def test_dates_limit_a_schedule() -> None:
    trigger = trigger_for(fields(hour=1, start_date="2027-01-05", end_date="2027-01-06 12:00:00"))
    assert next_slots(trigger, at("2026-11-21"), 5) == [at("2027-01-05 01:00"), at("2027-01-06 01:00")]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "it is empty, and would fire every second"),
        ({"timezone": "UTC"}, "it is empty"),
        ({"hours": 3}, "unknown field `hours`. Did you mean `hour`?"),
        ({"weekday": "mon"}, "Did you mean `day_of_week`?"),
        ({"frequency": 1}, "Known are year, month"),
        ({"jitter": 10}, "`jitter` is not offered"),
        ({"day_of_week": "sun-mon"}, "write `sun,mon`"),
        ({"day_of_week": "fri-mon"}, "write `fri,sat,sun,mon`"),
        ({"day_of_week": "thur"}, "did you mean `thu`?"),
        ({"day_of_week": "mon,thursday"}, "did you mean `thu`?"),
        ({"day_of_week": 7}, "0 is Monday here"),
        ({"day_of_week": "mon-fri/2"}, "steps go with numbers"),
        ({"day": "1st friday"}, "did you mean `fri`?"),
        ({"day": "lastly"}, "not understood"),
        ({"hour": 25}, "25 is not between 0 and 23"),
        ({"hour": 750}, "750 is not between 0 and 23"),
        ({"hour": ""}, "hour is empty"),
        ({"hour": True}, "must be a number or text"),
        ({"minute": 60}, "60 is not between 0 and 59"),
        ({"minute": "*/60"}, "longer than the whole range"),
        ({"minute": "*/0"}, "at least 1"),
        ({"minute": "50-10"}, "write `50-59,0-10`"),
        ({"day": 30, "month": 2}, "there is no day 30 in February"),
        ({"day": 31, "month": "jun-jun"}, "there is no day 31 in June"),
        ({"day": 30, "month": 2, "year": "*"}, "there is no day 30 in February"),
        ({"month": 6, "week": 53}, "this date never comes"),
        ({"day": "2nd tue", "day_of_week": "mon"}, "this date never comes"),
        ({"day": 29, "month": 2, "year": "2027"}, "this date never comes"),
        ({"hour": 1, "start_date": "tomorrow"}, "start_date or end_date: Invalid date string"),
        ({"hour": 1, "timezone": "Europe/Berlni"}, "Did you mean `Europe/Berlin`?"),
    ],
)
def test_wrong_fields_are_answered_in_one_sentence(values: dict[str, str | int], words: str) -> None:
    problem = schedule_problem(Schedule(fields=values))
    assert problem is not None
    assert words in problem
    assert "\n" not in problem


@pytest.mark.parametrize("name", ["europe/berlin", "Europe", "../etc/passwd", "", "Mars/Olympus"])
def test_a_zone_that_is_not_known_is_said(name: str) -> None:
    assert "there is no time zone" in (schedule_problem(crontab("@daily", name)) or "")


def test_a_schedule_whose_last_time_has_passed_is_wrong_only_when_asked_about_now() -> None:
    schedule = fields(year=2020)
    assert schedule_problem(schedule) is None
    assert "never fires again" in (schedule_problem(schedule, after=at("2026-11-21")) or "")
    assert trigger_for(schedule).next_after(at("2026-11-21")) is None


@given(
    st.dictionaries(
        st.sampled_from(["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"]),
        st.one_of(
            st.integers(-1, 70),
            st.text(alphabet="0123456789*/-, ", min_size=1, max_size=6),
            st.sampled_from(["mon", "sat-sun", "jan", "feb-dec", "last", "2nd tue", "last sun", "*", "*/2", "5/2"]),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_what_is_accepted_here_is_accepted_by_apscheduler_and_comes(values: dict[str, str | int]) -> None:
    schedule = Schedule(fields=values, timezone="UTC")
    if schedule_problem(schedule) is None:
        found = CronTrigger(**values, timezone=UTC).get_next_fire_time(None, at("1999-12-31 23:59:59"))
        assert trigger_for(schedule).next_after(at("1999-12-31 23:59:59") - timedelta(microseconds=1)) == found
        assert found is not None or "year" in values


_ODD = st.one_of(
    st.integers(-2, 100),
    st.sampled_from(
        ["", " ", "*/0", "5-1", "²", "٣", "9" * 5000, "*/" + "9" * 5000, "1,,2", "thur", "6th mon", "lastly"]
    ),
    st.text(max_size=4),
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "jitter", "x"]), _ODD, max_size=4))
def test_whatever_fields_hold_is_answered_in_words(values: dict[str, str | int]) -> None:
    schedule_problem(Schedule(fields=values))
    schedule_warning(Schedule(fields=values))


@given(st.lists(_ODD, max_size=6))
def test_whatever_a_crontab_line_holds_is_answered_in_words(words: list[str | int]) -> None:
    schedule_problem(crontab(" ".join(map(str, words))))


def test_an_empty_crontab_line_is_told_as_such() -> None:
    assert "it is empty; write five fields" in str(schedule_problem(crontab(" ")))
