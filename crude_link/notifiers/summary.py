"""Summary: the words in which runs, steps and attempts are told: single lines, the table, the last line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING

from crude_link.model.event import AttemptEnded
from crude_link.model.run import Attempt, Ending, Findings, Outcome, Run, StepState
from crude_link.model.status import Status
from crude_link.model.transfer import owner_of
from crude_link.model.words import duration_words, moment_words, size_words
from crude_link.notifiers.look import COLOURS, one_line
from crude_link.notifiers.table import Cell, Column, Table

if TYPE_CHECKING:
    from crude_link.model.task import TaskCounts

#: Usual times below this are not told.
_NOTEWORTHY = timedelta(seconds=1)
#: Whoever waits no longer than this for something needs no clock.
_SOON = timedelta(minutes=1)
#: Metrics told in the line of a step that succeeded; `show` has them all.
_METRICS = 4


def command_words(argv: Sequence[str]) -> str:
    """Say an argv as a person would have typed it: the first line of a shell's text, an interpreter by its name."""
    if not argv:
        return ""
    program, *rest = argv
    if _is_shell(program) and len(rest) > 1 and rest[-2].endswith("c"):
        first, *more = rest[-1].strip().splitlines() or [""]
        return one_line(first) + (" …" if more else "")
    name = PurePath(program).name if PurePath(program).is_absolute() else program
    return one_line(shlex.join([name, *rest]))


def _is_shell(program: str) -> bool:
    return PurePath(program).name in ("sh", "bash", "dash", "zsh", "ksh")


def ended_words(outcome: Outcome, findings: Findings | None = None) -> str:
    """Say how an attempt ended: `11.8 s · accuracy 0.93`, `exit 1 after 3.2 s`."""
    wall = spent_words(outcome.wall)
    if outcome.status is Status.SUCCEEDED:
        return " · ".join([wall, *metric_words(findings)])
    reason = one_line(outcome.reason)
    if outcome.ending in (Ending.NOT_STARTED, Ending.LOST) or " after " in reason:
        return reason
    return f"{reason} after {wall}" if len(reason.split()) <= 2 else f"{reason} ({wall})"


def attempt_words(event: AttemptEnded) -> str:
    """Say how an attempt ended, with its first metrics; the last line of a transfer has said what it counted."""
    return ended_words(event.outcome, None if owner_of(event.attempt.key.step) else event.findings)


def metric_words(findings: Findings | None) -> list[str]:
    """Say the first metrics of an attempt: `accuracy 0.9312`."""
    metrics = list(findings.metrics.items()) if findings else []
    return [f"{name} {short_value(value)}" for name, value in metrics[:_METRICS]]


