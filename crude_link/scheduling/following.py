"""Following: which entries are followed, up to when each is settled, and whose slot time comes next."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from crude_link.app import Loaded, missed_slots
from crude_link.interfaces import Trigger
from crude_link.model.event import Level, Notice
from crude_link.model.firing import Fate, Firing
from crude_link.model.schedule import Schedule
from crude_link.model.words import moment_words
from crude_link.scheduling.parts import DutyParts, FollowedEntry, FollowedPipeline


class Following:
    """The pipelines that are followed, and a heap of their next slot times: a turn costs what is due, not what is."""

    def __init__(self, parts: DutyParts) -> None:
        self._parts = parts
        self._heap: list[tuple[datetime, int, FollowedEntry]] = []
        self._pushed = 0  # so that two of one moment are never compared
        self.pipelines: dict[str, FollowedPipeline] = {}

    def follow(self, loaded: Sequence[Loaded]) -> list[FollowedPipeline]:
        """Follow these pipelines and no others; return those that were not followed before.

        An entry is another one when it fires at other times; what was known of one that stays is kept.
        """
        wanted = {each.pipeline.name: each for each in loaded if each.pipeline.schedules}
        for name in [name for name in self.pipelines if name not in wanted]:
            self._leave(self.pipelines.pop(name))
            self._say(f"{name}: not followed any more", Level.WARNING)
        added = []
        for name, each in wanted.items():
            if name not in self.pipelines:
                self.pipelines[name] = FollowedPipeline(loaded=each)
                added.append(self.pipelines[name])
            pipeline = self.pipelines[name]
            words = next_words(self._parts, pipeline) if self._take(pipeline, each) else ""
            if words:
                self._say(words)
        return added

    def due(self, now: datetime) -> Iterator[FollowedEntry]:
        """Yield the entries whose next slot time has come, the earliest first; each is to be `advance`d."""
        while self._heap and self._heap[0][0] <= now:
            slot_time, _, entry = heapq.heappop(self._heap)
            if entry.next_slot == slot_time:
                yield entry

    def next_moments(self) -> Sequence[datetime]:
        """Return when `due` yields something next; empty when that is never."""
        while self._heap and self._heap[0][2].next_slot != self._heap[0][0]:
            heapq.heappop(self._heap)
        return [self._heap[0][0]] if self._heap else []

    def advance(self, entry: FollowedEntry, now: datetime, again: datetime | None = None) -> None:
        """Note that all slot times of an entry up to now are settled; the next one is then awaited.

        With `again`, it is due at that moment instead: an entry that looks for new files is to look once more.
        """
        entry.settled = now
        self._await_next(entry)
        if again:
            self._await(entry, again)
        self._parts.ledger.settle(entry.pipeline.name, entry.schedule, now)

    def set_back(self, now: datetime) -> None:
        """Go back with the clock. What lies ahead now, and began no run, is to come again."""
        for pipeline in self.pipelines.values():
            rows = self._parts.ledger.firings(pipeline.name, since=now)
            for entry in pipeline.entries.values():
                if entry.settled > now:
                    self._rewind(entry, now, [row for row in rows if row.entry == entry.name and row.last > now])
            pipeline.waiting = [each for each in pipeline.waiting if each.slot_time <= now]

    # --- one entry ------------------------------------------------------------------------------------------

    def _take(self, pipeline: FollowedPipeline, loaded: Loaded) -> bool:
        """Follow the entries that the pipeline has now; False when they are those of before."""
        pipeline.loaded = loaded
        schedules = {schedule.entry: schedule for schedule in loaded.pipeline.schedules}
        for name in [name for name in pipeline.entries if name not in schedules]:
            self._forget(pipeline.entries.pop(name))
        new = {name: schedule for name, schedule in schedules.items() if name not in pipeline.entries}
        for name, entry in pipeline.entries.items():
            if entry.schedule.timing != schedules[name].timing:
                self._drop(entry)
                new[name] = schedules[name]
            entry.schedule = schedules[name]
        if not new:
            return False
        self._open(pipeline, new)
        return True

    def _open(self, pipeline: FollowedPipeline, schedules: dict[str, Schedule]) -> None:
        now, ledger = self._parts.clock.now(), self._parts.ledger
        settled = {name: ledger.settled(pipeline.name, schedule) for name, schedule in schedules.items()}
        known = [moment for moment in settled.values() if moment]
        rows = ledger.firings(pipeline.name, since=min(known)) if known else ()
        for name, schedule in schedules.items():
            mine = [row for row in rows if row.entry == name and not row.fate.is_by_hand]
            trigger = self._parts.make_trigger(schedule)
            entry = FollowedEntry(
                pipeline=pipeline,
                schedule=schedule,
                trigger=trigger,
                settled=_settled_by_rows(trigger, settled[name] or now, mine),
                newest=max([settled[name] or now, *(row.last for row in mine)]),
            )
            if mine:
                entry.fate, entry.in_a_row = mine[0].fate, mine[0].count
            pipeline.entries[name] = entry
            if settled[name] is None:
                ledger.settle(pipeline.name, schedule, now)
            if entry.settled > now:
                self._rewind(entry, now, [row for row in mine if row.last > now])
            self._await_next(entry)
            if schedule.new_files:
                self._await(entry, now)  # the first look comes at once
        pipeline.waiting = [row for row in ledger.queued(pipeline.name) if row.slot_time <= now]

    def _rewind(self, entry: FollowedEntry, now: datetime, rows: Sequence[Firing]) -> None:
        for row in rows:
            if row.run is None:
                self._parts.ledger.withdraw(row)
                self._note_part(entry, row, now)
        entry.settled = now
        self._await_next(entry)

    def _note_part(self, entry: FollowedEntry, row: Firing, now: datetime) -> None:
        """Write a row again as far as it is about the time before now."""
        if row.slot_time > now:
            return
        part = missed_slots(entry.trigger, row.slot_time - timedelta(microseconds=1), now)
        inside = self._parts.ledger.firings(entry.pipeline.name, since=row.slot_time)
        mine = [each for each in inside if each.entry == entry.name and not each.fate.is_by_hand]
        ran = sum(1 for each in mine if each.run and each.slot_time <= now)
        if part and part.count > ran:
            until = part.newest[-1].astimezone(timezone.utc)
            self._parts.ledger.note(replace(row, until=until, count=part.count - ran))

    def _await_next(self, entry: FollowedEntry) -> None:
        found = entry.trigger.next_after(entry.settled)
        self._await(entry, found.astimezone(timezone.utc) if found else None)

    def _await(self, entry: FollowedEntry, moment: datetime | None) -> None:
        entry.next_slot = moment
        if moment:
            self._pushed += 1
            heapq.heappush(self._heap, (moment, self._pushed, entry))

    def _leave(self, pipeline: FollowedPipeline) -> None:
        for entry in pipeline.entries.values():
            self._forget(entry)
        for each in pipeline.waiting:
            gone = replace(each, fate=Fate.REFUSED, reason="its pipeline is in the config no more")
            self._parts.ledger.note(gone)

    def _forget(self, entry: FollowedEntry) -> None:
        """Somebody took it out of the config: should it come back, it has missed nothing meanwhile."""
        self._drop(entry)
        self._parts.ledger.settle(entry.pipeline.name, entry.schedule, None)

    @staticmethod
    def _drop(entry: FollowedEntry) -> None:
        entry.next_slot = None  # what is in the heap of it is passed over

    def _say(self, text: str, level: Level = Level.INFO) -> None:
        self._parts.notifier.tell(Notice(text=text, level=level))


def next_words(parts: DutyParts, pipeline: FollowedPipeline) -> str:
    """Say when the next run begins, or that nothing does before a pause ends; nothing where no slot time is left.

    Slot times that have come are no next run: what becomes of them is told for itself. An entry that looks for new
    files may begin one after each look.
    """
    if any(pause.pipeline == pipeline.name for pause in parts.book.pauses()):
        return f"{pipeline.name}: paused, so nothing begins by schedule · crude-link schedule unpause {pipeline.name}"
    now = parts.clock.now()
    looking = [entry.schedule for entry in pipeline.entries.values() if entry.schedule.new_files]
    timed = [entry for entry in pipeline.entries.values() if not entry.schedule.new_files]
    known = [(entry, entry.next_slot) for entry in timed if entry.next_slot]
    coming = [slot if slot > now else entry.trigger.next_after(now) for entry, slot in known]
    first = min((slot for slot in coming if slot), default=None)
    words = [f"looks {schedule.pace} for {schedule.new_files}" for schedule in looking]
    words += [f"next run at {slot_words(first)}"] if first else []
    return f"{pipeline.name}: {'; '.join(words)}" if words else ""


def slot_words(slot_time: datetime) -> str:
    """Say when a slot comes, with its zone."""
    return moment_words(slot_time, seconds=True)


def _settled_by_rows(trigger: Trigger, settled: datetime, rows: Sequence[Firing]) -> datetime:
    """Return up to when an entry is settled: its last rows may have been written just before everything died."""
    for row in sorted(rows, key=lambda row: row.slot_time):
        if row.slot_time > settled:
            following = trigger.next_after(settled)
            if following is None or following != row.slot_time:
                break  # those ahead are of a time before the clock was set back
        settled = max(settled, row.last)
    return settled
