"""Days and times as people type them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from crude_link.cli.moments import since_of, slot_words, span_of, zone_name
from crude_link.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
LEAST = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026-11-01", "2026-10-31 23:00", "2026-11-01 23:00"),
        ("2026-11-01 06:00", "2026-11-01 05:00", "2026-11-01 05:01"),
        ("2026-11-01T06:00:30", "2026-11-01 05:00:30", "2026-11-01 05:00:31"),
        ("2026-11-01 06:00Z", "2026-11-01 06:00", "2026-11-01 06:01"),
        ("2026-11-01 06:00 -0500", "2026-11-01 11:00", "2026-11-01 11:01"),
    ],
)
def test_a_day_or_time_means_all_of_it_in_the_zone_of_the_schedule(text: str, first: str, after: str) -> None:
    assert span_of(text, BERLIN, "--from") == (utc(first), utc(after) - LEAST)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_clocks_change_is_a_day(day: str, hours: int) -> None:
    span = span_of(day, BERLIN, "--from")
    assert span.last - span.first + LEAST == timedelta(hours=hours)


def test_what_we_print_can_be_typed_back() -> None:
    moment = datetime(2026, 11, 1, 6, tzinfo=BERLIN)
    assert slot_words(moment) == "2026-11-01 06:00 +01:00"
    assert span_of(slot_words(moment), timezone.utc, "--from").first == moment
    assert zone_name(moment) == "Europe/Berlin"


@pytest.mark.parametrize("text", ["02:00", "tomorrow", "2026-11-31", "2026-11-01 25:00", "1"])
def test_what_is_no_time_is_refused_with_the_name_of_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--from"):
        span_of(text, BERLIN, "--from")


def test_since_takes_durations_too() -> None:
    now = utc("2026-11-21 12:00")
    assert since_of("2d", now, "--since") == utc("2026-11-19 12:00")
    assert since_of("2026-11-20 06:00Z", now, "--since") == utc("2026-11-20 06:00")
    with pytest.raises(UsageError, match="no day, no time and no duration"):
        since_of("lately", now, "--since")
