"""Crontab: a crontab line's five fields, with crontab's meaning, as the sets of values that they stand for.

    minute hour day-of-month month day-of-week      or @hourly @daily @midnight @weekly @monthly @yearly @annually

0 and 7 are Sunday. A day fits when the day of the month *or* the weekday fits, if both are restricted; a field that
begins with `*` is not restricted. APScheduler means something else by the same text: docs/decisions/cron.md.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from crude_link.triggers.fields import MONTHS, WEEKDAYS

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = {name: number for number, name in enumerate(MONTHS, 1)}
_WEEKDAYS = {name: (number + 1) % 7 for number, name in enumerate(WEEKDAYS)}
_TERM = re.compile(r"(?:\*|(?P<first>[0-9]{1,9}|[a-z]+)(?:-(?P<last>[0-9]{1,9}|[a-z]+))?)(?:/(?P<step>[0-9]{1,9}))?")


class CrontabError(Exception):
    """The text is no crontab schedule; the text says what is wrong with it, for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    """What may stand in one of the five places."""

    name: str
    least: int
    most: int
    names: dict[str, int]


_FIELDS = (
    _Field(name="minute", least=0, most=59, names={}),
    _Field(name="hour", least=0, most=23, names={}),
    _Field(name="day of month", least=1, most=31, names={}),
    _Field(name="month", least=1, most=12, names=_MONTHS),
    _Field(name="day of week", least=0, most=7, names=_WEEKDAYS),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Crontab:
    """What a crontab line stands for; weekdays count from 0, Sunday, to 6."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    #: True: a day fits when either its number or its weekday does.
    either_day: bool
    #: True: the hour field begins with `*`; what runs in every hour also runs in one that a clock change repeats.
    any_hour: bool


def parse_crontab(text: str) -> Crontab:
    """Read five fields or a nickname. CrontabError says what is wrong."""
    words = _spelled_out(text.strip().lower()).split()
    if not words:
        raise CrontabError(
            "it is empty; write five fields such as `30 2 * * *` (minute, hour, day of month, month, day of week), "
            "or remove it"
        )
    if len(words) == 6:
        raise CrontabError(
            f"`{text}` has 6 fields, but a crontab line has 5: minute, hour, day of month, month, day of week; "
            "for seconds write the fields by name (`second: '*/10'`)"
        )
    if len(words) != 5:
        every = f"; for elapsed time write `every: {' '.join(words[1:])}`" if words[0] == "every" else ""
        raise CrontabError(
            f"`{text}` has {len(words)} field{'s'[: len(words) != 1]}, but a crontab line has 5: "
            f"minute, hour, day of month, month, day of week{every}"
        )
    minutes, hours, days, months, weekdays = (
        frozenset(value for term in word.split(",") for value in _values(term, field))
        for word, field in zip(words, _FIELDS, strict=True)
    )
    return Crontab(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(value % 7 for value in weekdays),
        either_day=not words[2].startswith("*") and not words[4].startswith("*"),
        any_hour=words[1].startswith("*"),
    )


def _spelled_out(text: str) -> str:
    if not text.startswith("@"):
        return text
    if text == "@reboot":
        raise CrontabError("`@reboot` is no time; start the program when the machine starts, by its init system")
    if text not in NICKNAMES:
        near = difflib.get_close_matches(text, NICKNAMES, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; known are {' '.join(NICKNAMES)}"
        raise CrontabError(f"`{text}` is no nickname of crontab{hint}")
    return NICKNAMES[text]


def _values(term: str, field: _Field) -> range:
    match = _TERM.fullmatch(term)
    if not match:
        raise CrontabError(
            f"{field.name} `{term}` is not understood; write `*`, a number, `a-b`, `*/n` or a list of these"
        )
    first_word, last_word, step = match["first"], match["last"], int(match["step"] or 1)
    if step == 0:
        raise CrontabError(f"{field.name} `{term}`: the step must be at least 1")
    first = _number(first_word, field) if first_word else field.least
    if last_word:
        last = _number(last_word, field)
        if last_word == "sun" and first > 0:
            last = 7  # the end of a week, as in `sat-sun`
    else:
        last = first if first_word and not match["step"] else field.most
    if last < first:
        raise CrontabError(
            f"{field.name} `{term}` runs backwards; write it as two: "
            f"`{first_word}-{min(field.most, 6) if field.most == 7 else field.most},{field.least}-{last_word}`"
        )
    return range(first, last + 1, step)


def _number(word: str, field: _Field) -> int:
    if word.isdigit():
        number = int(word)
        if not field.least <= number <= field.most:
            raise CrontabError(f"{field.name} {number} is not between {field.least} and {field.most}")
        return number
    if word in field.names:
        return field.names[word]
    near = difflib.get_close_matches(word, field.names, n=1) or [
        name for name in field.names if word.startswith(name)
    ]
    hint = f"; did you mean `{near[0]}`?" if near else ""
    if word in ("l", "last"):
        hint = "; the last day is `{day: last}`, as fields"
    raise CrontabError(f"{field.name} `{word}` is not known{hint}")
