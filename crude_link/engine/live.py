"""LiveRun: a run that a runner works on, with what the store holds of it kept at hand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from crude_link.engine.plan import Plan, RunView, Stopping
from crude_link.errors import NotYet
from crude_link.interfaces import FanWork, Orders
from crude_link.model.order import Order, View
from crude_link.model.pipeline import Pipeline, Step
from crude_link.model.run import Attempt, AttemptKey, Decision, Findings, Run, StepState

if TYPE_CHECKING:
    from crude_link.engine.fanout import FanOut


@dataclass(kw_only=True, slots=True)
class LiveRun:
    """A run in the hands of a runner. Everything in it was written to the store before it was put here."""

    run: Run
    pipeline: Pipeline
    sitting: int
    orders: Orders
    #: Holds the run's lock; closed when the sitting is over.
    held: ExitStack
    #: By step, in the order in which they began.
    attempts: dict[str, list[Attempt]]
    findings: dict[AttemptKey, Findings]
    decisions: tuple[Decision, ...]
    environment: Mapping[str, str]
    usual: Mapping[str, timedelta] = field(default_factory=dict)
    view: View = View()
    stopping: Stopping | None = None
    #: Monotonic time at which the run's own timeout ends it.
    deadline: float | None = None
    #: Orders of the attempts that run now.
    running: dict[AttemptKey, Order] = field(default_factory=dict)
    #: The newest order of each step, for who wants to try it by hand.
    orders_made: dict[str, Order] = field(default_factory=dict)
    #: Of tasks, only those that had failed are wanted (`resume --failed`).
    only_failed: bool = False
    #: The executor holds the run, and nothing of an earlier sitting lives any more.
    is_held: bool = False
    #: Fan-outs that run now, and those that begin when the run is held.
    fans: dict[AttemptKey, FanOut] = field(default_factory=dict)
    prepared: dict[AttemptKey, tuple[Step, FanWork]] = field(default_factory=dict)
    #: What an earlier sitting held is free again.
    has_let_go: bool = False
    #: The states that the store's cache had when the sitting began.
    states: dict[str, StepState] = field(default_factory=dict)
    #: The newest answer; it holds until `is_stale`.
    plan: Plan | None = None
    is_stale: bool = True
    #: A step could start, but what it needs is still being made: after so many seconds it is asked for again.
    pause: float | None = None
    #: The steps of which people were told that this takes long.
    told_of: set[str] = field(default_factory=set)

    def begin_turn(self) -> None:
        """Forget why the plan was to be made again: it is new."""
        self.is_stale, self.pause = False, None

    def wait_for(self, step: str, what: NotYet) -> str:
        """Note after how many seconds a step is to be tried again; return what people are to be told now, or nothing.

        Of several steps the soonest counts.
        """
        self.pause = what.pause if self.pause is None else min(what.pause, self.pause)
        is_news = bool(what.words) and step not in self.told_of
        self.told_of |= {step} if is_news else set()
        return what.words if is_news else ""

    def note(self, attempt: Attempt) -> None:
        """Keep an attempt, in place of what was known of it before."""
        attempts = self.attempts.setdefault(attempt.key.step, [])
        if attempts and attempts[-1].key == attempt.key:
            attempts[-1] = attempt
        else:
            attempts.append(attempt)

    def newest(self, key: AttemptKey) -> Attempt:
        """Return what is known of the newest attempt of a step, which is this one."""
        attempt = self.attempts[key.step][-1]
        assert attempt.key == key
        return attempt

    def as_view(self) -> RunView:
        """Return what the pure question is asked of."""
        return RunView(
            run=self.run,
            pipeline=self.pipeline,
            sitting=self.sitting,
            attempts=self.attempts,
            findings=self.findings,
            decisions=self.decisions,
            environment=self.environment,
            stopping=self.stopping,
        )
