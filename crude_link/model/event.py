"""Events: facts that an Executor reports, and facts that a Notifier tells people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from crude_link.model.firing import Firing
from crude_link.model.pipeline import Pipeline
from crude_link.model.run import Attempt, AttemptKey, Findings, Outcome, Run, StepState

if TYPE_CHECKING:
    from crude_link.model.task import TaskCounts, TaskEnd


class Stream(Enum):
    """One of the two streams of a process."""

    STDOUT = "stdout"
    STDERR = "stderr"


# --- what an Executor reports ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """The agent holds the run's second lock and, where asked, has swept: attempts may start."""

    run: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The process of an attempt exists."""

    key: AttemptKey
    pid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrote:
    """An attempt wrote `data`, masked, as it came: with its carriage returns and colours."""

    key: AttemptKey
    stream: Stream
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """An attempt is over: reaped, its group ended, its output on disk."""

    key: AttemptKey
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Remarked:
    """Something about the machine that people should know, such as a log that could not be written."""

    text: str
    key: AttemptKey | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksEnded:
    """Tries at tasks of a fan-out ended, in this order; their output is in their archives.

    `key` is that of the fan-out itself. `running` are the tasks that run now, with the monotonic age of each in
    seconds, the longest first, at most ten. In the slots `shut`, which were to be closed, nothing runs any more.
    """

    key: AttemptKey
    ends: Sequence[TaskEnd]
    running: Sequence[tuple[int, float]] = ()
    shut: Sequence[int] = ()


ExecutorEvent: TypeAlias = Held | Started | Wrote | Ended | Remarked | TasksEnded


# --- what a Notifier tells ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class RunBegan:
    """A sitting began: the first of a run, or, with `sitting` above 1, a resume."""

    run: Run
    pipeline: Pipeline
    sitting: int
    #: Usual duration by step name, from history; a step without history is missing.
    usual: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptBegan:
    """An attempt was handed to its executor; `tries` is how many the step may have in this sitting.

    `slots` is how many of its tasks run at once, where the step has many; `limit` is the pool or the budget that
    allows no more.
    """

    attempt: Attempt
    tries: int
    slots: int | None = None
    limit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptWrote:
    """An attempt wrote something; see `Wrote`."""

    key: AttemptKey
    stream: Stream
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptEnded:
    """An attempt is over and recorded. `retry_at` is when it is tried again, if it is.

    `last_lines` are the last lines the attempt wrote, of both streams in order of arrival, without line ends.
    """

    attempt: Attempt
    outcome: Outcome
    findings: Findings
    last_lines: tuple[str, ...] = ()
    retry_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksProgressed:
    """Tasks of a fan-out ended and are recorded; `failed` are those that did not succeed and are not tried again."""

    key: AttemptKey
    counts: TaskCounts
    slots: int
    failed: Sequence[TaskEnd] = ()
    retried: Sequence[TaskEnd] = ()
    running: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSettled:
    """A step came to a final state without an attempt of its own: skipped, or failed before it could start."""

    run: int
    state: StepState


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnded:
    """A sitting is over and recorded."""

    run: Run
    pipeline: Pipeline
    states: tuple[StepState, ...]
    #: The attempt that counts, by step name; a step that was never tried is missing.
    attempts: Mapping[str, Attempt]
    usual: Mapping[str, timedelta] = field(default_factory=dict)


class Level(Enum):
    """How loudly a Notice is told."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Anything else that people should know; `step` where it is about one."""

    text: str
    level: Level = Level.INFO
    run: int | None = None
    step: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotSettled:
    """What became of slot times is in the ledger. That a run began is told by its RunBegan too."""

    firing: Firing
    pipeline: Pipeline
    #: How many slot times in a row have had this fate by now.
    in_a_row: int = 1
    #: The same was told of those before, for the same reason, and not long ago.
    is_repetition: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleHalted:
    """A policy has ended the schedules of a pipeline: until they are unpaused, or for the life of this process."""

    pipeline: Pipeline
    #: `run 41 failed`, `3 runs in a row failed, the last is run 41`.
    reason: str
    is_paused: bool
    #: The run that brought it about.
    run: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLeft:
    """An earlier scheduler left a run of a slot time, LOST or FAILED, and nobody goes on with it by himself."""

    run: Run
    pipeline: Pipeline


Event: TypeAlias = (
    RunBegan
    | AttemptBegan
    | AttemptWrote
    | AttemptEnded
    | TasksProgressed
    | StepSettled
    | RunEnded
    | SlotSettled
    | ScheduleHalted
    | RunLeft
    | Notice
)
