"""Which trigger is due: start that run. Also a launcher: `python crude_link/scheduler.py --config-file FILE`."""

if __name__ == "__main__":
    # Started as a file, Python puts this folder first on its path, and this module would live twice: the path
    # becomes the folder above, the package is run instead, and nothing below here is defined a second time.
    import runpy
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    runpy.run_module("crude_link", run_name="__main__")

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from crude_link.engine.runner import Runner
from crude_link.engine.stopping import Interrupts
from crude_link.errors import CrudeLinkError
from crude_link.interfaces import Clock, Notifier, Trigger
from crude_link.model.event import Level, Notice
from crude_link.model.run import Run
from crude_link.model.status import Status
from crude_link.model.words import moment_words

#: The longest sleep, in seconds: after it the wall clock is asked again, so that a suspended machine is noticed.
LONGEST_SLEEP = timedelta(seconds=15)


class Scheduled(Protocol):
    """A pipeline and the schedule that fires it."""

    @property
    def name(self) -> str:
        """The pipeline's name."""

    @property
    def trigger(self) -> Trigger:
        """When it fires; asked anew after each slot."""

    def begin(self, slot_time: datetime) -> int:
        """Begin the run of a slot and return its id. CrudeLinkError when it cannot begin."""


@dataclass(slots=True)
class _Due:
    """An entry's next slot, and the run that its last slot began, while it lives."""

    entry: Scheduled
    slot_time: datetime | None
    run: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerParts:
    """What a scheduler works with."""

    runner: Runner
    clock: Clock
    interrupts: Interrupts
    notifier: Notifier


class Scheduler:
    """One loop over triggers and live runs: begins a run at each slot time, until it is stopped or a run fails.

    A slot that comes while the entry's last run still lives is skipped, and said so. Of slots that were missed,
    because the machine slept or the process was blocked, the newest is run and the others are told.
    """

    def __init__(self, entries: Sequence[Scheduled], parts: SchedulerParts, *, keep_running: bool) -> None:
        self._parts = parts
        self._keep_running = keep_running
        now = parts.clock.now()
        self._due = [_Due(entry, entry.trigger.next_after(now)) for entry in entries]
        self._failed = False

    def work(self) -> bool:
        """Drive runs until stopped, until nothing is due any more, or until a run failed; True when all went well."""
        for due in self._due:
            self._say(f"{due.entry.name}: next run at {_local(due.slot_time)}")
        while not self._is_over():
            self._begin_due()
            for run in self._parts.runner.turn(self._longest_wait()):
                self._settle(run)
        for run in self._parts.runner.finish():
            self._settle(run)
        return not self._failed or self._keep_running

    def _is_over(self) -> bool:
        if self._parts.interrupts.signal or (self._failed and not self._keep_running):
            return True
        return not self._parts.runner.live and all(due.slot_time is None for due in self._due)

    def _begin_due(self) -> None:
        now = self._parts.clock.now()
        for due in self._due:
            if due.slot_time is None or due.slot_time > now or self._is_over():
                continue
            slot_time, missed = _newest_slot(due.entry.trigger, due.slot_time, now)
            if missed:
                self._say(f"{due.entry.name}: missed {missed} slots up to {_local(slot_time)}", Level.WARNING)
            self._begin(due, slot_time)
            due.slot_time = due.entry.trigger.next_after(slot_time)  # by the schedule as it is now

    def _begin(self, due: _Due, slot_time: datetime) -> None:
        if due.run is not None:
            text = f"{due.entry.name}: skipped the slot at {_local(slot_time)}, run {due.run} is still going"
            self._say(text, Level.WARNING)
            return
        try:
            due.run = due.entry.begin(slot_time)
        except CrudeLinkError as error:
            self._say(f"{due.entry.name}: the slot at {_local(slot_time)} could not begin: {error}", Level.ERROR)
            self._failed = True
            if not self._keep_running:
                self._say("the schedule ends: the slot could not begin", Level.ERROR)

    def _settle(self, run: Run) -> None:
        for due in self._due:
            if due.run == run.id:
                due.run = None
                if not self._is_over() and run.status is Status.SUCCEEDED and due.slot_time:
                    self._say(f"{due.entry.name}: next run at {_local(due.slot_time)}")
        if run.status is Status.SUCCEEDED:
            return
        self._failed = True
        if not self._keep_running and not self._parts.interrupts.signal:
            self._say(f"the schedule ends: run {run.id} is {run.status.value}", Level.ERROR)

    def _longest_wait(self) -> timedelta:
        now = self._parts.clock.now()
        waits = [due.slot_time - now for due in self._due if due.slot_time]
        return max(min([*waits, LONGEST_SLEEP]), timedelta(0))

    def _say(self, text: str, level: Level = Level.INFO) -> None:
        self._parts.notifier.tell(Notice(text=text, level=level))


def _newest_slot(trigger: Trigger, slot_time: datetime, now: datetime) -> tuple[datetime, int]:
    """Return the newest slot that is not after `now`, and how many before it were missed."""
    missed = 0
    while True:
        following = trigger.next_after(slot_time)
        if following is None or following > now:
            return slot_time, missed
        slot_time = following
        missed += 1


def _local(moment: datetime | None) -> str:
    return moment_words(moment, seconds=True) if moment else "never"
