"""The scheduler: one loop over duties and live runs. Also a launcher: `python crude_link/scheduler.py -c FILE`."""

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
from crude_link.interfaces import Clock
from crude_link.model.run import Run

#: The longest sleep: after it the wall clock is asked again, so that a suspended machine is noticed.
LONGEST_SLEEP = timedelta(seconds=15)


class Duty(Protocol):
    """Something that the scheduler sees to: schedules are one, and so is its sign of life."""

    @property
    def is_over(self) -> bool:
        """True when nothing is left to do; the scheduler ends when that is so of all its duties."""

    def act(self) -> datetime:
        """Do what is due, for a short while, and return when the next turn is wanted; it may come earlier."""

    def ended(self, run: Run) -> None:
        """Hear that a run of this process has ended, and that not because the whole process is to end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerParts:
    """What a scheduler works with."""

    runner: Runner
    clock: Clock
    interrupts: Interrupts


class Scheduler:
    """Gives each duty its turn, and the live runs theirs, until a signal comes or nothing is left to do."""

    def __init__(self, duties: Sequence[Duty], parts: SchedulerParts) -> None:
        self._duties = duties
        self._parts = parts

    def work(self) -> None:
        """Work until a signal comes, or until no duty has anything left to do; then end what still runs."""
        runner, interrupts = self._parts.runner, self._parts.interrupts
        while not interrupts.signal:
            wanted = [duty.act() for duty in self._duties]
            if not runner.live and all(duty.is_over for duty in self._duties):
                return
            for run in runner.turn(self._wait_until(wanted)):
                if not interrupts.signal:
                    self._tell(run)
        runner.finish()

    def _tell(self, run: Run) -> None:
        for duty in self._duties:
            duty.ended(run)

    def _wait_until(self, wanted: Sequence[datetime]) -> timedelta:
        now = self._parts.clock.now()
        return max(min([*(moment - now for moment in wanted), LONGEST_SLEEP]), timedelta(0))
