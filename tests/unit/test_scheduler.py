"""The scheduler's loop: duties have their turns, hear of ended runs, and it ends when none has anything left."""

from __future__ import annotations

import signal
from datetime import datetime, timedelta

from fakes import Bench

from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.run import Run
from crude_link.model.status import Status
from crude_link.scheduler import Scheduler, SchedulerParts

ONE = Pipeline(name="p", steps=(Step(name="a", action=Command(text="true")),))


class Chore:
    """A duty that begins so many runs, one a turn."""

    def __init__(self, bench: Bench, runs: int) -> None:
        self._bench = bench
        self._left = runs
        self.heard: list[tuple[int, Status]] = []

    @property
    def is_over(self) -> bool:
        return not self._left

    def act(self) -> datetime:
        if self._left:
            self._bench.take(ONE, run=self._left)
            self._left -= 1
        return self._bench.clock.now() + timedelta(seconds=1)

    def ended(self, run: Run) -> None:
        self.heard.append((run.id, run.status))


def schedule(bench: Bench, *chores: Chore) -> None:
    bench.executor.tick(timedelta(seconds=1))
    Scheduler(chores, SchedulerParts(runner=bench.runner, clock=bench.clock, interrupts=bench.interrupts)).work()


def test_it_works_until_no_duty_has_anything_left_and_no_run_lives() -> None:
    bench = Bench(None)
    chores = Chore(bench, 3), Chore(bench, 0)
    schedule(bench, *chores)
    assert bench.let_go == [3, 2, 1]
    assert [chore.heard for chore in chores] == [[(run, Status.SUCCEEDED) for run in (3, 2, 1)]] * 2


def test_after_a_signal_runs_are_ended_and_no_duty_hears_of_them() -> None:
    bench = Bench(None, {"a": [None]})
    chore = Chore(bench, 1)
    chore.act()
    bench.interrupts.note(signal.SIGTERM)
    schedule(bench, chore)
    assert bench.let_go == [1]
    assert chore.heard == []
