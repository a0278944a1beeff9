"""Fields: what APScheduler's cron fields may hold, checked without importing APScheduler, which costs 90 ms.

    year month day week day_of_week hour minute second     and start_date end_date timezone

Everything that is accepted here is accepted by `CronTrigger`, with the same meaning. It accepts more: it reads
`mon-fri/2` as `mon-fri`, `lastly` as `last`, and the 30th of February without a word.
"""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Mapping

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LIMITS = {
    "year": (1970, 9999),
    "month": (1, 12),
    "day": (1, 31),
    "week": (1, 53),
    "day_of_week": (0, 6),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}
#: Other parameters of `CronTrigger`; their values are checked by APScheduler itself.
OTHERS = ("start_date", "end_date", "timezone")
_DAY_FIELDS = ("year", "month", "day", "week", "day_of_week")
_NAMES = {"month": (MONTHS, 1), "day_of_week": (WEEKDAYS, 0)}
_SEPARATOR = re.compile(r" *, *")
_NUMBERS = re.compile(r"(?:\*|(?P<first>[0-9]{1,9})(?:-(?P<last>[0-9]{1,9}))?)(?:/(?P<step>[0-9]{1,9}))?")
_WORDS = re.compile(r"(?P<first>[A-Za-z]+)(?:-(?P<last>[A-Za-z]+))?")
_POSITION = re.compile(r"(?:1st|2nd|3rd|4th|5th|last) +(?P<day>\w+)", re.IGNORECASE)
_LONGEST_MONTHS = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1))


def fields_problem(fields: Mapping[str, str | int]) -> str | None:
    """Say in one sentence what is wrong with APScheduler's cron fields; None when nothing is."""
    if not fields.keys() - set(OTHERS):
        return f"it is empty, and would fire every second; give at least one of {', '.join(LIMITS)}"
    for name, value in fields.items():
        problem = _name_problem(name) or (name in LIMITS and _value_problem(name, value)) or None
        if problem:
            return problem
    return _date_problem(fields)


def fields_warning(fields: Mapping[str, str | int]) -> str | None:
    """Say where fields that are right may mean something else than was wanted."""
    day, weekday = str(fields.get("day", "")).strip(), str(fields.get("day_of_week", "")).strip()
    if not day.isdigit() or not (weekday.isdigit() or weekday.lower() in WEEKDAYS):
        return None
    name = WEEKDAYS[int(weekday)] if weekday.isdigit() else weekday.lower()
    meant = f"; for the first {name} of a month write `day: '1st {name}'`" if int(day) <= 7 else ""
    return f"day {day} and day_of_week {weekday} must both fit, which happens once or twice a year{meant}"


def needs_a_calendar(fields: Mapping[str, str | int]) -> bool:
    """True when only trying tells whether the fields ever meet."""
    if "day_of_week" in fields and "day" in fields and numbers_of("day", fields) is None:
        return True  # the second Tuesday is no Monday
    return any(name in fields for name in ("year", "week", *OTHERS[:2]))


def days_of(fields: Mapping[str, str | int]) -> dict[str, str | int]:
    """Return the fields that say on which days it fires, those that are left out too; none: on every day."""
    days = {name: fields[name] for name in _DAY_FIELDS if name in fields}
    days |= {name: 1 for name in ("month", "day") if name not in fields and not _is_above(name, fields)}
    return {name: value for name, value in days.items() if str(value).strip() != "*"}


def numbers_of(name: str, fields: Mapping[str, str | int]) -> set[int] | None:
    """Return the numbers a field stands for; None when it also holds `last` or `1st fri`, which always come."""
    # A field that is left out is `*` above the smallest one given, and its least value below it.
    text = str(fields.get(name, "*" if _is_above(name, fields) else LIMITS[name][0])).strip()
    numbers: set[int] = set()
    for term in _SEPARATOR.split(text):
        if match := _NUMBERS.fullmatch(term):
            first, last = _ends(name, match)
            numbers.update(range(first, last + 1, int(match["step"] or 1)))
        elif (words := _WORDS.fullmatch(term)) and name in _NAMES:
            known, base = _NAMES[name]
            begin, end = known.index(words["first"].lower()), known.index((words["last"] or words["first"]).lower())
            numbers.update(range(begin + base, end + base + 1))
        else:
            return None
    return numbers


