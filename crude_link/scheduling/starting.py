"""WorkshopStarter: begins and ends the runs of schedules in this process's workshop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crude_link.app import Ask, Loaded
from crude_link.engine.plan import Stopping
from crude_link.errors import CannotStart, StoreError
from crude_link.model.event import Level, Notice
from crude_link.model.firing import Firing
from crude_link.model.policy import SCHEDULED_RETENTION
from crude_link.model.run import NewRequest, Origin, RequestKind, Run
from crude_link.model.schedule import Schedule
from crude_link.model.status import Status
from crude_link.scheduling.parts import Begun
from crude_link.workshop import Workshop

#: To look what retention removes costs more than a run's begin: so it is done once in so many seconds, or sooner when
#: many runs have begun. Where retention does not count runs, so many are many.
_TIDY_PERIOD = 60.0
_TIDY_RUNS = 500
_BY = "its schedule"


class WorkshopStarter:
    """See `Starter`."""

    def __init__(self, workshop: Workshop, for_run: Callable[[Loaded, Schedule], Loaded]) -> None:
        self._workshop = workshop
        self._for_run = for_run
        #: By pipeline: how many runs began since its old ones were removed, and when that was.
        self._begun: dict[str, tuple[int, float]] = {}

    def begin(self, loaded: Loaded, schedule: Schedule, firing: Firing, look: int | None) -> Run:
        """Begin the run of a slot time, or of what a look found, after the pre-flight. CrudeLinkError when it cannot.

        Classes look at their configs only before the scheduler begins: all that is live would wait for their code.
        """
        try:
            loaded = self._for_run(loaded, schedule)
            self._workshop.check_files(loaded)
        except OSError as error:  # what is wrong with the files of one pipeline is to stop no other
            raise CannotStart(str(error)) from error
        return self._workshop.begin(loaded, Ask(origin=Origin.SCHEDULE, firing=firing, look=look)).run

    def resume(self, run: int) -> None:
        """Go on with a run. CrudeLinkError when it cannot."""
        self._workshop.resume(run)

    def stop(self, run: int, reason: str) -> None:
        """Have a run stopped, ours or another process's."""
        if run in self._workshop.runner.live:
            self._workshop.runner.stop(run, Stopping(status=Status.CANCELLED, reason=reason), by=_BY)
            return
        now = self._workshop.desk.clock.now()
        self._workshop.store.states.ask(NewRequest(run=run, kind=RequestKind.STOP, by=f"{_BY}: {reason}", at=now))

    def going(self, pipeline: str) -> Sequence[int]:
        """Return the runs of a pipeline that somebody works on."""
        return self._workshop.store.history.worked_on(pipeline)

    def left_behind(self, pipeline: str) -> Sequence[Begun]:
        """Return the lost runs of slot times, and the newest of those runs if it has failed."""
        history = self._workshop.store.history
        newest = [run for run in history.runs(pipeline, limit=1) if run.status is Status.FAILED]
        lost = [run for run in history.going(pipeline) if run.status is Status.LOST]
        found = []
        for run in (*lost, *newest):
            firing = self._workshop.store.ledger.of_run(run.id) if run.slot_time else None
            if firing:
                found.append(Begun(run=run, firing=firing, sittings=len(history.sittings(run.id))))
        return found

    def tidy(self, loaded: Loaded) -> None:
        """Remove what retention does not keep: after a minute, or after a tenth of the runs that it keeps."""
        pipeline, clock = loaded.pipeline, self._workshop.desk.clock
        kept = (pipeline.retention or SCHEDULED_RETENTION).runs
        begun, tidied = self._begun.get(pipeline.name, (0, -_TIDY_PERIOD))
        if begun < (kept or _TIDY_RUNS) // 10 and clock.monotonic() - tidied < _TIDY_PERIOD:
            self._begun[pipeline.name] = (begun + 1, tidied)
            return
        self._begun[pipeline.name] = (1, clock.monotonic())
        self._workshop.tidy(pipeline)
        try:
            self._workshop.store.ledger.forget_old(pipeline.name, clock.now())
        except StoreError as error:
            text = f"old rows of the ledger of {pipeline.name} could not be removed: {error}"
            self._workshop.notifier.tell(Notice(text=text, level=Level.WARNING))
