"""Bookkeeper: writes what became of slot times, then tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from crude_link.errors import CrudeLinkError, SlotTaken, StoreError
from crude_link.model.event import Level, Notice, SlotSettled
from crude_link.model.firing import Fate, Firing
from crude_link.scheduling.fates import Begin, Note
from crude_link.scheduling.following import slot_words
from crude_link.scheduling.parts import Begun, DutyParts, FollowedEntry, FollowedPipeline

#: What goes on is told again after so long: a schedule may fire every second, and be paused for weeks.
_AGAIN = timedelta(hours=1)
#: So many in a row are news: it is no chance any more.
_MANY = 10
_Answer = TypeVar("_Answer")


class Bookkeeper:
    """Begins runs and notes fates. What the store cannot take is told, and the schedules go on."""

    def __init__(self, parts: DutyParts) -> None:
        self._parts = parts
        self._is_store_broken = False

    def note(self, pipeline: FollowedPipeline, note: Note) -> bool:
        """Write down a fate that began no run, and tell it; False when the slot time has a fate."""
        firing = self._firing(pipeline, note)
        self._wait_no_longer(pipeline, note.entry, note.first)
        if self.written(lambda: self._parts.ledger.note(firing)) is False:
            return False
        if note.fate is Fate.QUEUED:
            pipeline.waiting.append(firing)
        self._tell(pipeline, firing)
        return True

    def tell_on(self, entry: FollowedEntry, note: Note, before: int) -> None:
        """Tell a fate that so many times before it had, the first of which is in the ledger for all of them."""
        entry.fate, entry.in_a_row = note.fate, before
        self._tell(entry.pipeline, self._firing(entry.pipeline, note))

    def begin(self, pipeline: FollowedPipeline, begin: Begin) -> Begun | None:
        """Begin the run of a slot time; None when that has begun one already.

        CrudeLinkError when it could not begin; that is then its fate.
        """
        entry = pipeline.entries[begin.entry]
        firing = Firing(
            pipeline=pipeline.name,
            entry=begin.entry,
            slot_time=_in_its_zone(entry, begin.slot_time),
            fate=begin.fate,
            at=self._parts.clock.now(),
            reason=begin.reason,
        )
        self._wait_no_longer(pipeline, begin.entry, begin.slot_time)
        try:
            run = self._parts.starter.begin(pipeline.loaded, entry.schedule, firing, begin.look)
        except SlotTaken as error:
            self.say(f"{pipeline.name}: {error}; it is not run again")
            return None
        except CrudeLinkError as error:
            slot, why = begin.slot_time, str(error)
            if not self.note(pipeline, Note(entry=begin.entry, fate=Fate.FAILED, first=slot, last=slot, reason=why)):
                # Its run was recorded, and nobody works on it: it is lost.
                self.say(f"{pipeline.name}: the run for {slot_words(slot)} could not go on: {why}", Level.ERROR)
            raise
        firing = replace(firing, run=run.id)
        self._tell(pipeline, firing)
        return Begun(run=run, firing=firing)

    def written(self, write: Callable[[], _Answer]) -> _Answer | None:
        """Write to the store and return its answer; None, and it is told once, when it cannot be written."""
        try:
            done = write()
        except StoreError as error:
            if not self._is_store_broken:
                self.say(f"the ledger of schedules cannot be written: {error}", Level.ERROR)
            self._is_store_broken = True
            return None
        self._is_store_broken = False
        return done

    def say(self, text: str, level: Level = Level.INFO) -> None:
        """Tell people something."""
        self._parts.notifier.tell(Notice(text=text, level=level))

    def _firing(self, pipeline: FollowedPipeline, note: Note) -> Firing:
        return Firing(
            pipeline=pipeline.name,
            entry=note.entry,
            slot_time=note.first,
            until=note.last if note.count > 1 else None,
            count=note.count,
            fate=note.fate,
            at=self._parts.clock.now(),
            blocker=note.blocker,
            reason=note.reason,
        )

    def _wait_no_longer(self, pipeline: FollowedPipeline, entry: str, slot_time: datetime) -> None:
        pipeline.waiting = [each for each in pipeline.waiting if (each.entry, each.slot_time) != (entry, slot_time)]

    def _tell(self, pipeline: FollowedPipeline, firing: Firing) -> None:
        entry = pipeline.entries.get(firing.entry)
        in_a_row = firing.count
        if entry:
            in_a_row += entry.in_a_row if entry.fate is firing.fate else 0
            entry.fate, entry.in_a_row = firing.fate, in_a_row
            entry.newest = max(entry.newest, firing.last)
        if firing.fate is not Fate.RAN:
            event = SlotSettled(
                firing=firing,
                pipeline=pipeline.loaded.pipeline,
                in_a_row=in_a_row,
                is_repetition=entry is not None and _is_repetition(entry, firing),
            )
            self._parts.notifier.tell(event)


def _in_its_zone(entry: FollowedEntry, slot_time: datetime) -> datetime:
    """Return a slot time as its run sees it, a date perhaps: in the schedule's own zone."""
    following = entry.trigger.next_after(slot_time - timedelta(microseconds=1))
    return slot_time.astimezone(following.tzinfo) if following else slot_time


def _is_repetition(entry: FollowedEntry, firing: Firing) -> bool:
    """True when what became of a slot time is told already; if it is not, it will be by now."""
    before, is_tenth = entry.told, entry.in_a_row - firing.count < _MANY <= entry.in_a_row
    if before and before[:2] == (firing.fate, firing.reason) and not is_tenth and firing.at - before[2] < _AGAIN:
        return entry.in_a_row > firing.count
    entry.told = (firing.fate, firing.reason, firing.at)
    return False