def _name_problem(name: str) -> str | None:
    if name in LIMITS or name in OTHERS:
        return None
    if name == "jitter":
        return "`jitter` is not offered: a schedule fires at its time"
    near = difflib.get_close_matches(name, [*LIMITS, *OTHERS], n=1)
    if name in ("weekday", "dow"):
        near = ["day_of_week"]
    hint = f"Did you mean `{near[0]}`?" if near else f"Known are {', '.join(LIMITS)}."
    return f"unknown field `{name}`. {hint}"


def _value_problem(name: str, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return f"{name}: must be a number or text such as `'*/10'`, not {value!r}"
    if not str(value).strip():
        return f"{name} is empty; leave it out, or write `'*'`"
    for term in _SEPARATOR.split(str(value).strip()):
        problem = _term_problem(name, term)
        if problem:
            return f"{name} `{value}`: {problem}"
    return None


def _term_problem(name: str, term: str) -> str | None:
    if numbers := _NUMBERS.fullmatch(term):
        return _number_problem(name, numbers)
    if name == "day" and term.lower() == "last":
        return None
    if name == "day" and (position := _POSITION.fullmatch(term)):
        return _word_problem("day_of_week", position["day"])
    if name in _NAMES and (words := _WORDS.fullmatch(term)):
        return _word_range_problem(name, words["first"], words["last"])
    least, most = LIMITS[name]
    if name in _NAMES and "/" in term:
        return f"`{term}` is not understood; steps go with numbers ({least}-{most}), names have none"
    return f"`{term}` is not understood; write a number from {least} to {most}, `a-b`, `*/n` or a list of these"


def _number_problem(name: str, term: re.Match[str]) -> str | None:
    least, most = LIMITS[name]
    first, last = _ends(name, term)
    for number in (first, last):
        if not least <= number <= most:
            return f"{number} is not between {least} and {most}{_what_zero_is(name)}"
    if first > last:
        return f"the range runs backwards; write `{first}-{most},{least}-{last}`"
    step = int(term["step"]) if term["step"] else None
    if step == 0:
        return "the step must be at least 1"
    if step is not None and step > last - first:
        return f"the step {step} is longer than the whole range, {first} to {last}; write `{first}`"
    return None


def _word_range_problem(name: str, first: str, last: str | None) -> str | None:
    problem = _word_problem(name, first) or (last and _word_problem(name, last)) or None
    if problem or not last:
        return problem
    known, _ = _NAMES[name]
    begin, end = known.index(first.lower()), known.index(last.lower())
    if begin <= end:
        return None
    return (
        "the range runs backwards (a week begins with mon, a year with jan); "
        f"write `{','.join([*known[begin:], *known[: end + 1]])}`"
    )


def _word_problem(name: str, word: str) -> str | None:
    known, _ = _NAMES[name]
    if word.lower() in known:
        return None
    near = [short for short in known if word.lower().startswith(short)] or difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {' '.join(known)}"
    return f"`{word}` is not known; {hint}"


def _what_zero_is(name: str) -> str:
    return " (0 is Monday here, 6 is Sunday)" if name == "day_of_week" else ""


def _date_problem(fields: Mapping[str, str | int]) -> str | None:
    """Say when no month of those given has a day of those given, in any year."""
    days, months = numbers_of("day", fields), numbers_of("month", fields)
    if days is None or months is None or any(_LONGEST_MONTHS[month] >= min(days) for month in months):
        return None
    names = ", ".join(calendar.month_name[month] for month in sorted(months))
    return f"this date never comes: there is no day {min(days)} in {names}"


def _ends(name: str, term: re.Match[str]) -> tuple[int, int]:
    """Return the first and the last number of `*`, `5`, `5-8`, `5/2` or `5-8/2`."""
    least, most = LIMITS[name]
    first = int(term["first"]) if term["first"] else least
    if term["last"]:
        return first, int(term["last"])
    return first, first if term["first"] and not term["step"] else most


def _is_above(name: str, fields: Mapping[str, str | int]) -> bool:
    order = list(LIMITS)
    return any(other in fields for other in order[order.index(name) + 1 :])
