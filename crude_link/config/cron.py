"""Cron: the simple schedule, read from a config. What its fields may hold is for its trigger to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from crude_link.model.schedule import Schedule
from crude_link.model.value import Plain

#: Says what is wrong with a schedule, in one sentence, or None.
Judge: TypeAlias = Callable[[Schedule], str | None]

_EMPTY = "an empty `cron` would fire every second; give it fields such as `minute: '*/10'`, or remove it"
#: Fields that say nothing alone, and are judged beside one that does.
_COMPANIONS = ("timezone", "start_date", "end_date")


def schedule_of(cron: Plain, timezone: Plain) -> Schedule | None:
    """Return the schedule that `cron` and `timezone` say; None when there is none."""
    zone = timezone if isinstance(timezone, str) else None
    if isinstance(cron, str):
        return Schedule(crontab=cron.strip(), timezone=zone)
    if not isinstance(cron, Mapping):
        return None
    fields = {key: value for key, value in cron.items() if isinstance(value, (str, int)) and key != "timezone"}
    own_zone = cron.get("timezone")
    return Schedule(fields=fields, timezone=str(own_zone) if own_zone else zone)


def wrong_with_cron(cron: Plain, timezone: Plain, judge: Judge) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong: the keys below `cron` that lead to the place, and what to say there.

    The judge is asked of each field alone, so that each mistake has its place, then of all of them together.
    """
    if isinstance(cron, Mapping) and cron.keys() - {"timezone"}:
        wrong = [((key,), message) for key, value in cron.items() if (message := _wrong_with(key, value, judge))]
        yield from wrong
        if wrong:
            return
    elif not isinstance(cron, str):
        is_empty = cron is None or isinstance(cron, Mapping)
        yield (), _EMPTY if is_empty else "`cron` is a mapping of fields, or a crontab line in quotes"
        return
    schedule = schedule_of(cron, timezone if wrong_with_zone(timezone, judge) is None else None)
    message = judge(schedule) if schedule else None
    if message:
        yield (), message


def wrong_with_zone(timezone: Plain, judge: Judge) -> str | None:
    """Say what is wrong with a time zone's name."""
    return judge(Schedule(fields={"minute": 0}, timezone=timezone)) if isinstance(timezone, str) else None


def _wrong_with(key: str, value: Plain, judge: Judge) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return f"`{key}`: a cron field is a number, or text such as '*/10'"
    if key == "timezone":
        return wrong_with_zone(value, judge)
    return judge(Schedule(fields={key: value, "minute": 0} if key in _COMPANIONS else {key: value}))
