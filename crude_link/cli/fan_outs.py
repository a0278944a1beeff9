"""Fan-outs: which step of a run is meant, and what its tasks tell together."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from crude_link.app import Records
from crude_link.cli.record import Record, run_and_step
from crude_link.errors import UsageError
from crude_link.model.run import Attempt, Ending
from crude_link.model.status import Status
from crude_link.model.task import FailureGroup, TaskCounts, TaskEnd, TaskRecord
from crude_link.model.words import size_words
from crude_link.notifiers.look import one_line
from crude_link.notifiers.pace import rate_words
from crude_link.notifiers.summary import spent_words

#: So many groups of failed tasks are shown, and so many tasks of each are named.
_GROUPS = 10
_NAMED = 3


def fan_steps(attempts: Iterable[Attempt]) -> list[str]:
    """Return the steps that have been begun for each of their inputs, in the order in which they were."""
    return list(dict.fromkeys(attempt.key.step for attempt in attempts if attempt.key.task == 0))


def run_and_fan_step(records: Records, words: Sequence[str], example: str) -> tuple[int, str]:
    """Read `[RUN] [STEP]`, where STEP may be left out if only one step has tasks. UsageError, UnknownRun."""
    if len(words) > 2:
        raise UsageError(f"give at most a run and a step: {example}")
    run_id, step = run_and_step(records, words)
    known = fan_steps(records.store.attempts.attempts(run_id))
    if step in known:
        return run_id, step
    names = ", ".join(known)
    if step is not None:
        others = f"Those with tasks: {names}" if known else f"crude-link logs {run_id} {step}"
        raise UsageError(f"step {step!r} of run {run_id} has no tasks: it has no foreach, or was not begun. {others}")
    if len(known) == 1:
        return run_id, known[0]
    if known:
        raise UsageError(f"several steps of run {run_id} have tasks; name one of them: {names}")
    raise UsageError(f"no step of run {run_id} has tasks: none with foreach was begun")


def exit_words(end: TaskEnd) -> str:
    """Say in few characters how a task ended: its exit status, its signal, or what became of it."""
    if end.ending is Ending.EXITED:
        return str(end.exit_status)
    return f"signal {end.signal}" if end.ending is Ending.SIGNALLED else end.ending.value


def failure_groups(records: Records, run_id: int, step: str) -> tuple[FailureGroup, ...]:
    """Return the largest groups of failed tasks."""
    return tuple(records.store.tasks.failures(run_id, step, _GROUPS))


def group_words(group: FailureGroup) -> str:
    """Say how many tasks failed with the same words, and which: `412 times: HTTP 403 · tasks 3, 17, 20 …`."""
    times = "once" if group.count == 1 else f"{group.count:,} times"
    return f"{times}: {one_line(group.words)} · task{'s'[: group.count != 1]} {task_numbers(group)}"


def task_numbers(group: FailureGroup) -> str:
    """Name some tasks of a group: `3, 17, 20 …`."""
    named = group.tasks[:_NAMED]
    return f"{', '.join(map(str, named))}{' …' if group.count > len(named) else ''}"


def tasks_of(records: Records, record: Record, step: str) -> Tasks:
    """Return what the tasks of a step tell together."""
    store, run_id = records.store, record.run.id
    return Tasks(
        counts=store.tasks.counts(run_id, step),
        failures=failure_groups(records, run_id, step),
        figures=figures(store.tasks.tasks(run_id, step), record.attempts_of(step)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Tasks:
    """The tasks of a step together: how they stand, what the failed ones said, and what they measure."""

    counts: TaskCounts
    failures: tuple[FailureGroup, ...]
    #: None when none ran.
    figures: Figures | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What the tasks of a step, those that ran, measure together. Durations are of their newest tries."""

    count: int
    #: Tasks that ended in a second, over the time of all attempts at the whole.
    #: None while it runs, and where it is not known how long an attempt had gone on.
    rate: float | None
    #: So long took half of them, 90 and 99 in a hundred, at most.
    duration_50: timedelta
    duration_90: timedelta
    duration_99: timedelta
    cpu: timedelta
    peak_memory: int | None
    retries: int
    #: The time of all slots together, and how much of that no task ran; of attempts whose end
    #: was seen, None where there is none.
    slot_time: timedelta | None = None
    idle: timedelta | None = None

    def rows(self) -> list[tuple[str, str]]:
        """Return name and value of each, as they are told."""
        return [
            ("tasks", f"{self.count:,}"),
            ("rate", rate_words(self.rate) if self.rate else ""),
            ("duration", f"50 % {spent_words(self.duration_50)}, 90 % {spent_words(self.duration_90)}, "
                         f"99 % {spent_words(self.duration_99)}"),
            ("CPU", spent_words(self.cpu)),
            ("peak memory", size_words(self.peak_memory) if self.peak_memory else ""),
            ("retries", f"{self.retries:,}" if self.retries else ""),
            ("idle slots", self._idle_words()),
        ]  # fmt: skip

    def _idle_words(self) -> str:
        if not self.slot_time or self.idle is None:
            return ""
        return f"{100 * self.idle / self.slot_time:.0f} %, {spent_words(self.idle)} of {spent_words(self.slot_time)}"


