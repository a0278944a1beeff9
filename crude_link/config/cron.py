"""Cron: the simple schedule, read and checked as far as that needs no calendar.

Fields have APScheduler's meaning, a crontab line has crontab's. That the two agree with the real triggers is checked
again where those are built; here mistakes get their place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crude_link.config.problems import did_you_mean
from crude_link.model.pipeline import Schedule
from crude_link.model.value import Plain

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
_LATER_FIELDS = ("start_date", "end_date", "jitter")
_NICKNAMES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field may hold: numbers from `low` to `high`, or words that stand for `low`, `low + 1`, ..."""

    low: int
    high: int
    words: tuple[str, ...] = ()


_FIELDS: Mapping[str, _Field] = {
    "year": _Field(1970, 9999), "month": _Field(1, 12, _MONTHS), "day": _Field(1, 31), "week": _Field(1, 53),
    "day_of_week": _Field(0, 6, _DAYS), "hour": _Field(0, 23), "minute": _Field(0, 59), "second": _Field(0, 59),
}  # fmt: skip
CRON_FIELDS = tuple(_FIELDS)
_CRONTAB: tuple[tuple[str, _Field], ...] = (
    ("minute", _FIELDS["minute"]), ("hour", _FIELDS["hour"]), ("day", _FIELDS["day"]),
    ("month", _FIELDS["month"]), ("day_of_week", _Field(0, 7, ("sun", *_DAYS[:6]))),
)  # fmt: skip
_ORDINAL = re.compile(r"(1st|2nd|3rd|4th|5th|last)\s+(\w+)")


def schedule_of(cron: Plain, timezone: Plain) -> Schedule | None:
    """Return the schedule that a checked `cron` says."""
    zone = timezone if isinstance(timezone, str) else None
    if isinstance(cron, str):
        return Schedule(crontab=cron.strip(), timezone=zone)
    if isinstance(cron, Mapping):
        fields = {key: value for key, value in cron.items() if key in _FIELDS and isinstance(value, (str, int))}
        own_zone = cron.get("timezone")
        return Schedule(fields=fields, timezone=str(own_zone) if own_zone else zone)
    return None


def wrong_with_cron(cron: Plain) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong with a `cron`: the keys that lead to the place, and what to say there."""
    if isinstance(cron, str):
        yield from (((), message) for message in _wrong_with_crontab(cron.strip()))
    elif not isinstance(cron, Mapping):
        empty = "an empty `cron` would fire every second; give it fields, or remove it"
        yield (), empty if cron is None else "`cron` is a mapping of fields or a crontab line in quotes"
    elif not set(cron) - {"timezone"}:
        yield (), "an empty `cron` would fire every second; give it fields such as `minute: '*/10'`"
    else:
        yield from _wrong_with_fields(cron)


def wrong_with_zone(timezone: Plain) -> str | None:
    """Say what is wrong with a time zone's name."""
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(timezone if isinstance(timezone, str) else "")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = did_you_mean(str(timezone), zoneinfo.available_timezones())
        return f"{timezone!r} is no time zone{near}; write a name such as Europe/Berlin"
    return None


def _wrong_with_fields(cron: Mapping[str, Plain]) -> Iterator[tuple[tuple[str, ...], str]]:
    sound = True
    for key, value in cron.items():
        if key == "timezone":
            message = wrong_with_zone(value)
        elif key in _LATER_FIELDS:
            message = f"`{key}` comes with schedules, which this version of crude-link does not have yet"
        elif key not in _FIELDS:
            message = f"`{key}` is no cron field{did_you_mean(key, _FIELDS)}; fields: {', '.join(_FIELDS)}"
        elif isinstance(value, bool) or not isinstance(value, (str, int)):
            message = f"`{key}`: a cron field is a number or text such as '*/10'"
        else:
            message = next(_wrong_with_field(key, str(value), _FIELDS[key]), None)
        if message:
            sound = False
            yield (key,), message
    if sound and "day" in cron and "month" in cron:
        message = _never(str(cron["day"]), str(cron["month"]))
        if message:
            yield ("day",), message


def _wrong_with_crontab(text: str) -> Iterator[str]:
    if text.startswith("@"):
        if text.lower() not in _NICKNAMES:
            yield f"`{text}` is no crontab word{did_you_mean(text, _NICKNAMES)}; known: {', '.join(_NICKNAMES)}"
        return
    words = text.split()
    if len(words) != 5:
        yield f"a crontab line has 5 fields (minute hour day month weekday), this has {len(words)}"
        return
    wrong = [
        message
        for (name, field), word in zip(_CRONTAB, words, strict=True)
        for message in _wrong_with_field(name, word, field)
    ]
    yield from wrong
    if not wrong and words[4] == "*":
        message = _never(words[2], words[3])
        if message:
            yield message


def _wrong_with_field(name: str, text: str, field: _Field) -> Iterator[str]:
    for part in text.split(","):
        message = _wrong_with_part(name, part.strip().lower(), field)
        if message:
            yield f"`{name}`: {message}"


def _wrong_with_part(name: str, part: str, field: _Field) -> str | None:
    ordinal = _ORDINAL.fullmatch(part)
    if name == "day" and (part == "last" or ordinal):
        if not ordinal or ordinal.group(2) in _DAYS:
            return None
        return f"'{ordinal.group(2)}' is no weekday{did_you_mean(ordinal.group(2), _DAYS)}"
    span, slash, step = part.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return f"'{part}': after the slash stands a number from 1 on"
    if slash and span == "*" and int(step) > field.high:
        return f"'{part}': steps of {step} do not fit into {field.low}-{field.high}"
    if span == "*":
        return None
    ends = []
    for word in span.split("-", 1):
        number = _number(word, field)
        if number is None:
            return _unreadable(word, part, field)
        ends.append(number)
    wraps = field.high == 7  # a crontab's week is a circle: sat-sun
    if len(ends) == 2 and ends[0] > ends[1] and not wraps:
        first = field.words[0] if field.words else field.low
        return f"'{part}' runs backwards (the first is {first}); list the parts: '{span.replace('-', ',')}'"
    return None


def _number(word: str, field: _Field) -> int | None:
    if word in field.words:
        return field.low + field.words.index(word)
    return int(word) if word.isdigit() and field.low <= int(word) <= field.high else None


def _unreadable(word: str, part: str, field: _Field) -> str:
    if word.isdigit():
        return f"{word} is not in {field.low}-{field.high}"
    if field.words:
        return f"'{word}' is not one of {', '.join(field.words)}{did_you_mean(word, field.words)}"
    return f"cannot read '{part}'; write 5, 1-5, 1,2,3, '*' or '*/10'"


def _never(day: str, month: str) -> str | None:
    """Say that a day is in none of the months; only plain numbers and names are looked at."""
    days = [_number(part.strip(), _FIELDS["day"]) for part in day.split(",")]
    months = [_number(part.strip().lower(), _FIELDS["month"]) for part in month.split(",")]
    known_days = [number for number in days if number]
    known_months = [number for number in months if number]
    if len(known_days) < len(days) or len(known_months) < len(months):
        return None
    if min(known_days) > max(_LONGEST[number] for number in known_months):
        return f"day {day} of month {month} never comes"
    return None
