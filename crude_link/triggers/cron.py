"""Cron: triggers from APScheduler's fields or from a crontab line.

APScheduler is imported only when a trigger is made; `schedule_problem` does without it for all but odd schedules.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from crude_link.errors import UsageError
from crude_link.interfaces import Trigger
from crude_link.model.schedule import Schedule
from crude_link.triggers.crontab import Crontab, CrontabError, parse_crontab
from crude_link.triggers.fields import fields_problem, fields_warning, needs_a_calendar

#: Every combination of month, day and weekday comes within 40 years, every one with a week within a few more.
_PROBE_FROM = datetime(2000, 1, 1, tzinfo=timezone.utc)
_PROBE_TO = datetime(2060, 1, 1, tzinfo=timezone.utc)


def trigger_for(schedule: Schedule) -> Trigger:
    """Return the trigger of a schedule. UsageError, with the sentence of `schedule_problem`, when it is wrong."""
    problem = _written_problem(schedule)
    if problem:
        raise UsageError(problem)
    zone = _zone_of(schedule)
    if schedule.crontab is not None:
        line = parse_crontab(schedule.crontab)
        return _Slots([_cron_trigger(fields, zone) for fields in _fields_of(line)], zone, repeats=line.any_hour)
    return _Slots([_cron_trigger(schedule.fields, zone)], zone, repeats=_runs_in_every_hour(schedule.fields))


def schedule_problem(schedule: Schedule, after: datetime | None = None) -> str | None:
    """Say in one sentence what is wrong with a schedule; None when nothing is.

    With `after`, a schedule that never fires after this moment (`year: 2020`) is wrong too.
    """
    problem = _written_problem(schedule)
    if problem:
        return problem
    if schedule.crontab is None and needs_a_calendar(schedule.fields):
        problem = _calendar_problem(schedule.fields)
    may_end = schedule.fields.keys() & {"year", "end_date"}
    if not problem and after is not None and may_end and trigger_for(schedule).next_after(after) is None:
        problem = "its last time has passed; it never fires again"
    return problem


def schedule_warning(schedule: Schedule) -> str | None:
    """Say where a schedule that is right may mean something else than was wanted; None when nothing does."""
    return None if schedule.crontab is not None or _written_problem(schedule) else fields_warning(schedule.fields)


# --- what is written --------------------------------------------------------------------------------------


def _written_problem(schedule: Schedule) -> str | None:
    if schedule.crontab is None:
        return fields_problem(schedule.fields) or _zone_problem(_zone_name(schedule))
    try:
        line = parse_crontab(schedule.crontab)
    except CrontabError as error:
        return str(error)
    if not line.either_day:
        days, months = ",".join(map(str, line.days)), ",".join(map(str, line.months))
        problem = fields_problem({"day": days, "month": months})
        if problem:
            return problem
    return _zone_problem(schedule.timezone)


def _zone_problem(name: str | None) -> str | None:
    if name is None or _named_zone(name):
        return None
    known = available_timezones()
    near = [zone for zone in known if zone.lower() == name.lower()] or difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "Use a name such as `Europe/Berlin` or `UTC`."
    return f"there is no time zone `{name}`. {hint}"


def _calendar_problem(fields: Mapping[str, str | int]) -> str | None:
    """Try whether fields with weeks, years or limits ever meet; only a year may lie far away."""
    limit = {} if fields.keys() & {"year", "start_date", "end_date"} else {"end_date": _PROBE_TO.isoformat()}
    try:
        trigger = _cron_trigger({**fields, **limit}, timezone.utc)
    except UsageError as error:
        return str(error)
    return None if trigger.get_next_fire_time(None, _PROBE_FROM) else "this date never comes"


def _zone_name(schedule: Schedule) -> str | None:
    inner = schedule.fields.get("timezone")
    return schedule.timezone if inner is None else str(inner)


def _named_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None  # unknown; not a name but a path; a folder of the database such as `Europe`


# --- slot times --------------------------------------------------------------------------------------------


class _NextFireTime(Protocol):
    """The part of APScheduler's triggers that is used."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None: ...


class _Slots:
    """The slot times of one or two CronTriggers: always the earlier one, each moment once.

    When clocks are set back, an hour comes twice: what runs in every hour runs in both (`repeats`), what has an
    hour of its own only in the first. A time that is left out when clocks are set forward comes as much later as
    the clocks jump.
    """

    def __init__(self, triggers: list[_NextFireTime], zone: tzinfo, *, repeats: bool) -> None:
        self._triggers = triggers
        self._zone = zone
        self._repeats = repeats

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot time strictly after `moment`; None: never again."""
        times = (self._next_of(trigger, moment) for trigger in self._triggers)
        return min((time for time in times if time), key=_instant, default=None)

    def _next_of(self, trigger: _NextFireTime, moment: datetime) -> datetime | None:
        after = moment.astimezone(timezone.utc)
        while True:
            # APScheduler answers with `now` itself when that fits.
            found = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
            if found is None:
                return None
            after = found.astimezone(timezone.utc)
            slot = after.astimezone(self._zone)
            if self._repeats or not slot.fold:
                return slot


def _instant(moment: datetime) -> datetime:
    """Two times of one zone compare by the hands of the clock unless both are in UTC."""
    return moment.astimezone(timezone.utc)


def _cron_trigger(fields: Mapping[str, str | int], zone: tzinfo) -> _NextFireTime:
    from apscheduler.triggers.cron import CronTrigger

    try:
        trigger: _NextFireTime = CronTrigger(**{**fields, "timezone": zone})
    except (ValueError, TypeError) as error:
        # The numbered fields were checked before, so it is about one of the dates.
        raise UsageError(
            f"start_date or end_date: {error}; write `'2026-12-31'` or `'2026-12-31 08:00:00'`"
        ) from error
    return trigger


def _fields_of(line: Crontab) -> Iterable[dict[str, str]]:
    """Return the APScheduler fields that mean what a crontab line means; any one of them fires it."""
    common = {
        "month": _listed(line.months),
        "hour": _listed(line.hours),
        "minute": _listed(line.minutes),
        "second": "0",
    }
    days, weekdays = _listed(line.days), _listed((number - 1) % 7 for number in line.weekdays)
    if line.either_day:
        return (common | {"day": days}, common | {"day_of_week": weekdays})
    return (common | {"day": days, "day_of_week": weekdays},)


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))


def _runs_in_every_hour(fields: Mapping[str, str | int]) -> bool:
    """A field that is left out is `*` above the smallest one given, and its least value below it."""
    if "hour" in fields:
        return str(fields["hour"]).strip().startswith("*")
    return "minute" in fields or "second" in fields


def _zone_of(schedule: Schedule) -> tzinfo:
    name = _zone_name(schedule)
    zone = _named_zone(name) if name is not None else None
    if zone:
        return zone
    import tzlocal
    from apscheduler.util import astimezone

    try:
        local: tzinfo = astimezone(tzlocal.get_localzone())
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"this machine's time zone cannot be found ({error}); give a `timezone`") from error
    return local
