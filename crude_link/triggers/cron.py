"""Cron: the slot times of readings in a zone, also on the days on which its clocks change.

What has hours of its own fires once for each reading: at the first moment after the gap where a reading never comes,
at the first of the two moments where it comes twice (`dst` says otherwise). What fires in every hour just goes on: in
both of two equal hours, and not in an hour that never comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone, tzinfo

from crude_link.model.schedule import Dst, Missing, Repeated
from crude_link.triggers.readings import Readings
from crude_link.triggers.wall import Change, change_at, changes_between, moments_of, reading

_A_MOMENT = timedelta(microseconds=1)
#: Over more than this, slot times are not counted: each day is looked at for a change of clocks.
_LONGEST_COUNT = timedelta(days=800)


class CronSlots:
    """The slot times of readings: each moment once, in order."""

    def __init__(self, readings: Readings, zone: tzinfo, dst: Dst) -> None:
        self._readings = readings
        self._zone = zone
        goes_on = Dst(missing=Missing.SKIP, repeated=Repeated.BOTH)
        self._dst = goes_on if readings.come_every_hour else dst

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot time strictly after `moment`; None: never again."""
        after = moment.astimezone(timezone.utc)
        shown = reading(after, self._zone)
        found = [slot for slot in (self._by_reading(shown, after), self._second_time(shown, after)) if slot]
        return min(found).astimezone(self._zone) if found else None

    def _by_reading(self, shown: datetime, after: datetime) -> datetime | None:
        """Return the first slot time after a moment whose reading is later than that of the moment."""
        at = self._readings.after(shown)
        while at is not None:
            for slot in moments_of(at, self._zone, self._dst):
                if slot > after:
                    return slot
            # It never comes, or has come already: so has all else up to where clocks go on as usual.
            change = change_at(at, self._zone)
            if change is None:
                at = self._readings.after(at)
            else:
                at = self._readings.next_from(max(change.reading_before, change.reading_after))
        return None

    def _second_time(self, shown: datetime, after: datetime) -> datetime | None:
        """Return the first slot time that comes again soon, where clocks are about to go back to before `shown`."""
        change = change_at(shown, self._zone) if self._dst.repeated is Repeated.BOTH else None
        if change is None or after >= change.moment:
            return None
        at = self._readings.next_from(change.reading_after)
        return (at - change.after).replace(tzinfo=timezone.utc) if at is not None and at <= shown else None

    def count(self, after: datetime, until: datetime) -> int | None:
        """Return how many slot times lie in (after, until]; None: only going through them would tell."""
        after, until = after.astimezone(timezone.utc), until.astimezone(timezone.utc)
        if after >= until or until - after > _LONGEST_COUNT:
            return 0 if after >= until else None
        changes = changes_between(after, until, self._zone)
        counts = [self._readings.count(*part) for part in self._parts(after, until, changes)]
        known = [count for count in counts if count is not None]
        moved = sum(self._moved(change) for change in changes)
        return sum(known) + moved if len(known) == len(counts) else None

    def _parts(
        self, after: datetime, until: datetime, changes: Sequence[Change]
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield what clocks show in (after, until], from and up to, without what does not count a second time."""
        shown = reading(after, self._zone)
        change = change_at(shown, self._zone)
        start = shown + _A_MOMENT
        if change and after >= change.moment:
            start = self._counted_from(change, start)
        for change in changes:
            yield start, change.reading_before
            start = self._counted_from(change, change.reading_after)
        yield start, reading(until, self._zone) + _A_MOMENT

    def _counted_from(self, change: Change, shown: datetime) -> datetime:
        """Return from which reading on slot times count after a change of clocks."""
        goes_back = change.after < change.before
        return max(shown, change.reading_before) if goes_back and self._dst.repeated is Repeated.FIRST else shown

    def _moved(self, change: Change) -> int:
        """Return 1 when the moment of a change is a slot time only because of readings that never come."""
        if self._dst.missing is Missing.SKIP or change.after < change.before:
            return 0
        lost = self._readings.next_from(change.reading_before)
        own = self._readings.next_from(change.reading_after)
        return int(lost is not None and lost < change.reading_after and own != change.reading_after)
