"""Every: slot times that lie a fixed duration apart, in elapsed time, whatever the clocks show."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

#: What slot times are counted from, as clocks in the schedule's zone show it: a midnight, so that those of `6h` lie
#: at midnight, at 6, 12 and 18 as long as clocks are what they were then.
EPOCH = datetime(2000, 1, 1)


class EverySlots:
    """Whole multiples of a duration after a moment that never moves: a restart changes no slot time."""

    def __init__(self, every: timedelta, zone: tzinfo) -> None:
        self._every = every
        self._zone = zone
        self._epoch = EPOCH.replace(tzinfo=zone).astimezone(timezone.utc)

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot time strictly after `moment`."""
        try:
            following = self._epoch + (self._number(moment) + 1) * self._every
        except OverflowError:
            return None  # beyond the year 9999
        return following.astimezone(self._zone)

    def count(self, after: datetime, until: datetime) -> int | None:
        """Return how many slot times lie in (after, until]."""
        return max(0, self._number(until) - self._number(after))

    def _number(self, moment: datetime) -> int:
        return (moment.astimezone(timezone.utc) - self._epoch) // self._every
