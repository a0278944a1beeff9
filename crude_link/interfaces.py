"""Promises: what the engine expects of the parts that touch the world.

Each is a Protocol of at most six methods. All are called from the one thread of the coordinator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from crude_link.model.condition import Facts
from crude_link.model.event import Event, ExecutorEvent, Stream
from crude_link.model.foreach import Input
from crude_link.model.order import FanOrder, LogPlace, Order, Screen, View
from crude_link.model.pipeline import Step
from crude_link.model.resources import ANYWHERE, Claim, Lease, LeaseWait, Place
from crude_link.model.run import (
    Attempt,
    AttemptKey,
    Decision,
    Findings,
    NewRequest,
    NewRun,
    Outcome,
    Request,
    Run,
    Sitting,
    StepState,
)
from crude_link.model.status import Status
from crude_link.model.value import Plain
from crude_link.model.wish import Wish

if TYPE_CHECKING:
    from crude_link.model.firing import Firing, Pause, SchedulerRecord
    from crude_link.model.schedule import Schedule
    from crude_link.model.task import FailureGroup, FanRecord, TaskCounts, TaskEnd, TaskOrder, TaskRecord


class Clock(Protocol):
    """The machine's time; the only place that asks for it."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never step back; only differences mean anything."""

    def sleep_until(self, moment: datetime) -> None:
        """Return when the wall clock has reached `moment`, in pieces of at most 15 s, or early on a signal."""


class Trigger(Protocol):
    """Answers: after this moment, when next?"""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot time strictly after `moment` (aware), in the trigger's zone; None: never again."""


class Notifier(Protocol):
    """Whoever tells people of events. Must not raise: what it cannot tell it remarks on stderr, once."""

    def tell(self, event: Event) -> None:
        """Tell `event`, at once; called after the store has it."""

    def close(self) -> None:
        """Flush and let go; nothing is told afterwards."""


# --- executors ------------------------------------------------------------------------------------------


class Executor(Protocol):
    """Gives slots on some machines, starts Attempts there, reports events. Knows no Run, no retry, no store.

    `start` and `tell` never block and raise only ExecutorError, when the far end cannot be had at all. Orders for
    a run are started only after its Hold was granted; they queue until then. Every started Order yields exactly
    one Ended, whatever dies in between: when the agent goes, Ended with Ending.LOST comes after a new agent has
    swept the run and holds its lock again.
    """

    @property
    def host(self) -> str:
        """The machine's name, as an Attempt records it."""

    def start(self, order: Order | FanOrder) -> None:
        """Start one attempt, or open a fan-out for tasks."""

    def tell(self, wish: Wish) -> None:
        """Pass on a wish."""

    def fileno(self) -> int:
        """A descriptor that is readable when `events` has something; it changes when an agent is replaced."""

    def events(self) -> Sequence[ExecutorEvent]:
        """Return what has happened since the last call, in order, without waiting."""

    def close(self) -> None:
        """End whatever still runs, gently but soon, and let go of the machine. Returns when it is done."""


class Front(Protocol):
    """The terminal in front of which a person sits. Signals of it wake the runner's wait."""

    @property
    def has_keyboard(self) -> bool:
        """True when a step can be lent the person's keys."""

    def listen(self, wanted: bool) -> int | None:
        """Take the keyboard, or give it back; return the descriptor that is readable when keys came, if any."""

    def keys(self) -> bytes:
        """Return the keys that came, when the descriptor is readable; none when no more can come."""

    def new_screen(self) -> Screen | None:
        """Return the window's size if it was changed since the last call."""


# --- what a step needs and leaves -----------------------------------------------------------------------


class Orders(Protocol):
    """Makes Orders: fills references, applies the argument style, quotes, builds the environment."""

    def fan_for(self, run: Run, step: Step, key: AttemptKey, facts: Facts) -> FanWork:
        """Return the work of a step with `foreach`, task 0. As `order_for`; CannotStart also for its source."""

    def order_for(self, run: Run, step: Step, key: AttemptKey, facts: Facts, view: View) -> Order:
        """Return the order for an attempt of `step` in `run`.

        Reads secrets and, for `${steps.S.stdout}`, logs. Creates the attempt's folder. CannotStart when a
        reference, a secret, the script or a declared input is not to be had; its text is the reason. NotYet.
        """


class FanWork(Protocol):
    """A fan-out that is ready to be begun: its inputs, and the orders for its tasks."""

    @property
    def order(self) -> FanOrder:
        """What all tasks have in common."""

    @property
    def source(self) -> str:
        """What tells this state of the source from any other: a digest of the list, a file's size and times."""

    def inputs(self, skip: int) -> Iterator[Input]:
        """Yield the inputs behind the first `skip`, as a stream; equal ones are separate. CannotStart."""

    def share_read(self) -> float | None:
        """Return how much of the source the inputs yielded so far are, from 0 to 1; None where nobody can know."""

    def digest(self, item: Plain) -> str:
        """Return 16 hex digits that identify an input: of its key field, or of all of it."""

    def task(self, item: Plain, task: int, number: int, place: Place = ANYWHERE) -> TaskOrder:
        """Return the order for a try at a task. CannotStart when its arguments cannot be given to a process."""


