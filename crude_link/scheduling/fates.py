"""The one pure question about a schedule: given what is known of an entry, what becomes now of its slot times?

A restart, a machine that slept and a loop that was busy are the same case: slot times have come and have no fate
yet. Of those, `catch_up` says which are to run; `overlap` says what is done with one that is to run while the
pipeline is still going. An answer ends with the first run that is to begin: after it, the question is asked anew.

- A slot time that is at most PUNCTUAL late is on time: `max_lateness` does not speak of it.
- Slot times that are caught up by `catch_up: all` run one after the other, whatever `overlap` says.
- A pipeline that is paused or stopped refuses its slot times, also those that wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crude_link.model.exhaustive import assert_never
from crude_link.model.firing import Fate, Firing
from crude_link.model.schedule import CatchUp, Overlap, Schedule
from crude_link.model.words import duration_words, moment_words

#: What begins within this after its slot time is on time; nobody can tell such a delay from a busy machine.
PUNCTUAL = timedelta(seconds=10)
#: A slot time that is seen later than this came while nobody looked: with `catch_up: all` it waits its turn to run,
#: also where one that comes during a run is skipped.
_UNSEEN = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """Slot times of an entry that have come and have no fate yet: `count` of them, of which the newest are known."""

    count: int
    first: datetime
    #: The earliest first; all of them, or at least one more than the entry may catch up.
    newest: tuple[datetime, ...]

    def behind(self, moment: datetime) -> Due | None:
        """Return those after `moment`, which is one of the newest; None when it was the last."""
        left = tuple(slot for slot in self.newest if slot > moment)
        return Due(count=len(left), first=left[0], newest=left) if left else None


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineView:
    """How a pipeline stands when the question is asked."""

    #: Its runs that are going in the project, whoever began them, and those of ours that wait for a retry.
    live: Sequence[int] = ()
    #: The slot times that wait, the earliest first, of all its entries.
    waiting: Sequence[Firing] = ()
    #: Why it begins nothing by schedule; empty when it does.
    refusal: str = ""
    #: Why slot times could be missed, in words.
    absence: str = "crude-link was busy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """Begin the run of a slot time."""

    entry: str
    slot_time: datetime
    fate: Fate
    reason: str = ""
    #: The look that found what it is begun for.
    look: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Write down what became of slot times that begin no run now."""

    entry: str
    fate: Fate
    first: datetime
    last: datetime
    count: int = 1
    reason: str = ""
    blocker: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Stop these runs; the slot time that replaces them waits until they have ended."""

    runs: tuple[int, ...]
    reason: str


Move = Begin | Note | Stop


def moves_for(schedule: Schedule, due: Due, view: PipelineView, now: datetime) -> tuple[Move, ...]:
    """Answer for the slot times of one entry that are due. The last move is about the latest one settled by it."""
    if view.refusal:
        return (_note(schedule, Fate.REFUSED, due.first, due.newest[-1], due.count, view.refusal),)
    wanted = _wanted(schedule, due, now)
    if len(wanted) < due.count:
        return (_missed(schedule, due, wanted, view, now), *(_run(schedule, wanted[0], view, now) if wanted else ()))
    return _run(schedule, wanted[0], view, now)


def moves_for_waiting(schedules: Mapping[str, Schedule], view: PipelineView, now: datetime) -> tuple[Move, ...]:
    """Answer for the slot times of a pipeline that wait; `schedules` are its entries by name."""
    moves: list[Move] = []
    for each in view.waiting:
        schedule = schedules.get(each.entry)
        if schedule is None:
            moves.append(_again(each, Fate.REFUSED, "its schedule is in the config no more"))
        elif view.refusal:
            moves.append(_again(each, Fate.REFUSED, view.refusal))
        elif _is_too_late(schedule, each.slot_time, now):
            moves.append(_again(each, Fate.SKIPPED, f"{each.reason}; {_too_late_words(schedule)}"))
        elif not view.live:
            was_missed = each.at - each.slot_time > PUNCTUAL
            fate = Fate.CAUGHT_UP if was_missed else Fate.RAN
            return (*moves, Begin(entry=each.entry, slot_time=each.slot_time, fate=fate, reason=each.reason))
    return tuple(moves)


def _wanted(schedule: Schedule, due: Due, now: datetime) -> tuple[datetime, ...]:
    """Return those of the due slot times that are to run: some of the newest."""
    on_time = tuple(slot for slot in due.newest if now - slot <= PUNCTUAL)
    match schedule.catch_up:
        case CatchUp.LATEST:
            chosen = due.newest[-1:]
        case CatchUp.ALL:
            chosen = due.newest[-schedule.max_catch_up :] if schedule.max_catch_up else on_time[-1:]
        case CatchUp.NONE:
            chosen = on_time[-1:]
        case _:
            assert_never(schedule.catch_up)
    return tuple(slot for slot in chosen if not _is_too_late(schedule, slot, now))


def _missed(schedule: Schedule, due: Due, wanted: tuple[datetime, ...], view: PipelineView, now: datetime) -> Note:
    last = due.newest[-1 - len(wanted)]
    why = view.absence
    if _is_too_late(schedule, last, now):
        why += f"; {_too_late_words(schedule)}"
    elif wanted and schedule.catch_up is CatchUp.ALL:
        why += f"; max_catch_up is {schedule.max_catch_up}"
    elif not wanted:
        why += f"; catch_up is {schedule.catch_up.value}"
    return _note(schedule, Fate.MISSED, due.first, last, due.count - len(wanted), why)


def _run(schedule: Schedule, slot_time: datetime, view: PipelineView, now: datetime) -> tuple[Move, ...]:
    """Let a slot time run, or wait, or not, by what the pipeline does at present."""
    is_late = now - slot_time > PUNCTUAL
    is_caught_up = schedule.catch_up is CatchUp.ALL and now - slot_time > _UNSEEN
    overlap = Overlap.QUEUE if is_caught_up else schedule.overlap
    if overlap is Overlap.ALLOW or not (view.live or view.waiting):
        fate = Fate.CAUGHT_UP if is_late else Fate.RAN
        return (Begin(entry=schedule.entry, slot_time=slot_time, fate=fate, reason=view.absence if is_late else ""),)
    blocker = min(view.live, default=None)
    going = f"run {blocker} was still going" if blocker else "slot times before it wait"
    if overlap is Overlap.SKIP:
        return (_note(schedule, Fate.SKIPPED, slot_time, slot_time, 1, going, blocker),)
    if overlap is Overlap.REPLACE:
        words = f"the slot at {moment_words(slot_time, seconds=True)} replaced it"
        stop = Stop(runs=tuple(view.live), reason=words)
        replaced = [_again(each, Fate.SKIPPED, words) for each in view.waiting]
        why = f"replaces {_runs_words(view.live)}" if view.live else going
        return (*replaced, stop, _note(schedule, Fate.QUEUED, slot_time, slot_time, 1, why, blocker))
    if len(view.waiting) >= schedule.max_catch_up:
        full = f"{going}, and the queue is full: {len(view.waiting)} wait"
        return (_note(schedule, Fate.SKIPPED, slot_time, slot_time, 1, full, blocker),)
    why = view.absence if is_late else going
    return (_note(schedule, Fate.QUEUED, slot_time, slot_time, 1, why, blocker),)


def _runs_words(runs: Sequence[int]) -> str:
    return f"run{'s'[: len(runs) != 1]} {', '.join(map(str, sorted(runs)))}"


def _is_too_late(schedule: Schedule, slot_time: datetime, now: datetime) -> bool:
    return schedule.max_lateness is not None and now - slot_time > max(schedule.max_lateness, PUNCTUAL)


def _too_late_words(schedule: Schedule) -> str:
    return f"more than {duration_words(schedule.max_lateness or timedelta(0))} late (max_lateness)"


def _note(  # noqa: PLR0913, PLR0917  # the columns of a row
    schedule: Schedule, fate: Fate, first: datetime, last: datetime, count: int, why: str, blocker: int | None = None
) -> Note:
    return Note(entry=schedule.entry, fate=fate, first=first, last=last, count=count, reason=why, blocker=blocker)


def _again(waiting: Firing, fate: Fate, why: str) -> Note:
    slot = waiting.slot_time
    return Note(entry=waiting.entry, fate=fate, first=slot, last=slot, reason=why, blocker=waiting.blocker)
