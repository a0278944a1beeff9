"""The one pure question: given what is written in the store, what is to be started now?

Resume is the first asking of it on a run that is not empty; crash recovery the same, plus lost attempts;
retry the same, plus a date. A step's standing follows from attempts and decisions by these rules:

- A success counts for ever; failures, cancellations and losses count only within the sitting that saw them.
  The success of a step with `when: always` or `failed` counts until what it needs is tried again: it was an
  answer to how that had ended. That of a fan-out counts until a person wants its failed tasks again.
- A failed step blocks all that needs it, directly or by other steps, unless it has `continue_on_failure`. What
  is blocked runs all the same when its `when` is `always`, `failed`, or asks for the failed step's status; the
  steps behind it stay blocked.
- A step whose `when` is false is skipped, and so is what needs it, up to a step that runs with `when: always`.
- A step that a person skipped, that the run was not asked for, or that runs only after a failure where nothing
  failed, stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from crude_link.engine.retry import MOST_LOST, next_try
from crude_link.engine.transfers import has_nothing, held_back, is_upload_of_run, what_was_nothing
from crude_link.model.condition import Condition, ConditionError, Facts
from crude_link.model.pipeline import Pipeline, Step
from crude_link.model.policy import RetryPolicy
from crude_link.model.run import Attempt, AttemptKey, Decision, Ending, Findings, Run, StepState, Verdict
from crude_link.model.status import Status
from crude_link.model.value import Plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopping:
    """Nothing new starts; the run ends with `status` and `reason` once nothing runs any more."""

    status: Status
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """All that the question is asked of."""

    run: Run
    pipeline: Pipeline
    #: Number of the present sitting.
    sitting: int
    #: By step, in the order in which they began.
    attempts: Mapping[str, Sequence[Attempt]] = field(default_factory=dict)
    findings: Mapping[AttemptKey, Findings] = field(default_factory=dict)
    decisions: Sequence[Decision] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stopping: Stopping | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a step stands: its state, and what follows from it for others and for itself."""

    state: StepState
    #: It is final, and so is all that it needs, directly or not.
    is_settled: bool = False
    #: It, or something that it needs, failed.
    tainted: bool = False
    #: The steps, itself or among those it needs, for which what needs it may not start.
    blockers: tuple[str, ...] = ()
    #: The newest sitting in which it, or something that it needs, was tried.
    tried_in: int = 0
    #: The try that comes next, and from when on; set while WAITING for nothing but its date.
    next_number: int | None = None
    due: datetime | None = None
    #: The attempt that counts: the success, else the newest.
    attempt: Attempt | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Start this try of the step's only task."""

    step: Step
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Nothing more to start before `until`; None: before an attempt ends."""

    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """The run has come to its end for this sitting."""

    status: Status
    reason: str


Move = Start | Wait | Finish


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The answer: how every step stands, in the pipeline's order, and what to do.

    `open` are the steps that are not settled, each after all it needs; `changed` those whose standing differs
    from the answer before.
    """

    standings: Mapping[str, Standing]
    moves: tuple[Move, ...]
    facts: Facts
    open: tuple[Step, ...]
    changed: tuple[str, ...]


def next_moves(view: RunView, now: datetime, before: Plan | None = None) -> Plan:
    """Answer the question for one run. Starts come first; then one Wait, or a Finish when all is final.

    `before`, an earlier answer of the same sitting, only saves time: within a sitting a settled standing stays as
    it is, and a step stands as it did while what it needs does and it has no attempt of its own. Without this each
    of n steps would cost time in proportion to n.
    """
    standings, facts, changed = _standings(view, before)
    settled = {name for name in changed if standings[name].is_settled}
    steps = before.open if before else tuple(ordered(view.pipeline.steps))
    still_open = tuple(step for step in steps if step.name not in settled) if settled else steps
    if not still_open:
        moves: tuple[Move, ...] = (_finish(view, standings),)
        return Plan(standings=standings, moves=moves, facts=facts, open=(), changed=changed)
    starts: list[Move] = []
    dates: list[datetime] = []
    for step in still_open:
        standing = standings[step.name]
        if standing.next_number is None or standing.due is None:
            continue
        if standing.due <= now:
            starts.append(Start(step=step, number=standing.next_number))
        else:
            dates.append(standing.due)
    moves = (*starts, Wait(until=min(dates, default=None)))
    return Plan(standings=standings, moves=moves, facts=facts, open=still_open, changed=changed)


def ordered(steps: Sequence[Step]) -> list[Step]:
    """Return the steps so that each comes after all it needs, otherwise in the given order."""
    placed: set[str] = set()
    result: list[Step] = []
    waiting = list(steps)
    while waiting:
        left = []
        for step in waiting:
            if placed.issuperset(step.needs):
                placed.add(step.name)
                result.append(step)
            else:
                left.append(step)
        if len(left) == len(waiting):  # a circle; the config refuses those
            return [*result, *left]
        waiting = left
    return result


