"""Run, Sitting, Attempt, Outcome, Decision, Request: what the store remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from crude_link.model.status import Status
from crude_link.model.transfer import is_listing, is_upload, owner_of
from crude_link.model.value import Plain, Scalar

if TYPE_CHECKING:
    from crude_link.model.another_try import AnotherTry
    from crude_link.model.firing import Firing


class AttemptKey(NamedTuple):
    """Names an Attempt among all of a store: the run, the step, the task (1 in a plain step), the try (from 1)."""

    run: int
    step: str
    task: int
    number: int

    def __str__(self) -> str:
        return f"{self.run}/{self.step}/{self.task}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> AttemptKey:
        """Read back what `str` wrote; step names hold no slash."""
        run, step, task, number = text.split("/")
        return cls(int(run), step, int(task), int(number))


class Ending(Enum):
    """In which way an Attempt came to its end."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed out"
    STOPPED = "stopped"
    #: It could not be spawned, or could not be prepared; no process ever ran.
    NOT_STARTED = "not started"
    #: It exited with 0 but a declared output or metric is missing, old or unreadable.
    WITHOUT_RESULT = "without result"
    #: Nobody saw its end: the coordinator or the agent died under it.
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How an Attempt ended. `reason` says why it did not succeed, or what was left out where it did."""

    ending: Ending
    ended: datetime
    reason: str = ""
    exit_status: int | None = None
    signal: int | None = None
    wall: timedelta = timedelta(0)
    cpu: timedelta = timedelta(0)
    #: The largest single process, in bytes; None when it is not known.
    peak_memory: int | None = None
    #: True when `peak_memory` is only an upper bound: the agent's own floor hides anything below it.
    peak_is_bound: bool = False
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    #: Processes that survived KILL.
    survivors: tuple[int, ...] = ()
    #: Of a whole fan-out: the time of all its slots together, and how much of that no task ran; None: not known.
    slot_time: timedelta | None = None
    idle: timedelta | None = None
    #: It asks for another try; in memory only.
    another_try: AnotherTry | None = None

    @property
    def status(self) -> Status:
        """The status that an attempt with this outcome has."""
        if self.ending is Ending.STOPPED:
            return Status.CANCELLED
        if self.ending is Ending.LOST:
            return Status.LOST
        if self.ending is Ending.EXITED and self.exit_status == 0:
            return Status.SUCCEEDED
        return Status.FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try at a Task. Only an Attempt ever meets a process; its end is final and never overwritten."""

    key: AttemptKey
    #: The sitting (from 1) of the run in which it was made.
    sitting: int
    began: datetime
    host: str
    slot: int | None = None
    argv: tuple[str, ...] = ()
    cwd: str = ""
    #: What of the environment mattered; secrets stand as references.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Path and version of the Python that ran it, where one did.
    interpreter: str | None = None
    #: SHA-256 of the script as it was when the attempt began.
    script_digest: str | None = None
    #: Late references by their text and what they became; secrets are not among them.
    resolved: Mapping[str, Plain] = field(default_factory=dict)
    pid: int | None = None
    outcome: Outcome | None = None

    @property
    def status(self) -> Status:
        """RUNNING until it has an outcome. Whether it is really LOST is for the reader of the run's lock."""
        return self.outcome.status if self.outcome else Status.RUNNING


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A declared output as it was found after its step; `digest` is SHA-256, None above 1 GB or for a folder."""

    path: str
    size: int
    digest: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What an attempt left behind."""

    metrics: Mapping[str, Scalar] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()