class Evidence(Protocol):
    """Looks at what an attempt left behind."""

    def collect(self, order: Order, outcome: Outcome) -> tuple[Outcome, Findings]:
        """Return findings and the final outcome: one that succeeded without its declared results has not."""


# --- the store, face by face ----------------------------------------------------------------------------


class RunStore(Protocol):
    """Runs and sittings. Every method is one short transaction, durable when it returns."""

    def begin_run(self, new: NewRun, sitting: Sitting | None) -> Run:
        """Record a run and, unless it is to be begun by another process, its first sitting; make its folder.

        The run's folder holds the config as written and the document. Status RUNNING with a sitting, else WAITING.
        """

    def begin_sitting(self, run: int, sitting: Sitting) -> tuple[Sitting, Sequence[AttemptKey]]:
        """Record a further sitting; attempts without an end become LOST. Returns it, numbered, and the lost ones."""

    def end_sitting(self, run: int, status: Status, reason: str, at: datetime) -> Run:
        """Record the end of the run's newest sitting, and the run's status with it."""

    def run(self, run: int) -> Run:
        """Return a run as recorded. UnknownRun."""

    def adopt_document(
        self,
        run: int,
        text: str,
        document: Mapping[str, Plain],
        steps: tuple[str, ...],
        resolved: Mapping[str, Plain],
    ) -> None:
        """Replace a run's config by a newer one (`--reload`, edit and rerun); the older one is kept beside it."""


class AttemptStore(Protocol):
    """Attempts, decisions, and the cached state of steps. Each method is one short transaction.

    What it writes outlives the death of every process when it returns, and a power failure once
    `StateStore.set_states` or `RunStore.end_sitting` has returned after it.
    """

    def begin_attempt(self, attempt: Attempt) -> None:
        """Record an attempt before it is started."""

    def end_attempt(self, key: AttemptKey, outcome: Outcome, findings: Findings) -> bool:
        """Record its end, if it has none yet (compare and set); False when it had one."""

    def attempts(self, run: int) -> Sequence[Attempt]:
        """Return all attempts of a run in the order in which they began."""

    def findings(self, run: int) -> Mapping[AttemptKey, Findings]:
        """Return what the attempts of a run left behind."""

    def decide(self, run: int, decision: Decision) -> None:
        """Record a decision."""

    def decisions(self, run: int) -> Sequence[Decision]:
        """Return the decisions of a run in order."""


class TaskStore(Protocol):
    """The tasks of fan-outs. `key` is that of a fan-out's attempt (task 0)."""

    def begin_fan(self, key: AttemptKey, source: str, *, once: bool = False) -> FanRecord:
        """Record that a fan-out goes on with this attempt; return what is known of its tasks.

        With `once`, what it does is remembered beyond its run, by pipeline and step, and so is what other runs did.

        First the archives of its earlier attempts are read on from where rows were written: ends that were not
        recorded when everything died are recorded now.
        """

    def tasks_by_digest(self, key: AttemptKey) -> Mapping[str, Sequence[int]]:
        """Return the numbers of all tasks that have ended, by digest, lowest first; for a source that has changed."""

    def end_tasks(self, key: AttemptKey, ends: Sequence[TaskEnd]) -> None:
        """Record ends, all in one transaction; it outlives the death of every process."""

    def counts(self, run: int, step: str) -> TaskCounts:
        """Return how the tasks that have ended stand; `total` is None."""

    def tasks(self, run: int, step: str, *, failed: bool = False) -> Iterator[TaskRecord]:
        """Yield the newest end of each task, by number; only of those that did not succeed, where asked."""

    def failures(self, run: int, step: str, most: int) -> Sequence[FailureGroup]:
        """Return the failed tasks by what they said, the largest group first."""


class LeaseStore(Protocol):
    """Who holds which items of pools, across all runs. A lease is worth as much as the hold of its run."""

    def exchange(
        self, run: int, step: str, freed: Sequence[int], claims: Sequence[Claim], at: datetime
    ) -> Sequence[Mapping[str, Sequence[str]] | None]:
        """Free what some slots of a step had, and grant claims in their order, all in one transaction.

        Returns for each claim its items by pool, or None when not all of them are free. What was just freed is left
        to others, if others wait for that pool. While a claim of the step is not granted, the step waits; who
        claims nothing waits for nothing.
        """

    def release(self, run: int, step: str | None = None) -> None:
        """Free all that a run, or one step of it, holds, and forget for what it waits."""

    def leases(self) -> Sequence[Lease]:
        """Return what is held by runs that somebody holds, by pool."""

    def waits(self) -> Sequence[LeaseWait]:
        """Return who waits for what, the longest first."""

    def put_aside(self, run: int, step: str, items: Collection[tuple[str, str]]) -> None:
        """Record which items, (pool, item), a step does without, in place of what was recorded before."""

    def aside(self, run: int, step: str) -> Sequence[tuple[str, str]]:
        """Return which items a step does without."""


