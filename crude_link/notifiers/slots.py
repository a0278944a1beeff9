"""Slots: what became of slot times, in words."""

from __future__ import annotations

from crude_link.model.event import Level, Notice, SlotSettled
from crude_link.model.firing import Fate, Firing
from crude_link.model.words import moment_words

#: Where nothing is said, it is INFO.
_LEVELS = {Fate.SKIPPED: Level.WARNING, Fate.MISSED: Level.WARNING, Fate.FAILED: Level.ERROR}
#: So many in a row of what should not be are no longer a chance.
_LOUD_FROM = 10


def slot_notice(event: SlotSettled) -> Notice:
    """Return it as a notice: `nightly: skipped the slot at 2026-03-01 02:00 CET: run 41 is still going`."""
    firing = event.firing
    level = _LEVELS.get(firing.fate, Level.INFO)
    if level is Level.WARNING and event.in_a_row >= _LOUD_FROM:
        level = Level.ERROR
    why = f": {firing.reason}" if firing.reason else ""
    row = f", {event.in_a_row:,} in a row" if event.in_a_row > max(firing.count, 1) else ""
    text = f"{firing.pipeline}: {firing.fate.value} {_which(firing)}{row}{why}"
    return Notice(text=text, level=level, run=firing.run)


def _which(firing: Firing) -> str:
    first = moment_words(firing.slot_time, seconds=True)
    if firing.count == 1:
        return f"the slot at {first}"
    return f"{firing.count:,} slots, {first} to {moment_words(firing.last, seconds=True)}"