class Verdict(Enum):
    """What a Decision says."""

    SKIP = "skip"
    #: A step is wanted again that may have succeeded: for its failed tasks, or since what it fetched may be gone.
    AGAIN = "again"
    STOP = "stop"
    ACCEPT = "accept"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a person or a policy said of a step (or, with step None, of the run), and why."""

    verdict: Verdict
    at: datetime
    by: str
    step: str | None = None
    why: str = ""


class Origin(Enum):
    """Why a run began."""

    PERSON = "person"
    SCHEDULE = "schedule"
    RERUN = "rerun"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which steps of the pipeline a run is about; both None: all of them."""

    start_at: str | None = None
    only: str | None = None

    def leaves_out(self, names: tuple[str, ...], step: str) -> str | None:
        """Return why `step` is not part of the run, or None when it is; `names` in the pipeline's order.

        The transfers of a step go with it. What was there before is noted where something is uploaded, unless the
        run is to begin with the upload itself: then all that lies there is meant.
        """
        asked = self.only if self.only is not None else self.start_at
        if asked is None or asked in (step, owner_of(step)):
            return None
        option = "--only" if self.only is not None else "--from"
        if is_listing(step):
            is_needed = any(is_upload(name) and self.leaves_out(names, name) is None for name in names)
            return None if is_needed and not is_upload(asked) else f"not selected ({option} {asked})"
        if self.only is not None or names.index(step) < names.index(asked):
            return f"not selected ({option} {asked})"
        return None

    def unknown_in(self, names: tuple[str, ...]) -> str | None:
        """Return the step that is asked for when it is none of `names`, else None."""
        wanted = self.only if self.only is not None else self.start_at
        return wanted if wanted is not None and wanted not in names else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """The state of the project's code: git commit, and whether and how the work tree differs from it."""

    commit: str
    dirty: bool
    #: SHA-256 of `git diff HEAD`; None when the tree is clean.
    diff_digest: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitting:
    """One period in which a runner works on a Run."""

    number: int
    began: datetime
    host: str
    pid: int
    user: str
    #: The command line that began it.
    argv: tuple[str, ...]
    python: str
    code: Code | None = None
    ended: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StepState:
    """How a step of a run stands: a cache of what attempts and decisions say."""

    name: str
    status: Status
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One execution of a Pipeline."""

    id: int
    pipeline: str
    origin: Origin
    status: Status
    began: datetime
    reason: str = ""
    ended: datetime | None = None
    #: Path of the config file, relative to the project directory where it lies inside.
    config_file: str = ""
    params: Mapping[str, Scalar] = field(default_factory=dict)
    #: The `--set K=V` texts it was begun with.
    settings: tuple[str, ...] = ()
    selection: Selection = Selection()
    #: Experiments of one matrix or queue share a group.
    group: str | None = None
    #: The time at which a schedule should have fired it.
    slot_time: datetime | None = None
    rerun_of: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRun:
    """What a run is begun with; the store gives the id."""

    pipeline: str
    origin: Origin
    began: datetime
    config_file: str
    #: The config file as it was written.
    config_text: str
    #: `Pipeline.document` and `Pipeline.resolved`.
    document: Mapping[str, Plain]
    resolved: Mapping[str, Plain]
    steps: tuple[str, ...]
    params: Mapping[str, Scalar] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    selection: Selection = Selection()
    group: str | None = None
    #: The row of the ledger that is written together with the run, and gets its id.
    firing: Firing | None = None
    #: The look for new files that it answers, which is written with it too.
    look: int | None = None
    rerun_of: int | None = None

    @property
    def slot_time(self) -> datetime | None:
        """The time at which a schedule should have fired it."""
        return self.firing.slot_time if self.firing else None


class RequestKind(Enum):
    """What another process can ask of the one that holds a run."""

    STOP = "stop"
    STOP_NOW = "stop now"
    #: So many tasks of a fan-out are to run at once.
    SLOTS = "slots"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRequest:
    """Something asked of the holder of a run from another process; the store gives the id."""

    run: int
    kind: RequestKind
    by: str
    at: datetime
    #: What it is about, where it is not about the whole run.
    step: str | None = None
    number: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request as it stands in the store; answered in its row."""

    id: int
    asked: NewRequest
    answer: str | None = None