class Ledger(Protocol):
    """What became of every slot time of schedules. Each method is one short transaction."""

    def note(self, firing: Firing) -> bool:
        """Record what became of slot times that began no run (`RunStore.begin_run` writes the others).

        False, and nothing is written, when the first of them has a row already, and that does not say that it
        waits; what a person had run of it does not count. What continues the newest row of its entry, with the same
        fate, blocker and reason, makes that longer.
        """

    def settle(self, pipeline: str, schedule: Schedule, moment: datetime | None) -> None:
        """Note that all slot times of an entry up to a moment are accounted for; None: it is followed no more."""

    def settled(self, pipeline: str, schedule: Schedule) -> datetime | None:
        """Return up to when they are; None: it is new, or fired at other times, and has missed nothing."""

    def firings(self, pipeline: str | None = None, *, since: datetime = ..., limit: int = ...) -> Sequence[Firing]:
        """Return what became of slot times, the latest first."""

    def queued(self, pipeline: str) -> Sequence[Firing]:
        """Return the slot times of a pipeline that wait, the earliest first."""

    def withdraw(self, firing: Firing) -> None:
        """Remove a row that began no run, for its slot times are to come again: the clock was set back."""


class SchedulerBook(Protocol):
    """Who schedules in this project, and which pipelines are paused."""

    def pause(self, pause: Pause) -> None:
        """Let a pipeline begin nothing by schedule, from now on."""

    def unpause(self, pipeline: str) -> bool:
        """Let a pipeline begin runs by schedule again; False when it was not paused."""

    def pauses(self) -> Sequence[Pause]:
        """Return the pauses, by pipeline."""

    def record(self, scheduler: SchedulerRecord) -> None:
        """Record the scheduler as it is now; the one before is forgotten."""

    def scheduler(self) -> SchedulerRecord | None:
        """Return the scheduler, the living one or the last; None when there never was one."""


class StateStore(Protocol):
    """The cache of derived states, and requests between processes."""

    def set_states(self, run: int, states: Sequence[StepState]) -> None:
        """Write the cached states of some steps of a run, and flush all that was written before to the disk."""

    def states(self, run: int) -> Sequence[StepState]:
        """Return the cached states in the pipeline's order."""

    def ask(self, request: NewRequest) -> Request:
        """Put a request to the holder of a run."""

    def requests(self, runs: Sequence[int]) -> Sequence[Request]:
        """Return the unanswered requests for these runs, oldest first; cheap when there are none."""

    def answer(self, request: int, text: str) -> None:
        """Answer a request; one that has an answer keeps it."""


class History(Protocol):
    """What earlier runs tell of the next. Read only."""

    def going(self, pipeline: str | None = None) -> Sequence[Run]:
        """Return the runs of one pipeline or of all that have begun and not ended, RUNNING or LOST, oldest first."""

    def usual(self, pipeline: str) -> Mapping[str, timedelta]:
        """Return each step's median duration over its last 20 successes; steps without one are missing."""

    def runs(self, pipeline: str | None = None, limit: int | None = None) -> Sequence[Run]:
        """Return the newest runs first, of one pipeline or of all."""

    def sittings(self, run: int) -> Sequence[Sitting]:
        """Return the sittings of a run in order."""

    def document(self, run: int) -> tuple[str, Mapping[str, Plain], Mapping[str, Plain]]:
        """Return a run's config as written, its document, and what early references became."""


class Logs(Protocol):
    """The output of attempts: `runs/RUN/steps/STEP/NUMBER.stdout`, `.stderr` and `.index`.

    The index has one line for each piece that arrived, in order: `o` or `e`, the offset in that stream up to
    which it reaches, and the milliseconds since the attempt began. What lies past the last line of the index
    (a progress bar that still moves) comes last.
    """

    def place(self, key: AttemptKey) -> LogPlace:
        """Return the files of an attempt and make sure that their folder is there."""

    def lines(self, key: AttemptKey, stream: Stream | None = None) -> Iterator[tuple[Stream, bytes]]:
        """Yield whole lines without their ends, of one stream or of both in order of arrival; none if it is gone."""

    def last_lines(self, key: AttemptKey, count: int) -> tuple[str, ...]:
        """Return the last `count` lines of both streams in order of arrival, without reading the whole log."""

    def text(self, key: AttemptKey, stream: Stream, limit: int) -> str | None:
        """Return a stream as text, its last newline cut; None when it is longer than `limit` bytes or gone."""


class RunLocks(Protocol):
    """Who holds which run: flocks that die with their owners."""

    def hold(self, run: int) -> AbstractContextManager[Path]:
        """Take the run's first lock; gives the path of the second, which an agent takes. RunIsHeld, naming who."""

    def is_held(self, run: int) -> bool:
        """True while a coordinator or an agent holds the run."""

    def holder(self, run: int) -> str | None:
        """Say in words who holds the run ("pid 4711 on thor since 12:03"); None when nobody does."""
