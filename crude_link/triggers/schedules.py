"""Schedules: the trigger of a schedule; what is wrong with a schedule, and what is probably not meant.

APScheduler is imported only when a cron trigger is made; `schedule_problem` does without it for nearly all schedules.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from crude_link.errors import UsageError
from crude_link.interfaces import Trigger
from crude_link.model.schedule import Schedule
from crude_link.triggers.crontab import CrontabError, parse_crontab
from crude_link.triggers.fields import fields_problem, fields_warning, needs_a_calendar
from crude_link.triggers.zones import zone_of, zone_problem

_SHORTEST = timedelta(seconds=1)


def trigger_for(schedule: Schedule) -> Trigger:
    """Return the trigger of a schedule. UsageError, with the sentence of `schedule_problem`, when it is wrong."""
    problem = _written_problem(schedule)
    if problem:
        raise UsageError(problem)
    zone = zone_of(_zone_name(schedule))
    if schedule.every is not None:
        from crude_link.triggers.every import EverySlots

        return EverySlots(schedule.every, zone)
    if schedule.at is not None:
        from crude_link.triggers.once import OnceSlots, reading_of

        return OnceSlots(reading_of(schedule.at), zone, schedule.dst)
    from crude_link.triggers.cron import CronSlots
    from crude_link.triggers.readings import Readings, fields_of

    fields = (schedule.fields,) if schedule.crontab is None else fields_of(parse_crontab(schedule.crontab))
    return CronSlots(Readings(fields, zone), zone, schedule.dst)


def schedule_problem(schedule: Schedule, after: datetime | None = None) -> str | None:
    """Say in one sentence what is wrong with a schedule; None when nothing is.

    With `after`, cron fields that never fire after this moment (`year: 2020`) are wrong too.
    """
    problem = _written_problem(schedule)
    if problem or not schedule.fields:
        return problem
    if needs_a_calendar(schedule.fields):
        problem = _calendar_problem(schedule)
    may_end = schedule.fields.keys() & {"year", "end_date"}
    if not problem and after is not None and may_end and trigger_for(schedule).next_after(after) is None:
        problem = "its last time has passed; it never fires again"
    return problem


def schedule_warning(schedule: Schedule, after: datetime | None = None) -> str | None:
    """Say where a schedule that is right may mean something else than was wanted; None when nothing does.

    With `after`, one whose only time has passed by this moment is told too.
    """
    if _written_problem(schedule):
        return None
    if schedule.every is not None:
        return None if schedule.new_files else _every_warning(schedule.every)
    if schedule.at is not None:
        if trigger_for(schedule).next_after(datetime.min.replace(tzinfo=zone_of("UTC"))) is None:
            return f"{schedule.at} is a time that clocks leave out there, and `dst: skip` leaves it out too"
        is_over = after is not None and trigger_for(schedule).next_after(after) is None
        return (
            f"{schedule.at} has passed: it fires no more, unless a scheduler that awaited it missed it"
            if is_over
            else None
        )
    return fields_warning(schedule.fields) if schedule.fields else None


def _written_problem(schedule: Schedule) -> str | None:
    if schedule.every is not None:
        problem = _every_problem(schedule.every)
    elif schedule.at is not None:
        problem = _at_problem(schedule.at)
    elif schedule.crontab is not None:
        problem = _crontab_problem(schedule.crontab)
    else:
        problem = fields_problem(schedule.fields)
    return problem or zone_problem(_zone_name(schedule))


def _every_problem(every: timedelta) -> str | None:
    if every < _SHORTEST:
        return "must be at least 1s"
    return "fires at whole seconds; leave out the fraction" if every % _SHORTEST else None


def _every_warning(every: timedelta) -> str | None:
    if every % timedelta(days=1):
        return None
    return (
        "this counts elapsed hours from the first day of the year 2000, so when clocks change it fires an hour later "
        "or earlier; for a time of day write `cron: '0 6 * * *'`"
    )


def _at_problem(text: str) -> str | None:
    from crude_link.triggers.once import reading_of

    try:
        reading_of(text)
    except ValueError as error:
        return str(error)
    return None


def _crontab_problem(text: str) -> str | None:
    try:
        line = parse_crontab(text)
    except CrontabError as error:
        return str(error)
    if line.either_day:
        return None
    days, months = ",".join(map(str, line.days)), ",".join(map(str, line.months))
    return fields_problem({"day": days, "month": months})


def _calendar_problem(schedule: Schedule) -> str | None:
    """Try whether fields with weeks, years or limits ever meet."""
    from crude_link.triggers.readings import never_come

    try:
        return "this date never comes" if never_come(schedule.fields) else None
    except UsageError as error:
        return str(error)


def _zone_name(schedule: Schedule) -> str | None:
    inner = schedule.fields.get("timezone")
    return schedule.timezone if inner is None else str(inner)
