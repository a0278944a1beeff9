"""Aftermath: what the end of a run means for the schedules of its pipeline: a retry, an end, a pause, or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from crude_link.engine.retry import wait_after
from crude_link.model.event import Level, ScheduleHalted
from crude_link.model.firing import ENDED, Pause
from crude_link.model.run import Ending, Outcome
from crude_link.model.schedule import AfterFailure, Schedule
from crude_link.model.status import Status
from crude_link.scheduling.bookkeeper import Bookkeeper
from crude_link.scheduling.following import slot_words
from crude_link.scheduling.parts import Begun, DutyParts, FollowedPipeline

#: Without `max_lateness`, a run that an earlier scheduler left is gone on with no later than this.
_LONGEST_LEFT = timedelta(days=1)


class Aftermath:
    """Applies what a pipeline's schedule says of runs that have failed."""

    def __init__(self, parts: DutyParts, bookkeeper: Bookkeeper, *, keep_running: bool) -> None:
        self._parts = parts
        self._books = bookkeeper
        self._keep_running = keep_running

    def ended(self, pipeline: FollowedPipeline, begun: Begun) -> None:
        """Do what the end of a run asks for. One that somebody stopped has not failed."""
        run, schedule = begun.run, pipeline.schedules.get(begun.firing.entry)
        if run.status is Status.SUCCEEDED:
            pipeline.failures = 0
        if run.status not in (Status.FAILED, Status.LOST) or schedule is None:
            self._tell_next(pipeline)
        elif not self.is_tried_again(pipeline, begun, self._parts.clock.now()):
            self.failed(pipeline, schedule, f"run {run.id} is {run.status.value}", run.id)

    def is_tried_again(self, pipeline: FollowedPipeline, begun: Begun, ended: datetime) -> bool:
        """True when the run is gone on with later, which is noted and told."""
        wait = self._wait(pipeline, begun)
        if wait is None:
            return False
        run, due = begun.run, max(ended + wait, self._parts.clock.now())
        pipeline.retries[run.id] = due
        text = f"{pipeline.name}: run {run.id} is {run.status.value}; it is gone on with at {slot_words(due)}"
        self._books.say(text, Level.WARNING)
        return True

    def is_taken_up(self, pipeline: FollowedPipeline, begun: Begun, left: datetime) -> bool:
        """Answer as `is_tried_again` for a run that an earlier scheduler left; False when it is too late."""
        wait, schedule = self._wait(pipeline, begun), pipeline.schedules.get(begun.firing.entry)
        limit = schedule.max_lateness if schedule else None
        if wait is None or self._parts.clock.now() - left - wait > (limit or _LONGEST_LEFT):
            return False
        return self.is_tried_again(pipeline, begun, left)

    def _wait(self, pipeline: FollowedPipeline, begun: Begun) -> timedelta | None:
        schedule = pipeline.schedules.get(begun.firing.entry)
        return retry_wait(schedule, begun) if schedule and not pipeline.stopped else None

    def failed(self, pipeline: FollowedPipeline, schedule: Schedule, what: str, run: int | None = None) -> None:
        """Do what the failure policy says after a run that failed for good, or a slot that could not begin."""
        pipeline.failures += 1
        policy = schedule.on_failure
        if policy.pause_after is not None and pipeline.failures >= policy.pause_after:
            self._pause(pipeline, what, run)
        elif policy.pause_after is None and policy.then is AfterFailure.STOP and not self._keep_running:
            self._stop(pipeline, what, run)
        else:
            self._tell_next(pipeline)

    def _stop(self, pipeline: FollowedPipeline, what: str, run: int | None) -> None:
        if not pipeline.stopped:
            pipeline.stopped = f"{ENDED}: {what}"
            told = ScheduleHalted(pipeline=pipeline.loaded.pipeline, reason=what, is_paused=False, run=run)
            self._parts.notifier.tell(told)

    def _pause(self, pipeline: FollowedPipeline, what: str, run: int | None) -> None:
        runs = "1 run" if pipeline.failures == 1 else f"{pipeline.failures} runs in a row"
        why = f"{runs} failed, at last: {what}"
        pause = Pause(pipeline=pipeline.name, at=self._parts.clock.now(), by="crude-link", why=why)
        self._books.written(lambda: self._parts.book.pause(pause))
        pipeline.failures = 0
        told = ScheduleHalted(pipeline=pipeline.loaded.pipeline, reason=why, is_paused=True, run=run)
        self._parts.notifier.tell(told)

    def _tell_next(self, pipeline: FollowedPipeline) -> None:
        # One that has come already is seen to just now.
        if pipeline.next_slot and pipeline.next_slot > self._parts.clock.now() and not pipeline.stopped:
            self._books.say(f"{pipeline.name}: next run at {slot_words(pipeline.next_slot)}")


def retry_wait(schedule: Schedule, begun: Begun) -> timedelta | None:
    """Return how long to wait before a run that failed or was lost is gone on with; None: it is not."""
    run = begun.run
    end = Outcome(ending=Ending.LOST if run.status is Status.LOST else Ending.EXITED, ended=run.ended or run.began)
    return wait_after(schedule.retries, end, begun.sittings, str(run.id))
