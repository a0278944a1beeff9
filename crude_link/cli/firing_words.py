"""Firing words: what became of slot times, as the commands say it."""

from __future__ import annotations

from datetime import timedelta

from crude_link.app import Records
from crude_link.model.firing import Fate, Firing
from crude_link.model.run import Run
from crude_link.model.words import duration_words, moment_words
from crude_link.notifiers.look import Colour
from crude_link.notifiers.slots import slots_words

#: What is not told as a delay.
_PROMPT = timedelta(seconds=1)

COLOURS: dict[Fate, Colour] = {
    Fate.RAN: "green",
    Fate.CAUGHT_UP: "green",
    Fate.BACKFILLED: "green",
    Fate.REPEATED: "green",
    Fate.QUEUED: "cyan",
    Fate.SKIPPED: "yellow",
    Fate.MISSED: "yellow",
    Fate.REFUSED: "yellow",
    Fate.FAILED: "red",
}


def lateness(firing: Firing) -> timedelta | None:
    """Return how long after its slot time a run began; None for what began none."""
    return firing.at - firing.slot_time if firing.run is not None else None


def late_words(firing: Firing) -> str:
    """Say how late a schedule began a run; nothing for one that was on time, or that a person began."""
    late = lateness(firing) if firing.fate in (Fate.RAN, Fate.CAUGHT_UP) else None
    return duration_words(late) if late is not None and late >= _PROMPT else ""


def which_words(firing: Firing) -> str:
    """Say which slot times a row is about, with seconds only where they have some."""
    return slots_words(firing, seconds=bool(firing.slot_time.second or firing.last.second))


def slot_of_run(records: Records, run: Run) -> str:
    """Say for which slot time a run was begun: `for the slot at 2026-03-01 02:00 +00:00 of `hourly`, 3 s late`."""
    firing = records.store.ledger.of_run(run.id)
    if firing is None:  # its row is no longer kept
        return f"for the slot at {moment_words(run.slot_time)}" if run.slot_time else ""
    how = "" if firing.fate is Fate.RAN else f" ({firing.fate.value})"
    late = late_words(firing)
    why = f": {firing.reason}" if firing.reason else ""
    return f"for {which_words(firing)} of `{firing.entry}`{how}{f', {late} late' if late else ''}{why}"