def _standings(view: RunView, before: Plan | None) -> tuple[dict[str, Standing], Facts, tuple[str, ...]]:
    """Return every standing, the facts that follow from them, and which ones are not as before."""
    step_facts = dict(before.facts.steps) if before else {}
    facts = Facts(params=view.pipeline.params, steps=step_facts, run=_run_facts(view.run), env=view.environment)
    found: dict[str, Standing] = dict(before.standings) if before else {}
    changed: dict[str, None] = {}  # in order
    for step in before.open if before else ordered(view.pipeline.steps):
        if before and not view.stopping and step.name not in view.attempts and changed.keys().isdisjoint(step.needs):
            continue
        standing = _standing(step, view, found, facts)
        if found.get(step.name) != standing:
            changed[step.name] = None
            found[step.name] = standing
            step_facts[step.name] = _step_facts(standing, view.findings)
    if before is None:
        found = {step.name: found[step.name] for step in view.pipeline.steps}
    return found, facts, tuple(changed)


def _standing(step: Step, view: RunView, found: Mapping[str, Standing], facts: Facts) -> Standing:
    needs = [found[name] for name in step.needs]
    tried_in = max((need.tried_in for need in needs), default=0)
    own = _by_attempts(step, view, tried_in) or _by_others(step, view) or _by_needs(step, needs, found, facts, view)
    status = own.state.status
    inherited = dict.fromkeys(name for need in needs for name in need.blockers)
    if status is not Status.SKIPPED:  # it ran although something before it was skipped: that is behind it
        inherited = dict.fromkeys(name for name in inherited if found[name].state.status is not Status.SKIPPED)
    return replace(
        own,
        is_settled=status.is_final and all(need.is_settled for need in needs),
        tainted=status is Status.FAILED or any(need.tainted for need in needs),
        blockers=(*inherited, *own.blockers),
        tried_in=max([tried_in, *(attempt.sitting for attempt in view.attempts.get(step.name, ()))]),
    )


def _by_attempts(step: Step, view: RunView, needs_tried_in: int) -> Standing | None:
    """Return the standing that the attempts alone decide; None when the step is still to be begun."""
    attempts = view.attempts.get(step.name, ())
    for attempt in attempts:
        if attempt.status is not Status.SUCCEEDED or _is_wanted_again(step, attempt, view):
            continue
        if not (_is_answer(step) and needs_tried_in > attempt.sitting):
            reason = attempt.outcome.reason if attempt.outcome else ""
            state = StepState(name=step.name, status=Status.SUCCEEDED, reason=reason)
            blockers = (step.name,) if has_nothing(step, view.findings.get(attempt.key)) else ()
            return Standing(state=state, attempt=attempt, blockers=blockers)
    present = [attempt for attempt in attempts if attempt.sitting == view.sitting]
    if not present:
        return None
    last = present[-1]
    if last.outcome is None:
        return Standing(state=StepState(name=step.name, status=Status.RUNNING), attempt=last)
    if last.outcome.status is Status.CANCELLED:
        return _final(step, Status.CANCELLED, last.outcome.reason, last, blocks=True)
    # The tasks of a fan-out are tried again one by one; the whole only when its agent died.
    again = next_try(RetryPolicy() if step.foreach else step.retries, present)
    if again and view.stopping:
        return _final(step, Status.CANCELLED, f"not tried again: {view.stopping.reason}", last, blocks=True)
    if again:
        state = StepState(name=step.name, status=Status.WAITING, reason=f"tried again after: {last.outcome.reason}")
        return Standing(state=state, next_number=again.number, due=again.due, attempt=last)
    reason = last.outcome.reason
    if last.outcome.ending is Ending.LOST:
        reason = f"lost {MOST_LOST} times: {reason}"
    return _final(step, Status.FAILED, reason, last, blocks=not step.continue_on_failure)


def _by_others(step: Step, view: RunView) -> Standing | None:
    """Return the standing of a step that a person decided to leave out; None when nobody did."""
    left_out = view.run.selection.leaves_out(view.pipeline.names, step.name)
    if left_out:
        return _final(step, Status.SKIPPED, left_out)
    for decision in view.decisions:
        if decision.verdict is Verdict.SKIP and decision.step == step.name:
            return _final(step, Status.SKIPPED, f"skipped by {decision.by}")
    return None


def _by_needs(
    step: Step, needs: Sequence[Standing], found: Mapping[str, Standing], facts: Facts, view: RunView
) -> Standing:
    """Return the standing of a step that has no attempt that counts."""
    earlier = next(reversed(view.attempts.get(step.name, ())), None)
    if view.stopping:
        return _final(step, Status.CANCELLED, "not started", earlier, blocks=True)
    unsettled = [need.state.name for need in needs if not need.is_settled]
    if unsettled:
        state = StepState(name=step.name, status=Status.WAITING, reason=f"needs {', '.join(unsettled)}")
        return Standing(state=state, attempt=earlier)
    blocked = _blocked(step, needs, found, view)
    if blocked:
        return _final(step, Status.SKIPPED, blocked)
    refused = _refused(step, facts, is_tainted=any(need.tainted for need in needs))
    if refused:
        return refused
    state = StepState(name=step.name, status=Status.WAITING, reason="can start")
    number = earlier.key.number + 1 if earlier else 1
    return Standing(state=state, next_number=number, due=view.run.began, attempt=earlier)


