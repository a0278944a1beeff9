"""Slots: what became of slot times, in words."""

from __future__ import annotations

from crude_link.model.event import Level, Notice, RunLeft, ScheduleHalted, SlotSettled
from crude_link.model.firing import Fate, Firing
from crude_link.model.status import Status
from crude_link.model.words import moment_words

#: Where nothing is said, it is INFO.
_LEVELS = {Fate.SKIPPED: Level.WARNING, Fate.MISSED: Level.WARNING, Fate.FAILED: Level.ERROR}
#: So many in a row of what should not be are no longer a chance.
_LOUD_FROM = 10


def as_notice(event: SlotSettled | ScheduleHalted | RunLeft | Notice) -> Notice:
    """Return what is told in one sentence as a notice."""
    match event:
        case SlotSettled():
            return slot_notice(event)
        case ScheduleHalted():
            return halted_notice(event)
        case RunLeft():
            return left_notice(event)
        case Notice():
            return event


def slot_notice(event: SlotSettled) -> Notice:
    """Return it as a notice: `nightly: skipped the slot at 2026-03-01 02:00 CET: run 41 is still going`."""
    firing = event.firing
    level = _LEVELS.get(firing.fate, Level.INFO)
    if level is Level.WARNING and event.in_a_row >= _LOUD_FROM:
        level = Level.ERROR
    why = f": {firing.reason}" if firing.reason else ""
    row = f", {event.in_a_row:,} in a row" if event.in_a_row > max(firing.count, 1) else ""
    text = f"{firing.pipeline}: {firing.fate.value} {slots_words(firing)}{row}{why}"
    return Notice(text=text, level=level, run=firing.run)


def halted_notice(event: ScheduleHalted) -> Notice:
    """Return it as a notice: `nightly: the schedule is paused: 3 runs in a row failed`."""
    name = event.pipeline.name
    text = f"{name}: the schedule {'is paused' if event.is_paused else 'ends'}: {event.reason}"
    more = f" · crude-link schedule unpause {name}" if event.is_paused else ""
    return Notice(text=f"{text}{more}", level=Level.ERROR, run=event.run)


def left_notice(event: RunLeft) -> Notice:
    """Return it as a notice: `nightly: run 41, for the slot at 2026-03-01 02:00 +01:00, was lost: ...`."""
    run = event.run
    slot = f", for the slot at {moment_words(run.slot_time, seconds=True)}," if run.slot_time else ""
    reason = run.reason.removesuffix(f"; crude-link resume {run.id}")
    how = "was lost" if run.status is Status.LOST else "has failed"
    text = f"{run.pipeline}: run {run.id}{slot} {how}: {reason} · crude-link resume {run.id}"
    return Notice(text=text, level=Level.WARNING, run=run.id)


def slots_words(firing: Firing, *, seconds: bool = True) -> str:
    """Say which slot times it is about: `the slot at 2026-03-01 02:00 CET`, `12 slots, 2026-03-01 ... to ...`."""
    first = moment_words(firing.slot_time, seconds=seconds)
    if firing.count == 1:
        return f"the slot at {first}"
    return f"{firing.count:,} slots, {first} to {moment_words(firing.last, seconds=seconds)}"
