"""The scheduler of a project, put together: its lock, its record, and the duties of its loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from crude_link.app import trigger_for
from crude_link.errors import SchedulerRuns, StoreError, StoreGone
from crude_link.interfaces import Clock, SchedulerBook
from crude_link.looking.looks import Looks
from crude_link.model.firing import SchedulerRecord
from crude_link.model.run import Run
from crude_link.scheduler import Duty, Scheduler, SchedulerParts
from crude_link.scheduling.absence import Absence
from crude_link.scheduling.configs import ConfigWatch
from crude_link.scheduling.duty import ScheduleDuty
from crude_link.scheduling.parts import DutyParts
from crude_link.scheduling.starting import WorkshopStarter
from crude_link.store.scheduler_lock import scheduler_lock
from crude_link.workshop import Workshop

_SIGN_PERIOD = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What a scheduler follows, and how."""

    watch: ConfigWatch
    files: tuple[Path, ...]
    log: Path
    keep_running: bool


def follow_schedules(
    workshop: Workshop, service: Service, alert_duty: Callable[[Callable[[int], bool]], Duty]
) -> bool:
    """Be the scheduler of the workshop's project until a signal comes or nothing is left to follow.

    `alert_duty` returns the duty of alerts; it gets to know which runs that have failed are tried again.
    True when no schedule was ended by a failure. SchedulerRuns when the project has a scheduler.
    """
    with the_only_scheduler(workshop), closing(Looks(workshop.desk)) as looks:
        workshop.listen()
        store, clock = workshop.store, workshop.desk.clock
        before, now = store.schedulers.scheduler(), clock.now()
        absence = Absence(begin=before.seen, end=now, cause="no scheduler ran") if before else None
        sign = SignOfLife(store.schedulers, clock, _record(service, now))
        parts = DutyParts(
            ledger=store.ledger,
            book=store.schedulers,
            starter=WorkshopStarter(workshop, service.watch.for_run),
            watch=service.watch,
            clock=clock,
            notifier=workshop.notifier,
            make_trigger=trigger_for,
            looker=looks,
            look_book=store.sightings,
        )
        duty = ScheduleDuty(parts, absence=absence, keep_running=service.keep_running)
        around = SchedulerParts(runner=workshop.runner, clock=clock, interrupts=workshop.interrupts)
        Scheduler([duty, sign, alert_duty(duty.is_tried_again)], around).work()
        return duty.went_well


@contextmanager
def the_only_scheduler(workshop: Workshop) -> Iterator[None]:
    """Hold the lock of the project's scheduler. SchedulerRuns says who has it, and what that one follows."""
    try:
        with scheduler_lock(workshop.desk.project):
            yield
    except SchedulerRuns as error:
        found = workshop.store.schedulers.scheduler()
        files = f"; it follows {', '.join(found.config_files)}" if found else ""
        advice = "Name all config files to one scheduler (`-c a.yaml -c b.yaml`), or stop that one first"
        raise SchedulerRuns(f"{error}{files}. {advice}") from error


class SignOfLife:
    """The duty to say that the scheduler lives; what comes due after the last sign was missed."""

    #: It alone keeps no scheduler going.
    is_over = True

    def __init__(self, book: SchedulerBook, clock: Clock, record: SchedulerRecord) -> None:
        self._book = book
        self._clock = clock
        self._record = record
        self._due = clock.now()

    def act(self) -> datetime:
        """Record that we were alive just now. StoreGone: another scheduler may be at another store by now."""
        now = self._clock.now()
        if now >= self._due or now < self._record.seen:
            self._record = replace(self._record, seen=now)
            self._due = now + _SIGN_PERIOD
            try:
                self._book.record(self._record)
            except StoreGone:
                raise
            except StoreError:
                return self._due  # a full disk; what cannot be written meanwhile, the schedules tell
        return self._due

    def ended(self, run: Run) -> None:
        """Nothing is to be done."""


def _record(service: Service, now: datetime) -> SchedulerRecord:
    return SchedulerRecord(
        host=os.uname().nodename,
        pid=os.getpid(),
        began=now,
        seen=now,
        config_files=tuple(str(path.absolute()) for path in service.files),
        log_file=str(service.log.absolute()),
    )
