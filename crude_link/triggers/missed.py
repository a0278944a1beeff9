"""Missed: which slot times lie between two moments, told without going through all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Protocol, runtime_checkable

from crude_link.interfaces import Trigger

#: So many slot times are gone through one by one where a trigger cannot count them.
_GONE_THROUGH = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """The slot times after one moment and up to another; there is at least one."""

    first: datetime
    #: The latest few of them, the earliest first.
    newest: tuple[datetime, ...]
    #: How many they are; without `is_exact`, they are more than this.
    count: int
    is_exact: bool

    @property
    def last(self) -> datetime:
        """The last of them."""
        return self.newest[-1]


@runtime_checkable
class Counting(Protocol):
    """A trigger that knows how many slot times lie between two moments."""

    def count(self, after: datetime, until: datetime) -> int | None:
        """Return how many lie after one moment and up to another; None: only going through them would tell."""


def missed_slots(trigger: Trigger, after: datetime, until: datetime, newest: int = 1) -> Missed | None:
    """Return the slot times of `trigger` in (after, until], of which `newest`, at least 1, by name; None: none is.

    It costs a few times `newest` questions to a trigger that can count, however many they are, else a thousand.
    """
    found = list(islice(_slots(trigger, after, until), _enough(newest) + 1))
    if not found:
        return None
    if len(found) <= _enough(newest):
        return Missed(first=found[0], newest=tuple(found[-newest:]), count=len(found), is_exact=True)
    count = trigger.count(after, until) if isinstance(trigger, Counting) else None
    if count is None:
        found += islice(_slots(trigger, found[-1], until), max(1, _GONE_THROUGH + 1 - len(found)))
        if len(found) <= _GONE_THROUGH:
            return Missed(first=found[0], newest=tuple(found[-newest:]), count=len(found), is_exact=True)
    last = _newest(trigger, (after, until), newest, count or len(found) - 1)
    return Missed(first=found[0], newest=tuple(last), count=count or len(found) - 1, is_exact=count is not None)


def _enough(wanted: int) -> int:
    """So many are gone through to find the last `wanted`."""
    return 4 * wanted + 16


def _newest(trigger: Trigger, span: tuple[datetime, datetime], wanted: int, count: int) -> Sequence[datetime]:
    """Return the last `wanted` slot times of a span that has more, by narrowing the part to look at."""
    after, until = (moment.astimezone(timezone.utc) for moment in span)
    # A second more than the span, so that a part which is just long enough is always met.
    too_short, too_long = timedelta(0), until - after + timedelta(seconds=1)
    part = (until - after) * wanted / count  # right at once for those that come regularly
    while True:
        found = list(islice(_slots(trigger, until - part, until), _enough(wanted) + 1))
        if wanted <= len(found) <= _enough(wanted):
            return found[-wanted:]
        if len(found) < wanted:
            too_short = part
            part = min(2 * part + timedelta(seconds=1), (part + too_long) / 2)
        else:
            too_long = part
            part = (part + too_short) / 2


def _slots(trigger: Trigger, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the slot times in (after, until]."""
    slot = trigger.next_after(after)
    while slot is not None and slot.astimezone(timezone.utc) <= until:
        yield slot
        slot = trigger.next_after(slot)