def _is_wanted_again(step: Step, success: Attempt, view: RunView) -> bool:
    return any(
        decision.verdict is Verdict.AGAIN
        and decision.step == step.name
        and (success.outcome is None or decision.at >= success.outcome.ended)
        for decision in view.decisions
    )


def _is_answer(step: Step) -> bool:
    """Return whether a step runs because of how others ended, whatever that was."""
    return step.when is not None and (step.when.is_always or step.when.is_failed)


def _blocked(step: Step, needs: Sequence[Standing], found: Mapping[str, Standing], view: RunView) -> str | None:
    when = step.when
    if is_upload_of_run(step):
        names = view.pipeline.names
        wanted = [need for need in needs if not view.run.selection.leaves_out(names, need.state.name)]
        return held_back(step, wanted, found)
    if _is_answer(step):
        return None
    asked_for = {name.split(".")[1] for name in when.names if _asks_how_it_ended(name)} if when else set()
    for need in needs:
        for name in need.blockers:
            if name in asked_for:
                continue
            status = found[name].state.status
            how = _HOW.get(status, "was not finished")
            direct = name == need.state.name
            return f"needs {name}, which {how}" if direct else f"needs {need.state.name}; before it, {name} {how}"
    return None


#: How a step stands in the way of others; one that succeeded, because it had nothing for them.
_HOW = {Status.SKIPPED: "was skipped", Status.FAILED: "failed", Status.SUCCEEDED: "brought nothing"}


def _asks_how_it_ended(name: str) -> bool:
    head, _, rest = name.partition(".")
    return head == "steps" and rest.endswith((".status", ".exit"))


def _refused(step: Step, facts: Facts, *, is_tainted: bool) -> Standing | None:
    """Return the standing of a step whose own `when` keeps it from running; None when it may run."""
    when = step.when
    if when is None or when.is_always:
        return None
    if when.is_failed:
        reason = "runs only after a failure, and nothing before it failed"
        return None if is_tainted else _final(step, Status.SKIPPED, reason)
    try:
        holds = when.holds(facts)
    except ConditionError as error:
        reason = f"when: {when.text}: {error}"
        return _final(step, Status.FAILED, reason, blocks=not step.continue_on_failure)
    reason = f"when: {when.text} is false{_seen(when, facts)}"
    return None if holds else _final(step, Status.SKIPPED, reason, blocks=True)


def _seen(when: Condition, facts: Facts) -> str:
    """Return the values that a condition saw, for the reason."""
    values = []
    for name in dict.fromkeys(when.names):
        try:
            values.append(f"{name} = {facts.look_up(name)!r}")
        except ConditionError:  # an `or` need not have looked at it
            continue
    return f" ({', '.join(values)})" if values else ""


def _final(
    step: Step, status: Status, reason: str, attempt: Attempt | None = None, *, blocks: bool = False
) -> Standing:
    """Return a standing that is final. Before the needs are looked at, `blockers` is what it adds to theirs."""
    state = StepState(name=step.name, status=status, reason=reason)
    return Standing(state=state, attempt=attempt, blockers=(step.name,) if blocks else ())


def _run_facts(run: Run) -> Mapping[str, Plain]:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "origin": run.origin.value,
        "started": run.began.isoformat(),
    }


def _step_facts(standing: Standing, findings: Mapping[AttemptKey, Findings]) -> Mapping[str, Plain]:
    attempt = standing.attempt
    outcome = attempt.outcome if attempt else None
    found = findings.get(attempt.key) if attempt else None
    return {
        "status": standing.state.status.value,
        "exit": outcome.exit_status if outcome else None,
        "metrics": dict(found.metrics) if found else {},
        "attempt": str(attempt.key) if attempt else None,
    }


def _finish(view: RunView, standings: Mapping[str, Standing]) -> Finish:
    failed = [s.state for s in standings.values() if s.state.status is Status.FAILED]
    cancelled = [s.state for s in standings.values() if s.state.status is Status.CANCELLED]
    if view.stopping and cancelled:
        return Finish(status=view.stopping.status, reason=view.stopping.reason)
    if failed:
        return Finish(status=Status.FAILED, reason=f"{failed[0].name!r}: {failed[0].reason}")
    if cancelled:
        return Finish(status=Status.CANCELLED, reason=f"{cancelled[0].name!r}: {cancelled[0].reason}")
    return Finish(status=Status.SUCCEEDED, reason=what_was_nothing(view.pipeline.steps, standings))
