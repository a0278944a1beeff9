"""What became of a slot time, in sentences: `crude-link why --slot '2026-11-20 02:00'`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import islice
from pathlib import Path

from crude_link.app import Desk, Records
from crude_link.cli.firing_words import late_words, which_words
from crude_link.cli.moments import Span, slot_words, span_of
from crude_link.cli.record import read_record, standing_words
from crude_link.cli.schedules import (
    Entry,
    check_names,
    entries_of,
    files_meant,
    is_scheduling,
    known_pipelines,
    records_if_any,
    start_command,
)
from crude_link.errors import CrudeLinkError, UnknownRun
from crude_link.model.firing import Fate, Firing
from crude_link.model.words import duration_words, moment_words

#: Of so many rows and entries it is told; a day can have very many.
_MOST = 50


@dataclass(slots=True)
class Explanation:
    """Sentences, and the commands that somebody would type next."""

    sentences: list[str] = field(default_factory=list)
    commands: dict[str, None] = field(default_factory=dict)

    def add(self, sentence: str, *commands: str) -> None:
        """Add a sentence with what to do about it."""
        self.sentences.append(sentence)
        self.commands.update(dict.fromkeys(commands))


def explain_slot(text: str, pipeline: str | None, files: Sequence[Path]) -> Explanation:
    """Say what became of the slot times of a day, a minute or a second, of one pipeline or of all. UsageError.

    Without an offset, it is in the zone of each schedule; else, where nothing is there, in that of this machine.
    """
    desk = Desk.here()
    records = records_if_any(desk)
    here = span_of(text, None, "--slot")
    entries, trouble = _entries(desk, records, files, here.first)
    known = [*(entry.pipeline for entry in entries), *(known_pipelines(records) if records else [])]
    if pipeline is not None:
        check_names([pipeline], list(dict.fromkeys(known)), "no schedule is known of")
        entries, known = [entry for entry in entries if entry.pipeline == pipeline], [pipeline]
    look = _Look(desk, records, entries, here)
    for name in dict.fromkeys(known):
        own = [entry for entry in entries if entry.pipeline == name]
        look.tell(name, {entry.name: span_of(text, entry.zone, "--slot") for entry in own})
    if not look.found.sentences:
        for name in dict.fromkeys(known):
            look.tell(name, {entry.name: here for entry in entries if entry.pipeline == name})
    if not look.found.sentences:
        look.tell_nothing(text)
    if trouble:
        look.found.add(f"What the config says cannot be told: {trouble}")
    return look.found


def _entries(
    desk: Desk, records: Records | None, files: Sequence[Path], moment: datetime
) -> tuple[list[Entry], CrudeLinkError | None]:
    """Return the entries of the config files, or why they cannot be read; the ledger knows of others."""
    try:
        return entries_of(desk, files_meant(records, files), fires_after=moment - timedelta(days=2)), None
    except CrudeLinkError as error:
        if records is None or files:
            raise
        return [], error


class _Look:
    """Tells of slot times by the ledger, and by the triggers where that has nothing."""

    def __init__(self, desk: Desk, records: Records | None, entries: Sequence[Entry], here: Span) -> None:
        self.found = Explanation()
        self._records = records
        self._entries = entries
        self._here = here
        self._now = desk.clock.now()

    def tell(self, pipeline: str, spans: Mapping[str, Span]) -> None:
        """Tell of the slot times of a pipeline: of an entry those in its span, of one that is no more those here."""
        rows = self._rows(pipeline, spans)
        zones = {entry.name: entry.zone for entry in self._entries if entry.pipeline == pipeline}
        for firing in rows:
            zone = zones.get(firing.entry)
            self.found.add(_sentence(firing, zone), *_commands(firing, rows, zone))
            if firing.run is not None and self._records:
                self._tell_run(self._records, firing.run)
        for entry in self._entries:
            if entry.pipeline == pipeline:
                self._tell_unsettled(entry, spans[entry.name])

    def tell_nothing(self, text: str) -> None:
        """Say that no slot time is there, and which is the next one after it."""
        self.found.add(f"No schedule has a slot time at {text}.", "crude-link schedule next")
        looking = [entry for entry in self._entries if entry.schedule.new_files]
        for entry in looking[:_MOST]:
            looks = f"looks {entry.schedule.pace} for {entry.schedule.new_files}"
            self.found.add(
                f"{entry.pipeline} {looks}; one that finds none is not kept.", "crude-link schedule status"
            )
        for entry in [entry for entry in self._entries if entry not in looking][:_MOST]:
            slot = next(entry.slots(self._here.last), None)
            if slot:
                words = f"The next one of {entry.pipeline} after it, by `{entry.name}`, is {slot_words(slot)}."
                self.found.add(words)

    def _rows(self, pipeline: str, spans: Mapping[str, Span]) -> list[Firing]:
        if self._records is None:
            return []
        widest = [self._here, *spans.values()]
        first, last = min(span.first for span in widest), max(span.last for span in widest)
        rows = self._records.store.ledger.between(pipeline, first, last, _MOST)
        return [row for row in rows if spans.get(row.entry, self._here).meets(row.slot_time, row.last)]

    def _tell_run(self, records: Records, run: int) -> None:
        try:
            self.found.add(f"{standing_words(read_record(records, run)).removesuffix('.')}.")
        except UnknownRun:
            self.found.add(f"Run {run} has been removed.")

    def _tell_unsettled(self, entry: Entry, span: Span) -> None:
        """Tell of slot times of which the ledger has nothing; a look that finds nothing leaves nothing there."""
        if entry.schedule.new_files:
            return
        unknown = self._unknown(entry, span)
        have_come = [slot for slot in unknown if slot.astimezone(timezone.utc) <= self._now]
        for slot, *others in filter(None, (have_come, unknown[len(have_come) :][:1])):
            more = " (and others after it)" if others else ""
            why, *commands = self._why_unsettled(entry, slot)
            text = f"{entry.pipeline}: the slot at {slot_words(slot)} of `{entry.name}`{more} {why}."
            self.found.add(text, *commands)

    def _unknown(self, entry: Entry, span: Span) -> list[datetime]:
        """Return the first slot times that the ledger has not, of the span, and of its part that is not settled."""
        ledger = self._records.store.ledger if self._records else None
        settled = ledger.settled(entry.pipeline, entry.schedule) if ledger else None
        begins = [span.first, *([settled] if settled and span.first <= settled <= span.last else [])]
        slots = [slot for begin in begins for slot in islice(entry.slots(begin, span.last), _MOST)]
        rows = ledger and {slot: ledger.firing(entry.pipeline, entry.name, slot) for slot in slots}
        return [slot for slot in dict.fromkeys(slots) if not (rows and rows[slot])]

    def _why_unsettled(self, entry: Entry, slot: datetime) -> tuple[str, ...]:
        """Return why nothing is known of a slot time, and what to do."""
        if slot.astimezone(timezone.utc) > self._now:
            return (f"comes in {duration_words(slot - self._now)}", f"crude-link schedule next {entry.pipeline}")
        ledger = self._records.store.ledger if self._records else None
        since = ledger.since(entry.pipeline, entry.name) if ledger else None
        settled = ledger.settled(entry.pipeline, entry.schedule) if ledger else None
        backfill = _backfill(entry.pipeline, slot)
        if since is None or settled is None:
            return ("was not run: no scheduler has followed this entry yet", backfill)
        if slot <= since:
            return (f"was not run: a scheduler follows this entry only since {moment_words(since)}", backfill)
        if slot <= settled:
            return ("has no row in the ledger any more: it was long ago", backfill)
        return self._why_unseen(entry)

    def _why_unseen(self, entry: Entry) -> tuple[str, ...]:
        """Return why no scheduler has dealt with a slot time that has come."""
        scheduler = self._records.store.schedulers.scheduler() if self._records else None
        if is_scheduling(self._records):
            return ("is due, and the scheduler has not come to it yet", "crude-link schedule status")
        seen = f"; the last one was last seen at {moment_words(scheduler.seen)}" if scheduler else ""
        then = f"When the next one starts, `catch_up: {entry.schedule.catch_up.value}` decides"
        return (f"was not run: no scheduler was running then{seen}. {then}", start_command(scheduler))


def _sentence(firing: Firing, zone: tzinfo | None) -> str:
    of = f" of `{firing.entry}`" if firing.count == 1 else f", of `{firing.entry}`,"
    why = f": {firing.reason}" if firing.reason else ""
    return f"{firing.pipeline}: {which_words(firing, zone)}{of} {_became(firing)}{why}."


def _became(firing: Firing) -> str:
    late = late_words(firing)
    began = f"began run {firing.run}"
    match firing.fate:
        case Fate.RAN:
            return f"{began}, {late} late" if late else f"{began} on time"
        case Fate.CAUGHT_UP:
            return f"{began}, caught up {late} late"
        case Fate.BACKFILLED | Fate.REPEATED:
            return f"{began} at {moment_words(firing.at)}, {firing.fate.value} by a person"
        case Fate.QUEUED:
            return "waits" if firing.count == 1 else "wait"
        case Fate.SKIPPED | Fate.MISSED | Fate.REFUSED:
            return f"{'was' if firing.count == 1 else 'were'} {firing.fate.value}"
        case Fate.FAILED:
            return "could not begin"


def _commands(firing: Firing, rows: Sequence[Firing], zone: tzinfo | None) -> list[str]:
    """Return what could be done; of what was not run, and has been run since by hand, there is nothing."""
    if firing.run is not None:
        return [f"crude-link show {firing.run}"]
    blocker = [f"crude-link show {firing.blocker}"] if firing.blocker is not None else []
    if firing.fate is Fate.QUEUED:
        return [*blocker, "crude-link schedule status"]
    if any(
        row.run and row.entry == firing.entry and firing.slot_time <= row.slot_time <= firing.last for row in rows
    ):
        return blocker
    return [*blocker, _backfill(firing.pipeline, firing.slot_time.astimezone(zone), firing.last.astimezone(zone))]


def _backfill(pipeline: str, first: datetime, last: datetime | None = None) -> str:
    """Return the command that runs the slot times from one to another, as it is typed."""
    words = [f"'{slot_words(each)}'" for each in (first, last or first)]
    return f"crude-link schedule backfill {pipeline} --from {words[0]} --to {words[1]}"
