"""What a schedule that looks for new files does: whether it may look now, and what becomes of what a look found.

A slot time of such an entry is the time of a look that found something. Nothing is missed and nothing is queued: what
no run was begun for is new still, and the next look finds it.
"""

from __future__ import annotations

from crude_link.model.firing import Fate
from crude_link.model.look import Look
from crude_link.model.schedule import Overlap, Schedule
from crude_link.model.words import moment_words
from crude_link.scheduling.fates import Begin, Move, PipelineView, Stop


def may_look(schedule: Schedule, view: PipelineView) -> bool:
    """True when a run might be begun for what is found: otherwise looking is in vain."""
    if view.refusal:
        return False
    return schedule.overlap in (Overlap.ALLOW, Overlap.REPLACE) or not _is_busy(view)


def moves_for_finding(schedule: Schedule, look: Look, view: PipelineView) -> tuple[Move, ...]:
    """Answer for what a look found. After a Stop it is to be looked again when what was stopped has ended."""
    found = look.finding
    if found is None or not found.new or not may_look(schedule, view):
        return ()
    if schedule.overlap is Overlap.REPLACE and _is_busy(view):
        words = f"{found.words}, found at {moment_words(look.at, seconds=True)}"
        return (Stop(runs=tuple(view.live), reason=words),)
    begin = Begin(entry=schedule.entry, slot_time=look.at, fate=Fate.RAN, reason=found.words, look=found.look)
    return (begin,)


def _is_busy(view: PipelineView) -> bool:
    return bool(view.live or view.waiting)
