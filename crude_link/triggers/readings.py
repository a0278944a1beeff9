"""Readings: what clocks show when cron fires, from APScheduler's fields or a crontab line, without any zone.

APScheduler's trigger is asked in UTC, where no clock ever changes; which moments its answers mean is for others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Protocol, TypeAlias

from crude_link.errors import UsageError
from crude_link.triggers.crontab import Crontab
from crude_link.triggers.fields import days_of, numbers_of
from crude_link.triggers.wall import reading

Fields: TypeAlias = Mapping[str, "str | int"]
_LIMITS = ("start_date", "end_date")
_MIDNIGHT = {"hour": 0, "minute": 0, "second": 0}
_PART_OF_A_DAY: Mapping[str, Callable[[date], int]] = {
    "year": lambda day: day.year,
    "month": lambda day: day.month,
    "day": lambda day: day.day,
    "week": lambda day: day.isocalendar()[1],
    "day_of_week": lambda day: day.weekday(),
}
_A_MOMENT = timedelta(microseconds=1)
#: Every combination of month, day and weekday comes within 40 years, every one with a week within a few more.
_PROBE_FROM = datetime(2000, 1, 1, tzinfo=timezone.utc)
_PROBE_TO = datetime(2060, 1, 1, tzinfo=timezone.utc)


class _NextFireTime(Protocol):
    """The part of APScheduler's triggers that is used."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None: ...


class Readings:
    """The readings at which any one of some sets of fields fires; all of them fire at the same times of day."""

    def __init__(self, alternatives: Sequence[Fields], zone: tzinfo) -> None:
        self._triggers = [_trigger(fields, zone) for fields in alternatives]
        self._hours, self._minutes, self._seconds = (
            sorted(numbers_of(name, alternatives[0]) or ()) for name in ("hour", "minute", "second")
        )
        days = [days_of(fields) for fields in alternatives]
        self._days = [_fitting(fields) for fields in days] if all(days) else []
        self._has_limits = any(name in fields for fields in alternatives for name in _LIMITS)

    @property
    def come_every_hour(self) -> bool:
        """True when there is one in each hour of a day."""
        return len(self._hours) == 24

    def after(self, shown: datetime) -> datetime | None:
        """Return the first one after what a clock shows; None: never again."""
        # APScheduler answers with the very time it is given when that fits.
        return self._not_before(shown + _A_MOMENT)

    def next_from(self, shown: datetime) -> datetime | None:
        """Return the first one that is not before what a clock shows; None: never again."""
        return self._not_before(shown)

    def _not_before(self, shown: datetime) -> datetime | None:
        start = _as_utc(shown)
        found = (trigger.get_next_fire_time(None, start) for trigger in self._triggers)
        return min((one.replace(tzinfo=None) for one in found if one), default=None)

    def count(self, start: datetime, end: datetime) -> int | None:
        """Return how many are not before `start` and before `end`; None: only going through them would tell."""
        if self._has_limits:
            return None
        if end <= start:
            return 0
        first, last = start.date(), end.date()
        days = None if not self._days else self._days_between(first, last)
        a_day = len(self._hours) * len(self._minutes) * len(self._seconds)
        count = a_day * ((last - first).days if days is None else len(days - {last}))
        count += self._before(end.time()) if days is None or last in days else 0
        return count - (self._before(start.time()) if days is None or first in days else 0)

    def _days_between(self, first: date, last: date) -> set[date]:
        """Return the days from the first to the last, both included, on which it fires."""
        all_days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return {day for day in all_days if any(fits(day) for fits in self._days)}

    def _before(self, moment: time) -> int:
        """Return how many come on a day before a time of day."""
        minutes, seconds = len(self._minutes), len(self._seconds)
        count = bisect_left(self._hours, moment.hour) * minutes * seconds
        if moment.hour in self._hours:
            count += bisect_left(self._minutes, moment.minute) * seconds
            if moment.minute in self._minutes:
                count += bisect_left(self._seconds, moment.second + moment.microsecond / 1_000_000)
        return count


def fields_of(line: Crontab) -> Sequence[Fields]:
    """Return the sets of fields that mean what a crontab line means; any one of them fires it."""
    common = {
        "month": _listed(line.months, 12),
        "hour": _listed(line.hours, 24),
        "minute": _listed(line.minutes, 60),
        "second": "0",
    }
    days, weekdays = _listed(line.days, 31), _listed({(number - 1) % 7 for number in line.weekdays}, 7)
    if line.either_day:
        return (common | {"day": days}, common | {"day_of_week": weekdays})
    return (common | {"day": days, "day_of_week": weekdays},)


def never_come(fields: Fields) -> bool:
    """True when fields with weeks, years or limits never meet. UsageError when a limit is no date."""
    # Only a year may lie far away.
    limit = {} if fields.keys() & {"year", *_LIMITS} else {"end_date": _PROBE_TO.isoformat()}
    return _trigger({**fields, **limit}, timezone.utc).get_next_fire_time(None, _PROBE_FROM) is None


def _trigger(fields: Fields, zone: tzinfo) -> _NextFireTime:
    """Return APScheduler's trigger, with its limits as clocks in `zone` show them."""
    from apscheduler.triggers.cron import CronTrigger

    shown: dict[str, datetime] = {}
    try:
        if fields.keys() & set(_LIMITS):
            said = CronTrigger(**{**fields, "timezone": zone})
            limits = {name: getattr(said, name) for name in _LIMITS}
            shown = {name: _as_utc(reading(limit, zone)) for name, limit in limits.items() if limit}
        trigger: _NextFireTime = CronTrigger(**{**fields, **shown, "timezone": timezone.utc})
    except (ValueError, TypeError) as error:
        # The numbered fields were checked before, so it is about one of the dates.
        raise UsageError(
            f"start_date or end_date: {error}; write `'2026-12-31'` or `'2026-12-31 08:00:00'`"
        ) from error
    return trigger


def _fitting(fields: Fields) -> Callable[[date], bool]:
    """Return what tells whether some fields, of days only, fit a day."""
    numbers = {name: numbers_of(name, fields) for name in fields}
    if any(known is None for known in numbers.values()):  # `last`, or `1st fri`
        trigger = _trigger({**fields, **_MIDNIGHT}, timezone.utc)

        def is_midnight(day: date) -> bool:
            midnight = _as_utc(datetime.combine(day, time()))
            return trigger.get_next_fire_time(None, midnight) == midnight

        return is_midnight
    wanted = [(_PART_OF_A_DAY[name], known) for name, known in numbers.items() if known is not None]
    return lambda day: all(part(day) in known for part, known in wanted)


def _as_utc(shown: datetime) -> datetime:
    return shown.replace(tzinfo=timezone.utc)


def _listed(numbers: Collection[int], of: int) -> str:
    return "*" if len(numbers) == of else ",".join(str(number) for number in sorted(numbers))
