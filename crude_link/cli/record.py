"""Record: all that the store holds of one run, read for showing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from crude_link.app import Records
from crude_link.errors import StoreError, UsageError
from crude_link.model.run import Attempt, AttemptKey, Decision, Findings, Run, Sitting, StepState
from crude_link.model.status import Status
from crude_link.model.value import Plain

#: What cannot be the name of a step, and so names a run.
_RUN = re.compile(r"\d+|last(~\d+)?(:.*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One run with its sittings, steps, attempts and decisions. What was running in a lost run is lost too."""

    run: Run
    sittings: Sequence[Sitting]
    states: Sequence[StepState]
    attempts: Sequence[Attempt]
    findings: Mapping[AttemptKey, Findings]
    decisions: Sequence[Decision]
    usual: Mapping[str, timedelta]
    #: Who holds it, in words.
    holder: str | None

    @property
    def step_names(self) -> tuple[str, ...]:
        """The steps in the pipeline's order."""
        return tuple(state.name for state in self.states)

    def state(self, step: str) -> StepState:
        """Return how a step stands."""
        return next(state for state in self.states if state.name == step)

    def attempts_of(self, step: str) -> list[Attempt]:
        """Return the attempts of a step in order."""
        return [attempt for attempt in self.attempts if attempt.key.step == step]

    @property
    def counting(self) -> Mapping[str, Attempt]:
        """The attempt that counts by step: the success, else the newest."""
        found: dict[str, Attempt] = {}
        for attempt in self.attempts:
            before = found.get(attempt.key.step)
            if before is None or before.status is not Status.SUCCEEDED:
                found[attempt.key.step] = attempt
        return found

    @property
    def took(self) -> timedelta | None:
        """The time that was worked on it, all sittings together; None while one has no end."""
        ends = [sitting.ended - sitting.began for sitting in self.sittings if sitting.ended is not None]
        return sum(ends, timedelta()) if ends and len(ends) == len(self.sittings) else None


def run_and_step(records: Records, words: Sequence[str]) -> tuple[int, str | None]:
    """Read `[RUN] [STEP]`: one word alone may be either; the default is the last run. UnknownRun, UsageError."""
    first, *others = words or ("last",)
    if _RUN.fullmatch(first) is None and not others:
        first, others = "last", [first]
    run_id = records.run_id(first)
    step = others[0] if others else None
    known = [state.name for state in records.store.states.states(run_id)]
    if step is not None and step not in known:
        raise UsageError(f"run {run_id} has no step {step!r}. Its steps: {', '.join(known)}")
    return run_id, step


def read_record(records: Records, run_id: int) -> Record:
    """Read all of a run. UnknownRun."""
    store = records.store
    run = store.runs.run(run_id)
    return Record(
        run=run,
        sittings=store.history.sittings(run_id),
        states=[_seen(state, run) for state in store.states.states(run_id)],
        attempts=store.attempts.attempts(run_id),
        findings=store.attempts.findings(run_id),
        decisions=store.attempts.decisions(run_id),
        usual=store.history.usual(run.pipeline),
        holder=store.locks.holder(run_id),
    )


def recorded_steps(records: Records, run_id: int) -> Mapping[str, Mapping[str, Plain]]:
    """Return what the run's config says of each step, by name; empty when the document cannot be read."""
    try:
        _, document, _ = records.store.history.document(run_id)
    except StoreError:
        return {}
    steps = document.get("steps")
    if not isinstance(steps, Sequence) or isinstance(steps, str):
        return {}
    return {str(step["name"]): step for step in steps if isinstance(step, Mapping) and "name" in step}


def _seen(state: StepState, run: Run) -> StepState:
    if run.status is Status.LOST and state.status is Status.RUNNING:
        return replace(state, status=Status.LOST, reason="nobody saw its end")
    return state
