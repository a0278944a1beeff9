"""ScheduleDuty: follows the schedules of config files: looks what is due, asks what becomes of it, and does that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from crude_link.app import missed_slots
from crude_link.errors import CrudeLinkError
from crude_link.model.event import Level, RunLeft
from crude_link.model.exhaustive import assert_never
from crude_link.model.firing import Pause
from crude_link.model.run import Run
from crude_link.model.words import moment_words
from crude_link.scheduling.absence import Absence, StepBack, Timekeeper
from crude_link.scheduling.aftermath import Aftermath
from crude_link.scheduling.bookkeeper import Bookkeeper
from crude_link.scheduling.fates import Begin, Due, Move, Note, PipelineView, Stop, moves_for, moves_for_waiting
from crude_link.scheduling.following import Following
from crude_link.scheduling.parts import Begun, DutyParts, FollowedEntry, FollowedPipeline
from crude_link.scheduling.watching import Watching

#: So long may one turn of it take, in seconds; the runs that are going want their turn too.
_TURN = 0.25
#: When something is due, it looks at the config files if it has not done so for this many seconds.
_SHORT_LOOK = 1.0


class ScheduleDuty:
    """A duty of the scheduler: it begins the runs of slot times, and knows what became of every one."""

    def __init__(self, parts: DutyParts, *, absence: Absence | None, keep_running: bool) -> None:
        self._parts = parts
        self._absence = absence
        self._following = Following(parts)
        self._books = Bookkeeper(parts)
        self._after = Aftermath(parts, self._books, keep_running=keep_running)
        self._watching = Watching(parts, self._following, self._books)
        self._time = Timekeeper(parts.clock)
        self._looked = parts.clock.monotonic()
        #: The runs that go on in this process, or will.
        self._begun: dict[int, tuple[FollowedPipeline, Begun]] = {}
        self._pauses: Mapping[str, Pause] = {}
        self._follow()

    @property
    def went_well(self) -> bool:
        """True while there is something to follow, and no schedule was ended by a failure."""
        pipelines = self._following.pipelines.values()
        return bool(pipelines) and not any(pipeline.stopped for pipeline in pipelines)

    @property
    def is_over(self) -> bool:
        """True when nothing is left to follow."""
        return not self._begun and all(each.is_done for each in self._following.pipelines.values())

    def act(self) -> datetime:
        """Do what is due, for a short while; return when it wants its next turn."""
        clock = self._parts.clock
        self._look_at_time()
        now, began = clock.now(), clock.monotonic()
        # What was edited a moment ago is meant to hold for the slot that is due.
        is_due = any(moment <= now for moment in self._following.next_moments())
        if began - self._looked >= (_SHORT_LOOK if is_due else self._parts.look.total_seconds()):
            self._looked = began
            self._look_around(now)
        due = self._retry(now)
        self._pauses = {pause.pipeline: pause for pause in self._parts.book.pauses()}
        self._answer_looks(now)
        for entry in self._following.due(now):
            if entry.schedule.new_files:
                self._watching.look(entry, self._view(entry.pipeline), now)
            else:
                self._settle(entry, now)
            if clock.monotonic() - began > _TURN:
                return self._time.rest_until(now)
        wanted = [now + self._parts.look, *due, *self._following.next_moments(), *self._watching.next_moments(now)]
        return self._time.rest_until(min(wanted))

    def ended(self, run: Run) -> None:
        """Hear that a run of this process has ended."""
        if run.id not in self._begun:
            return
        pipeline, begun = self._begun.pop(run.id)
        begun = replace(begun, run=run)
        self._after.ended(pipeline, begun)
        if run.id in pipeline.retries:
            self._begun[run.id] = (pipeline, begun)
        self._serve(pipeline, self._parts.clock.now())

    def is_tried_again(self, run: int) -> bool:
        """True when a run of ours that has failed is gone on with later."""
        return run in self._begun and run in self._begun[run][0].retries

    # --- looking --------------------------------------------------------------------------------------------

    def _look_at_time(self) -> None:
        found = self._time.look()
        if isinstance(found, StepBack):
            self._following.set_back(found.now)
        if isinstance(found, Absence):
            self._absence = found
        if found:
            self._books.say(found.words, Level.WARNING)

    def _look_around(self, now: datetime) -> None:
        if self._parts.watch.has_changed():
            self._follow()
        for pipeline in self._following.pipelines.values():
            if pipeline.waiting:
                self._serve(pipeline, now)

    def _follow(self) -> None:
        for pipeline in self._following.follow(self._parts.watch.pipelines()):
            for begun in self._parts.starter.left_behind(pipeline.name):
                self._take_up(pipeline, begun)
            self._parts.starter.tidy(pipeline.loaded)
        if not self._following.pipelines:
            self._books.say("no schedule is left to follow", Level.ERROR)

    def _take_up(self, pipeline: FollowedPipeline, begun: Begun) -> None:
        """Go on with a run that an earlier scheduler left, where its retries allow, or tell of it.

        Of one that has failed that scheduler may have told nobody: it waited for a retry, or died at once.
        """
        run = begun.run
        seen = self._absence.begin if self._absence else run.began
        if self._after.is_taken_up(pipeline, begun, run.ended or max(run.began, seen)):
            self._begun[run.id] = (pipeline, begun)
        else:
            self._parts.notifier.tell(RunLeft(run=run, pipeline=pipeline.loaded.pipeline))

    def _answer_looks(self, now: datetime) -> None:
        """Do what the looks that have ended ask for."""
        for entry, look in self._watching.ended():
            for move in self._watching.moves(entry, look, self._view(entry.pipeline), now):
                self._do(entry.pipeline, move)

    # --- doing ----------------------------------------------------------------------------------------------

    def _settle(self, entry: FollowedEntry, now: datetime) -> None:
        """Settle what became of all slot times of an entry up to now."""
        pipeline = entry.pipeline
        due = self._due(entry, now)
        while due:
            moves = moves_for(entry.schedule, due, self._view(pipeline, due.first), now)
            for move in moves:
                self._do(pipeline, move)
            last = moves[-1]
            assert not isinstance(last, Stop)
            due = due.behind(last.slot_time if isinstance(last, Begin) else last.last)
        self._books.written(lambda: self._following.advance(entry, now))

    def _due(self, entry: FollowedEntry, now: datetime) -> Due | None:
        most = max(entry.schedule.max_catch_up + 1, 2)
        ran = self._ran_ahead(entry, now) if entry.newest > entry.settled else frozenset()
        found = missed_slots(entry.trigger, entry.settled, now, most + len(ran))
        if not found:
            return None
        slots = [slot.astimezone(timezone.utc) for slot in found.newest]
        newest = tuple(slot for slot in slots if slot not in ran)
        if not newest:
            return None
        first = found.first.astimezone(timezone.utc)
        while first in ran:
            first = (entry.trigger.next_after(first) or newest[0]).astimezone(timezone.utc)
        return Due(count=found.count - len(ran), first=first, newest=newest)

    def _ran_ahead(self, entry: FollowedEntry, now: datetime) -> frozenset[datetime]:
        """Return the slot times up to now that ran before the clock was set back."""
        rows = self._parts.ledger.firings(entry.pipeline.name, since=entry.settled)
        mine = (row.slot_time for row in rows if row.entry == entry.name and row.run)
        return frozenset(slot for slot in mine if entry.settled < slot <= now)

    def _view(self, pipeline: FollowedPipeline, slot_time: datetime | None = None) -> PipelineView:
        absence = self._absence.reason_for(slot_time) if self._absence and slot_time else "crude-link was busy"
        live = [*self._parts.starter.going(pipeline.name), *pipeline.retries]
        waiting = tuple(pipeline.waiting)
        return PipelineView(live=live, waiting=waiting, refusal=self._refusal(pipeline), absence=absence)

    def _refusal(self, pipeline: FollowedPipeline) -> str:
        pause = self._pauses.get(pipeline.name)
        if pipeline.stopped or pause is None:
            return pipeline.stopped
        why = f": {pause.why}" if pause.why else ""
        return f"paused by {pause.by} at {moment_words(pause.at)}{why}"

    def _serve(self, pipeline: FollowedPipeline, now: datetime) -> None:
        """Begin what waits, as far as that may begin."""
        has_begun = bool(pipeline.waiting)
        while has_begun and pipeline.waiting:
            moves = moves_for_waiting(pipeline.schedules, self._view(pipeline), now)
            for move in moves:
                self._do(pipeline, move)
            has_begun = any(isinstance(move, Begin) for move in moves)

    def _do(self, pipeline: FollowedPipeline, move: Move) -> None:
        match move:
            case Begin():
                self._begin(pipeline, move)
            case Note():
                self._books.note(pipeline, move)
            case Stop():
                for run in move.runs:
                    self._stop(pipeline, run, move.reason)
            case _:
                assert_never(move)

    def _begin(self, pipeline: FollowedPipeline, move: Begin) -> None:
        try:
            begun = self._books.begin(pipeline, move)
        except CrudeLinkError:
            self._after.failed(pipeline, pipeline.schedules[move.entry], "the slot could not begin")
            return
        if begun:
            self._begun[begun.run.id] = (pipeline, begun)
            self._parts.starter.tidy(pipeline.loaded)

    def _stop(self, pipeline: FollowedPipeline, run: int, reason: str) -> None:
        if run in pipeline.retries:
            del pipeline.retries[run], self._begun[run]
            self._books.say(f"{pipeline.name}: run {run} is not resumed: {reason}", Level.WARNING)
        else:
            self._parts.starter.stop(run, reason)

    def _retry(self, now: datetime) -> Sequence[datetime]:
        """Go on with the runs whose delay is over; return when those of the others are."""
        later = []
        for run, (pipeline, begun) in list(self._begun.items()):
            due = pipeline.retries.get(run)
            if due is None:
                continue
            if due > now:
                later.append(due)
                continue
            del pipeline.retries[run]
            try:
                self._parts.starter.resume(run)
                self._begun[run] = (pipeline, replace(begun, sittings=begun.sittings + 1))
            except CrudeLinkError as error:
                del self._begun[run]
                self._books.say(f"{pipeline.name}: run {run} could not be resumed: {error}", Level.ERROR)
        return later
