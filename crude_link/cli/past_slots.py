"""Past slots: the slot times that a back-fill is about, and what became of each before."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING

from crude_link.cli.moments import span_of
from crude_link.errors import UsageError
from crude_link.model.firing import Fate, Firing

if TYPE_CHECKING:
    from crude_link.cli.schedules import Entry
    from crude_link.store.ledger import SqliteLedger

#: More than so many are a mistake.
_MOST = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PastSlot:
    """A slot time that has come, and what became of it."""

    entry: Entry
    #: In the zone of the schedule.
    slot_time: datetime
    before: Firing | None = None

    @property
    def run(self) -> int | None:
        """The run that it has begun already."""
        return self.before.run if self.before else None

    @property
    def fate(self) -> Fate:
        """What it becomes when it is run now."""
        return Fate.BACKFILLED if self.run is None else Fate.REPEATED

    def firing(self, at: datetime) -> Firing:
        """Return the row of the ledger for its run."""
        return Firing(
            pipeline=self.entry.pipeline, entry=self.entry.name, slot_time=self.slot_time, fate=self.fate, at=at
        )


def past_slots(
    entries: Sequence[Entry], first: str, last: str | None, now: datetime, ledger: SqliteLedger | None
) -> list[PastSlot]:
    """Return the slot times of entries of one pipeline from one day or time to another (None: now), in order.

    Days and times are in the zone of each entry, and count with all of their day, minute or second. UsageError.
    """
    streams = [_stream(number, entry, first, last, now) for number, entry in enumerate(entries)]
    found = list(islice(heapq.merge(*streams), _MOST + 1))
    if len(found) > _MOST:
        raise UsageError(f"these are more than {_MOST:,} slots; choose a shorter time, or one --entry")
    return [
        PastSlot(
            entry=entries[number],
            slot_time=slot_time,
            before=ledger.firing(entries[number].pipeline, entries[number].name, slot_time) if ledger else None,
        )
        for _, number, slot_time in found
    ]


def _stream(
    number: int, entry: Entry, first: str, last: str | None, now: datetime
) -> Iterator[tuple[datetime, int, datetime]]:
    zone = entry.zone
    begins = span_of(first, zone, "--from").first
    ends = min(span_of(last, zone, "--to").last, now) if last else now
    if begins > ends:
        what = "lies in the future" if begins > now else f"is after --to {last}"
        raise UsageError(f"--from {first} {what}: only slots that have come can be back-filled")
    return ((slot.astimezone(timezone.utc), number, slot) for slot in entry.slots(begins, ends))
