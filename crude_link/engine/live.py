"""LiveRun: a run that a runner works on, with what the store holds of it kept at hand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta

from crude_link.engine.plan import Plan, RunView, Stopping
from crude_link.interfaces import Orders
from crude_link.model.order import Order, View
from crude_link.model.pipeline import Pipeline
from crude_link.model.run import Attempt, AttemptKey, Decision, Findings, Run, StepState


@dataclass(kw_only=True, slots=True)
class LiveRun:
    """A run in the hands of a runner. Everything in it was written to the store before it was put here."""

    run: Run
    pipeline: Pipeline
    sitting: int
    orders: Orders
    #: Holds the run's lock; closed when the sitting is over.
    held: ExitStack
    attempts: dict[AttemptKey, Attempt]
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
    #: The states as the store's cache has them.
    states: dict[str, StepState] = field(default_factory=dict)
    plan: Plan | None = None

    def as_view(self) -> RunView:
        """Return what the pure question is asked of."""
        return RunView(
            run=self.run,
            pipeline=self.pipeline,
            sitting=self.sitting,
            attempts=tuple(self.attempts.values()),
            findings=self.findings,
            decisions=self.decisions,
            environment=self.environment,
            stopping=self.stopping,
        )
