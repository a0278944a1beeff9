"""Watching: the entries that look for new files; begins their looks, and says what those that have ended ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from crude_link.model.firing import Fate
from crude_link.model.look import Look
from crude_link.scheduling.bookkeeper import Bookkeeper
from crude_link.scheduling.fates import Begin, Move, Note, PipelineView, Stop
from crude_link.scheduling.findings import may_look, moves_for_finding
from crude_link.scheduling.following import Following, slot_words
from crude_link.scheduling.parts import DutyParts, FollowedEntry

#: While something is looked at, it is asked so often whether that has ended.
_POLL = timedelta(milliseconds=200)
#: A run that is replaced is given so long before it is looked whether it has ended.
_SOON = timedelta(seconds=1)
#: Files that may still be written to are looked at once more after this, whenever the next look is.
_SETTLED = timedelta(seconds=5)


class Watching:
    """A part of the duty of schedules."""

    def __init__(self, parts: DutyParts, following: Following, books: Bookkeeper) -> None:
        self._parts = parts
        self._following = following
        self._books = books
        #: They look again when the runs that they replace have ended.
        self._replacing: set[FollowedEntry] = set()
        #: They look once more than usual, for files that were young.
        self._looking_again: set[FollowedEntry] = set()

    def next_moments(self, now: datetime) -> Sequence[datetime]:
        """Return when it wants a turn, beside those at which an entry is due."""
        return [] if self._parts.looker.is_idle else [now + _POLL]

    def look(self, entry: FollowedEntry, view: PipelineView, now: datetime) -> None:
        """Begin the look of an entry that is due, where a run might come of it and none goes on."""
        if entry in self._replacing and view.live and not view.refusal:
            self._advance(entry, now, again=now + _SOON)
            return
        self._replacing.discard(entry)
        pipeline = entry.pipeline
        if may_look(entry.schedule, view) and not self._parts.looker.is_looking(pipeline.name, entry.schedule):
            self._parts.looker.begin(pipeline.loaded, entry.schedule)
        self._advance(entry, now)

    def ended(self) -> Iterator[tuple[FollowedEntry, Look]]:
        """Yield the looks that have ended, of entries that are followed as they were when the look began."""
        for look in self._parts.looker.ended():
            pipeline = self._following.pipelines.get(look.pipeline)
            entry = pipeline.entries.get(look.entry) if pipeline else None
            if entry and entry.schedule.timing == look.timing:
                yield entry, look

    def moves(self, entry: FollowedEntry, look: Look, view: PipelineView, now: datetime) -> Sequence[Move]:
        """Note and tell how a look went; return what is to be done."""
        before = self._books.written(lambda: self._parts.look_book.end_look(look))
        failures, since = (before.failures, before.failing_since) if before else (0, None)
        if look.finding is None:
            return self._failed(entry, look, failures)
        if failures and since:
            entry.fate, entry.in_a_row, entry.told = None, 0, None
            looks = f"{failures:,} look{'s' if failures != 1 else ''} that failed since {slot_words(since)}"
            self._say(entry, f"looks for {entry.schedule.new_files} again, after {looks}")
        moves = moves_for_finding(entry.schedule, look, view)
        if any(isinstance(move, Begin) for move in moves):
            self._say(entry, look.finding.words)
        if any(isinstance(move, Stop) for move in moves):
            self._replacing.add(entry)
            self._advance(entry, now, again=now + _SOON)
        elif look.finding.young and entry not in self._looking_again:
            self._looking_again.add(entry)
            self._advance(entry, now, again=now + _SETTLED)
        else:
            self._looking_again.discard(entry)
        return moves

    def _failed(self, entry: FollowedEntry, look: Look, before: int) -> Sequence[Move]:
        """Return the row of the first look that failed in a row; of those after it is only told."""
        why = f"the look for {entry.schedule.new_files} failed: {look.problem}"
        note = Note(entry=entry.name, fate=Fate.FAILED, first=look.at, last=look.at, reason=why)
        if not before:
            return (note,)
        self._books.tell_on(entry, note, before)
        return ()

    def _advance(self, entry: FollowedEntry, now: datetime, again: datetime | None = None) -> None:
        self._books.written(lambda: self._following.advance(entry, now, again))

    def _say(self, entry: FollowedEntry, text: str) -> None:
        self._books.say(f"{entry.pipeline.name}: {text}")
