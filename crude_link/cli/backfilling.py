"""Back-filling: runs slot times of the past one after the other, and says how to go on where it stopped."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from crude_link.app import Ask
from crude_link.cli.attended import person_workshop, see_through
from crude_link.cli.moments import slot_words
from crude_link.cli.past_slots import PastSlot
from crude_link.cli.talk import say
from crude_link.errors import SlotTaken
from crude_link.model.event import Level, Notice
from crude_link.model.run import Origin
from crude_link.model.words import zoned_words
from crude_link.notifiers.look import look_of
from crude_link.notifiers.table import Cell, Column, Table
from crude_link.workshop import Workshop


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What was asked for."""

    config_files: tuple[Path, ...]
    pipeline: str | None
    first: str
    last: str | None
    entry: str | None
    again: bool
    keep_running: bool

    def command(self, slot: PastSlot) -> str:
        """Return the command that goes on with a slot."""
        words = ["crude-link", "schedule", "backfill", slot.entry.pipeline]
        words += [word for path in self.config_files for word in ("-c", str(path))]
        words += ["--from", slot_words(slot.slot_time)]
        words += ["--to", self.last] if self.last else []
        words += ["--entry", self.entry] if self.entry else []
        return shlex.join([*words, *["--again"] * self.again, *["--keep-running"] * self.keep_running])


@dataclass(slots=True)
class _Tally:
    """How far a back-fill has come."""

    done: int = 0
    left_out: int = 0
    #: The runs that did not succeed.
    failed: list[int] = field(default_factory=list)


def run_slots(wanted: Wanted, slots: Sequence[PastSlot], chosen: Sequence[PastSlot]) -> int:
    """Run the chosen ones of some slots in order, until one fails or a signal comes; return the exit status."""
    tally, has_several = _Tally(), len({slot.entry.name for slot in chosen}) > 1
    with person_workshop() as workshop:
        workshop.notifier.tell(Notice(text=f"{summary(slots, chosen)}, in {workshop.desk.project.directory}"))
        workshop.listen()
        for number, slot in enumerate(chosen, 1):
            which = f" of `{slot.entry.name}`" if has_several else ""
            words = f"slot {number} of {len(chosen)}: {slot_words(slot.slot_time)}{which}"
            workshop.notifier.tell(Notice(text=words))
            _run(workshop, slot, tally)
            if workshop.interrupts.signal or (tally.failed and not wanted.keep_running):
                break
    say(_closing(wanted, chosen, number, tally))
    return workshop.interrupts.exit_status if workshop.interrupts.signal else 1 if tally.failed else 0


def _run(workshop: Workshop, slot: PastSlot, tally: _Tally) -> None:
    entry, now = slot.entry, workshop.desk.clock.now()
    before = slot.slot_time - timedelta(seconds=1)  # a schedule that has ended since is still right
    loaded = workshop.desk.load_entry(entry.loaded.config, entry.pipeline, entry.schedule, fires_after=before)
    workshop.check(loaded)
    try:
        live = workshop.begin(loaded, Ask(origin=Origin.SCHEDULE, firing=slot.firing(now)))
    except SlotTaken as error:
        workshop.notifier.tell(Notice(text=f"left out: {error}", level=Level.WARNING))
        tally.left_out += 1
        return
    seen = see_through(workshop, live, loaded, prompt=False)
    if seen.exit_status == 0:
        tally.done += 1
    else:
        tally.failed.append(live.run.id)


def summary(slots: Sequence[PastSlot], chosen: Sequence[PastSlot]) -> str:
    """Say what would be run: `7 slots of night, 2026-11-01 02:00 +01:00 to ...; 2 of them ran already`."""
    if not slots:
        return "no slot came in that time · crude-link schedule next"
    ran = [slot.run for slot in slots if slot.run is not None]
    first, last = (slot_words(slot.slot_time) for slot in (slots[0], slots[-1]))
    span = first if len(slots) == 1 else f"{first} to {last}"
    words = f"{_count(len(slots))} of {slots[0].entry.pipeline}, {span}"
    if not ran:
        return words
    if len(chosen) == len(slots):
        return f"{words}; {len(ran)} that ran already run once more"
    return f"{words}; {len(ran)} ran already{'' if chosen else ' · --again runs them once more'}"


def lines_of(slots: Sequence[PastSlot], *, again: bool) -> list[str]:
    """Return a table of the slots: what became of each, and what would become of it now."""
    columns = [Column(title) for title in ("slot time", "entry", "became", "now")]
    seconds = any(slot.slot_time.second for slot in slots)
    rows: list[list[Cell | str]] = []
    for slot in slots:
        before = slot.before
        became = f"{before.fate.value}{f', run {slot.run}' if slot.run else ''}" if before else ""
        does = "left out" if slot.run is not None and not again else slot.fate.value
        rows.append([Cell(zoned_words(slot.slot_time, seconds=seconds), bold=True), slot.entry.name, became, does])
    return Table(columns, rows).lines(look_of(sys.stdout))


def _closing(wanted: Wanted, chosen: Sequence[PastSlot], reached: int, tally: _Tally) -> str:
    pipeline = chosen[0].entry.pipeline
    words = f"back-filled {tally.done} of {_count(len(chosen))} of {pipeline}"
    if tally.left_out:
        words += f"; {tally.left_out} had begun elsewhere"
    commands = [f"crude-link resume {run}" for run in tally.failed[:3]]
    if tally.failed:
        runs = "run" if len(tally.failed) == 1 else "runs"
        words += f"; {runs} {', '.join(map(str, tally.failed))} did not succeed"
    if reached < len(chosen):
        words += f"; {_count(len(chosen) - reached)} are left"
        commands.append(wanted.command(chosen[reached]))
    return " · ".join([words, *(commands or [f"crude-link schedule history {pipeline}"])])


def _count(number: int) -> str:
    return f"{number:,} slot{'' if number == 1 else 's'}"