def short_value(value: object) -> str:
    """Say a value of the config or a metric in few characters."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return one_line(str(value))


def retry_words(retry_at: datetime, now: datetime) -> str:
    """Say when an attempt is tried again: `tried again in 10 s`, `tried again in 2 h, at 2026-11-21 05:45 +00:00`."""
    if retry_at <= now:
        return "tried again now"
    at = "" if retry_at - now < _SOON else f", at {moment_words(retry_at)}"
    return f"tried again in {duration_words(retry_at - now)}{at}"


def settled_words(state: StepState) -> str:
    """Say a state that no attempt told: `skipped: needs train, which failed`, `skipped by ada`."""
    reason, status = one_line(state.reason), state.status.value
    return reason if reason.startswith(status) else f"{status}: {reason}"


def spent_words(spent: timedelta) -> str:
    """Say how long something took; steps can be so short that tenths of a second say nothing."""
    milliseconds = spent / timedelta(milliseconds=1)
    if 0 < milliseconds < 0.95:
        return f"{max(milliseconds, 0.1):.1f} ms"
    return f"{milliseconds:.0f} ms" if 0 < milliseconds < 99.5 else duration_words(spent)


def usual_words(usual: timedelta | None) -> str:
    """Say a usual duration; nothing where there is none, or one so short that it is noise."""
    return spent_words(usual) if usual is not None and usual >= _NOTEWORTHY else ""


def time_words(wall: timedelta, usual: timedelta | None) -> str:
    """Say a duration against the usual one, where they differ and it means something: `12 s (usually 11 s)`."""
    words = spent_words(wall)
    before = usual_words(usual) or words
    return words if words == before else f"{words} (usually {before})"


def memory_words(outcome: Outcome) -> str:
    """Say the peak memory: `350 MB`, or `< 12 MB` where only a bound is known."""
    if outcome.peak_memory is None:
        return ""
    return f"{'< ' if outcome.peak_is_bound else ''}{size_words(outcome.peak_memory)}"


def tasks_words(counts: TaskCounts) -> str:
    """Say how the tasks of a fan-out stand: `10,000 tasks done`, `200 of 10,000 tasks done, 3 failed`."""
    done, total = counts.succeeded, counts.total
    of = f" of {total:,}" if total is not None and not counts.total_is_guess and total > done + counts.failed else ""
    noun = "task" if done == 1 and not of else "tasks"
    failed = f", {counts.failed:,} failed" if counts.failed else ""
    return f"{done:,}{of} {noun} done{failed}{f', limited by {counts.limit}' if counts.limit else ''}"


def step_table(
    states: Sequence[StepState],
    attempts: Mapping[str, Attempt],
    usual: Mapping[str, timedelta] | None = None,
    tasks: Mapping[str, TaskCounts] | None = None,
) -> Table:
    """Return the table of a run's steps: states and reasons, times against the usual ones, memory, CPU.

    `tasks` says how the tasks of those steps stand that have many.
    """
    columns = [
        Column("step"),
        Column("status"),
        Column("time"),
        Column("memory", right=True),
        Column("CPU", right=True),
        Column("reason"),
    ]
    rows = [_step_row(_counted(state, tasks or {}), attempts.get(state.name), usual or {}) for state in states]
    return Table(columns, rows)


def closing_line(
    run: Run, states: Sequence[StepState], attempts: Mapping[str, Attempt], resumed: datetime | None = None
) -> str:
    """Return the last line that is told of a run that has ended; it names the next command.

    `resumed` is when it went on; then only the time since is told, as such.
    """
    began = run.began if resumed is None else resumed
    took = spent_words(run.ended - began) if run.ended else ""
    words = _closing_words(run, states, f"{took} more" if took and resumed else took)
    return " · ".join([words, *next_commands(run, states, attempts)])


def closing_words(run: Run, states: Sequence[StepState], took: timedelta | None = None) -> str:
    """Say how a run stands: `run 42 failed at 'train': exit 1`."""
    return _closing_words(run, states, spent_words(took) if took is not None else "")


def _closing_words(run: Run, states: Sequence[StepState], took: str) -> str:
    # The reason of a lost run ends with the command, which is said behind it anyway.
    reason = one_line(run.reason).removesuffix(f"; crude-link resume {run.id}")
    because = f": {reason}" if reason else ""
    match run.status:
        case Status.SUCCEEDED:
            return f"run {run.id} succeeded{f' in {took}' if took else ''}{_skipped_words(states)}"
        case Status.FAILED:
            return f"run {run.id} failed at {reason}" if reason.startswith("'") else f"run {run.id} failed{because}"
        case Status.WAITING:
            return f"run {run.id} has not begun yet{because}"
        case Status.RUNNING:
            return f"run {run.id} is running{because}"
        case Status.CANCELLED | Status.SKIPPED | Status.LOST:
            after = f" after {took}" if took else ""
            return f"run {run.id} {'was ' * (run.status is not Status.LOST)}{run.status.value}{after}{because}"


def next_commands(run: Run, states: Sequence[StepState], attempts: Mapping[str, Attempt]) -> list[str]:
    """Return the commands that somebody would type next, most useful first."""
    match run.status:
        case Status.SUCCEEDED | Status.SKIPPED:
            return [f"crude-link show {run.id}"]
        case Status.FAILED:
            return [_look_at_failure(run, states, attempts), f"crude-link resume {run.id}"]
        case Status.CANCELLED | Status.LOST:
            return [f"crude-link resume {run.id}"]
        case Status.RUNNING:
            return [f"crude-link logs {run.id} -f", f"crude-link stop {run.id}"]
        case Status.WAITING:
            return [f"crude-link wait {run.id}", f"crude-link stop {run.id}"]


def failed_state(run: Run, states: Sequence[StepState]) -> StepState | None:
    """Return the step at which a run failed: one that did; else, where the run timed out, one that this ended."""
    blamed = [(Status.FAILED, Status.LOST), *([(Status.CANCELLED,)] if run.status is Status.FAILED else [])]
    return next((state for statuses in blamed for state in states if state.status in statuses), None)


def _counted(state: StepState, tasks: Mapping[str, TaskCounts]) -> StepState:
    """Add to a step's reason how its tasks stand."""
    counts = tasks.get(state.name)
    if counts is None or not counts.succeeded + counts.failed:
        return state
    words = f"{counts.succeeded:,} done" if "tasks failed" in state.reason else tasks_words(counts)
    return replace(state, reason=f"{state.reason}; {words}" if state.reason else words)


def _step_row(state: StepState, attempt: Attempt | None, usual: Mapping[str, timedelta]) -> list[Cell | str]:
    status = Cell(state.status.value, COLOURS[state.status])
    outcome = _outcome_behind(state, attempt)
    reason = state.reason
    if outcome is None:
        return [Cell(state.name, bold=True), status, "", "", "", reason]
    if attempt and attempt.key.number > 1 and attempt.key.task:  # a whole has none: its tasks are tried again
        tries = f"the last of {attempt.key.number} tries"
        reason = f"{reason} ({tries})" if reason else tries
    return [
        Cell(state.name, bold=True),
        status,
        time_words(outcome.wall, usual.get(state.name)),
        memory_words(outcome),
        spent_words(outcome.cpu),
        reason,
    ]


def _outcome_behind(state: StepState, attempt: Attempt | None) -> Outcome | None:
    """Return the outcome to which a state is due; a step that was skipped now may have been tried before."""
    outcome = attempt.outcome if attempt else None
    if outcome is None or outcome.ending is Ending.NOT_STARTED:
        return None
    same = outcome.status is state.status or (state.status is Status.FAILED and outcome.status is Status.LOST)
    return outcome if same else None


def _look_at_failure(run: Run, states: Sequence[StepState], attempts: Mapping[str, Attempt]) -> str:
    failed = failed_state(run, states)
    if failed is None:
        return f"crude-link why {run.id}"
    attempt = attempts.get(failed.name)
    if attempt is not None and attempt.key.task == 0 and attempt.outcome and attempt.outcome.ending is Ending.EXITED:
        return f"crude-link tasks {run.id} {failed.name} --failed"
    ran = attempt is not None and attempt.outcome is not None and attempt.outcome.ending is not Ending.NOT_STARTED
    return f"crude-link {'logs' if ran else 'why'} {run.id} {failed.name}"


def _skipped_words(states: Sequence[StepState]) -> str:
    """Name what a green run did not do, unless it was not asked to; the reasons are in the table."""
    skipped = [
        state.name for state in states if state.status is Status.SKIPPED and "not selected" not in state.reason
    ]
    return f", {', '.join(skipped)} skipped" if skipped else ""
