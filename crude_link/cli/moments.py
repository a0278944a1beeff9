"""Moments: days and times as people type them on a command line."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple

from crude_link.errors import UsageError
from crude_link.model.words import duration_words, zoned_words

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ]+(\d\d:\d\d)(:\d\d(?:\.\d{1,6})?)? ?(Z|[+-]\d\d:?\d\d)?")
_LEAST = timedelta(microseconds=1)


class Span(NamedTuple):
    """All that a day or a time can mean: the first and the last moment of that day, minute or second; in UTC."""

    first: datetime
    last: datetime

    def meets(self, first: datetime, last: datetime) -> bool:
        """True when it has a moment in common with another span."""
        return first <= self.last and last >= self.first


def span_of(text: str, zone: tzinfo | None, option: str) -> Span:
    """Read `2026-11-01`, `2026-11-01 06:00`, with seconds, with an offset; without one it is in `zone`.

    A zone of None is that of this machine. UsageError names the option.
    """
    text = text.strip()
    try:
        if _DAY.fullmatch(text):
            day = datetime.fromisoformat(text)
            return Span(_moment(day, zone), _moment(day + timedelta(days=1), zone) - _LEAST)
        if found := _TIME.fullmatch(text):
            return _minute_or_second(found, zone)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text!r}: {error}") from error
    raise UsageError(f"{option} {text!r} is no day and no time; write 2026-11-01 or '2026-11-01 06:00'")


def since_of(text: str, now: datetime, option: str) -> datetime:
    """Read a day or a time, or how long ago (`2d`, `6h`); return its first moment."""
    from crude_link.config import units

    if text[:4].isdigit() and "-" in text:
        return span_of(text, None, option).first
    try:
        return now - units.duration(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text!r} is no day, no time and no duration; write 2026-11-01 or 2d") from error


def zone_name(moment: datetime) -> str:
    """Return the name of a moment's zone: `Europe/Berlin`; of one without a name, its offset."""
    return str(getattr(moment.tzinfo, "key", None) or moment.tzname() or "")


def slot_words(slot_time: datetime) -> str:
    """Say a slot time in its own zone, with seconds only where it has some; it can be typed back."""
    return zoned_words(slot_time, seconds=bool(slot_time.second))


def wait_words(wait: timedelta) -> str:
    """Say how long it is until something: `in 3 h 12 min`; tenths of a second have passed when it is read."""
    seconds = round(wait.total_seconds())
    return f"in {duration_words(timedelta(seconds=seconds))}" if seconds > 0 else "now"


def _minute_or_second(found: re.Match[str], zone: tzinfo | None) -> Span:
    day, clock, seconds, offset = found.groups()
    written = datetime.combine(datetime.fromisoformat(day), time.fromisoformat(f"{clock}{seconds or ''}"))
    if offset:
        offset = "+00:00" if offset == "Z" else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
        zone = datetime.fromisoformat(f"2000-01-01 00:00{offset}").tzinfo
    first = _moment(written, zone)
    return Span(first, first + (timedelta(seconds=1) if seconds else timedelta(minutes=1)) - _LEAST)


def _moment(written: datetime, zone: tzinfo | None) -> datetime:
    aware = written.replace(tzinfo=zone) if zone else written.astimezone()
    return aware.astimezone(timezone.utc)