def figures(tasks: Iterable[TaskRecord], attempts: Iterable[Attempt]) -> Figures | None:
    """Return what tasks measure; `attempts` are those at the whole. None when none ran."""
    walls, cpu, peak, retries = array("q"), 0, 0, 0
    for record in tasks:
        end = record.end
        retries += end.number - 1
        if not end.slot:
            continue
        walls.append(end.wall_us)
        cpu += end.cpu_us
        peak = max(peak, end.peak_memory or 0)
    if not walls:
        return None
    ordered = sorted(walls)
    found = [each.outcome for each in attempts]
    outcomes = [each for each in found if each]
    # How long one that was lost had gone on is not known, and one that runs has no end yet.
    is_known = len(outcomes) == len(found) and all(each.ending is not Ending.LOST for each in outcomes)
    spent = sum((each.wall for each in outcomes), timedelta()).total_seconds() if is_known else 0

    def below(share: float) -> timedelta:
        return timedelta(microseconds=ordered[min(len(ordered) - 1, int(share * len(ordered)))])

    return Figures(
        count=len(ordered),
        rate=len(ordered) / spent if spent > 0 else None,
        duration_50=below(0.5),
        duration_90=below(0.9),
        duration_99=below(0.99),
        cpu=timedelta(microseconds=cpu),
        peak_memory=peak or None,
        retries=retries,
        slot_time=_sum(each.slot_time for each in outcomes),
        idle=_sum(each.idle for each in outcomes),
    )


def _sum(some: Iterable[timedelta | None]) -> timedelta | None:
    """Return the sum of those that are known; None when none is."""
    known = [each for each in some if each is not None]
    return sum(known, timedelta()) if known else None


def end_facts(record: TaskRecord) -> dict[str, object]:
    """Return what is known of a task, as JSON has it."""
    end = record.end
    return {
        "task": end.task,
        "try": end.number,
        "status": end.status.value,
        "slot": end.slot or None,
        "began_us": end.began_us,
        "wall_seconds": end.wall_us / 1e6,
        "cpu_seconds": end.cpu_us / 1e6,
        "peak_memory": end.peak_memory,
        "ending": end.ending.value,
        "exit_status": end.exit_status,
        "signal": end.signal,
        "stdout_bytes": end.stdout_bytes,
        "stderr_bytes": end.stderr_bytes,
        "reason": end.reason,
        "last_line": end.last_line,
    }


def has_failed(end: TaskEnd) -> bool:
    """True for a task that is among the failed ones; one that was stopped is not."""
    return end.status is Status.FAILED
