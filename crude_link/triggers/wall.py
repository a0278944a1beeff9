"""Wall clocks: between moments and what the clocks of a zone show, on the days on which clocks change too.

A *reading* is what a clock shows: a datetime without zone. Where clocks are set back, some readings come twice; where
they are set forward, some never come.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from crude_link.model.schedule import Dst, Missing, Repeated

#: What the clocks of a zone lie ahead of UTC.
_SECOND = timedelta(seconds=1)


class Change(NamedTuple):
    """A moment at which clocks change, in UTC, and what they lie ahead of UTC before and after it."""

    moment: datetime
    before: timedelta
    after: timedelta

    @property
    def reading_before(self) -> datetime:
        """What clocks would have shown at this moment, had they not changed."""
        return (self.moment + self.before).replace(tzinfo=None)

    @property
    def reading_after(self) -> datetime:
        """What clocks show at this moment."""
        return (self.moment + self.after).replace(tzinfo=None)


def reading(moment: datetime, zone: tzinfo) -> datetime:
    """Return what the clocks of a zone show at a moment."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def change_at(shown: datetime, zone: tzinfo) -> Change | None:
    """Return the change of clocks for which a reading comes twice or never; None: it comes once."""
    first, second = _offset(shown, zone, 0), _offset(shown, zone, 1)
    if first == second:
        return None
    one, other = _as_utc(shown - first), _as_utc(shown - second)
    early, late = min(one, other), max(one, other)
    return _change_between(early, late, zone)


def changes_between(after: datetime, until: datetime, zone: tzinfo) -> list[Change]:
    """Return the changes of clocks in (after, until], both in UTC; two within one day that cancel are overlooked."""
    found: list[Change] = []
    start = after
    while start < until:
        end = min(start + timedelta(days=1), until)
        if _offset_at(start, zone) != _offset_at(end, zone):
            found.append(_change_between(start, end, zone))
        start = end
    return found


def moments_of(shown: datetime, zone: tzinfo, dst: Dst) -> list[datetime]:
    """Return the moments, in UTC, that a reading means: usually one; two, or none, where clocks change."""
    change = change_at(shown, zone)
    if change is None:
        return [_as_utc(shown - _offset(shown, zone, 0))]
    if change.before < change.after:
        return [change.moment] if dst.missing is Missing.NEXT else []
    both = [_as_utc(shown - change.before), _as_utc(shown - change.after)]
    return both if dst.repeated is Repeated.BOTH else both[:1]


def _change_between(early: datetime, late: datetime, zone: tzinfo) -> Change:
    """Return the change of clocks in (early, late], of which there is one; clocks change at whole seconds."""
    before, after = _offset_at(early, zone), _offset_at(late, zone)
    low, high = early.replace(microsecond=0), late
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle <= low:
            break
        if _offset_at(middle, zone) == before:
            low = middle
        else:
            high = middle
    return Change(low + _SECOND, before, after)


def _offset_at(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _offset(shown: datetime, zone: tzinfo, fold: int) -> timedelta:
    return shown.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0)


def _as_utc(shown: datetime) -> datetime:
    return shown.replace(tzinfo=timezone.utc)
