"""Fakes of the interfaces, for tests of the engine: a clock that tests move, an executor that tests script."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from fake_leases import FakeLeases
from fake_tasks import FakeTasks
from fake_work import FakeWork

from crude_link.engine.live import LiveRun
from crude_link.engine.runner import Runner
from crude_link.engine.stopping import Interrupts
from crude_link.engine.surroundings import Surroundings
from crude_link.errors import CannotStart, NotYet
from crude_link.interfaces import FanWork
from crude_link.model.condition import Facts
from crude_link.model.event import Ended, Event, ExecutorEvent, Held, Started, Stream, TasksEnded, Wrote
from crude_link.model.order import FanOrder, LogPlace, Order, View
from crude_link.model.pipeline import Pipeline, Step
from crude_link.model.resources import Budget
from crude_link.model.run import (
    Attempt,
    AttemptKey,
    Decision,
    Ending,
    Findings,
    NewRequest,
    NewRun,
    Origin,
    Outcome,
    Request,
    Run,
    Sitting,
    StepState,
)
from crude_link.model.status import Status
from crude_link.model.task import TaskEnd, TaskOrder
from crude_link.model.value import Plain
from crude_link.model.wish import CloseFan, HandOut, Hold, Release, Stop, Wish

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


class FakeClock:
    """A clock that stands still until a test, or a wait, moves it."""

    def __init__(self) -> None:
        self.wall = NOON
        self.ticks = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.ticks

    def sleep_until(self, moment: datetime) -> None:
        self.pass_time(moment - self.wall)

    def pass_time(self, span: timedelta) -> None:
        self.wall += span
        self.ticks += span.total_seconds()


class FakeExecutor:
    """Ends each attempt as `script` says: an exit status, an Outcome, or None: it runs until it is stopped."""

    host = "thor"

    def __init__(self, clock: FakeClock, script: Mapping[str, Sequence[int | Outcome | None]]) -> None:
        self._clock = clock
        self._script = {name: list(endings) for name, endings in script.items()}
        self._read, self._write = os.pipe()
        self._events: list[ExecutorEvent] = []
        self.started: list[AttemptKey] = []
        self.wishes: list[Wish] = []
        self._tick = timedelta(0)
        self._lost: set[AttemptKey] = set()

    def start(self, order: Order | FanOrder) -> None:
        if isinstance(order, FanOrder):
            self.started.append(order.whole.key)
            return
        self.started.append(order.key)
        self._report(Started(key=order.key, pid=1000 + len(self.started)))
        self._report(Wrote(key=order.key, stream=Stream.STDOUT, data=b"working\n"))
        endings = self._script.get(order.key.step) or [0]
        ending = endings.pop(0) if order.key.step in self._script else 0
        if isinstance(ending, Outcome):
            self._report(Ended(key=order.key, outcome=ending))
        elif ending is not None:
            reason = f"exit {ending}" if ending else ""
            self._end(order.key, Ending.EXITED, reason, ending)

    def tell(self, wish: Wish) -> None:
        self.wishes.append(wish)
        if isinstance(wish, Hold):
            self._report(Held(run=wish.run))
        if isinstance(wish, Stop):
            self._end(wish.key, Ending.STOPPED, "stopped", None)
        if isinstance(wish, HandOut):
            self._report(TasksEnded(key=wish.key, ends=[self._task_end(task) for task in wish.tasks]))
        if isinstance(wish, CloseFan) and wish.key not in self._lost:
            self._end(wish.key, Ending.EXITED, "", 0)

    def lose(self, key: AttemptKey) -> None:
        """Let an attempt be lost with its agent."""
        self._lost.add(key)
        self._end(key, Ending.LOST, "lost: the agent that watched it died", None)

    def _task_end(self, order: TaskOrder) -> TaskEnd:
        """End a task as the script says under its input."""
        endings = self._script.get(order.argv[-1]) or [0]
        status = endings.pop(0) if order.argv[-1] in self._script else 0
        assert isinstance(status, int)
        return TaskEnd(
            task=order.task, number=order.number, digest=order.digest, slot=1, ending=Ending.EXITED,
            exit_status=status, signal=None, began_us=0, wall_us=1, cpu_us=1, peak_memory=None, stdout_bytes=0,
            stderr_bytes=0, offset=0, reason=f"exit {status}" if status else "",
        )  # fmt: skip

    def tick(self, span: timedelta) -> None:
        """From now on waits are over at once, and each that nothing else ends moves the clock by `span`."""
        self._tick = span
        os.write(self._write, b".")

    def fileno(self) -> int:
        return self._read

    def events(self) -> Sequence[ExecutorEvent]:
        events, self._events = self._events, []
        if events:
            os.read(self._read, len(events))
        else:
            self._clock.pass_time(self._tick)
        return events

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)

    def _end(self, key: AttemptKey, ending: Ending, reason: str, exit_status: int | None) -> None:
        outcome = Outcome(ending=ending, ended=self._clock.now(), reason=reason, exit_status=exit_status)
        self._report(Ended(key=key, outcome=outcome))

    def _report(self, event: ExecutorEvent) -> None:
        self._events.append(event)
        os.write(self._write, b".")


class FakeOrders:
    """Makes orders that say only which attempt they are for; steps in `broken` cannot start."""

    def __init__(self, broken: Mapping[str, str], budgets: Sequence[Budget], pieces: Mapping[str, int]) -> None:
        self._broken = broken
        self._budgets = budgets
        #: How often what a step needs is not there yet.
        self._pieces = dict(pieces)

    def order_for(self, run: Run, step: Step, key: AttemptKey, facts: Facts, view: View) -> Order:
        if self._pieces.get(step.name, 0):
            self._pieces[step.name] -= 1
            raise NotYet(words="it takes long")
        if step.name in self._broken:
            raise CannotStart(self._broken[step.name])
        log = LogPlace(stdout=Path("o"), stderr=Path("e"), index=Path("i"))
        return Order(key=key, argv=("true",), env={}, cwd=Path(), log=log, record_argv=("true",))

    def fan_for(self, run: Run, step: Step, key: AttemptKey, facts: Facts) -> FanWork:
        assert step.foreach
        assert isinstance(step.foreach.value, list)
        whole = self.order_for(run, step, key, facts, View())
        order = FanOrder(
            whole=whole,
            folder=Path(),
            slots=2,
            budgets=self._budgets,
            is_bound=any(one.left for one in self._budgets),
        )
        return FakeWork(step.foreach.value, order=order)


class FakeEvidence:
    """Finds the metrics that a test says a step leaves."""

    def __init__(self, metrics: Mapping[str, Mapping[str, float]]) -> None:
        self._metrics = metrics

    def collect(self, order: Order, outcome: Outcome) -> tuple[Outcome, Findings]:
        return outcome, Findings(metrics=self._metrics.get(order.key.step, {}))


class FakeLogs:
    """Logs of one line."""

    def place(self, key: AttemptKey) -> LogPlace:
        return LogPlace(stdout=Path("o"), stderr=Path("e"), index=Path("i"))

    def lines(self, key: AttemptKey, stream: Stream | None = None) -> Iterator[tuple[Stream, bytes]]:
        yield Stream.STDOUT, b"working"

    def last_lines(self, key: AttemptKey, count: int) -> tuple[str, ...]:
        return ("working",)

    def text(self, key: AttemptKey, stream: Stream, limit: int) -> str | None:
        return "working"


class MemoryStore:
    """The faces of a store that a runner writes to, over lists; `log` has every write in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.ended: dict[int, tuple[Status, str]] = {}
        self.made: dict[AttemptKey, Attempt] = {}
        self.asked: list[Request] = []
        self.answers: dict[int, str] = {}
        self.taken: list[Decision] = []
        self.known: dict[str, StepState] = {}

    def begin_run(self, new: NewRun, sitting: Sitting | None) -> Run:
        return a_run()

    def begin_sitting(self, run: int, sitting: Sitting) -> tuple[Sitting, Sequence[AttemptKey]]:
        return sitting, ()

    def end_sitting(self, run: int, status: Status, reason: str, at: datetime) -> Run:
        self.log.append(f"run {run} {status.value}")
        self.ended[run] = (status, reason)
        return replace(a_run(run), status=status, reason=reason, ended=at)

    def run(self, run: int) -> Run:
        return a_run(run)

    def adopt_document(
        self,
        run: int,
        text: str,
        document: Mapping[str, Plain],
        steps: tuple[str, ...],
        resolved: Mapping[str, Plain],
    ) -> None:
        self.log.append(f"run {run} reloaded")

    def begin_attempt(self, attempt: Attempt) -> None:
        self.log.append(f"{attempt.key} begins")
        self.made[attempt.key] = attempt

    def end_attempt(self, key: AttemptKey, outcome: Outcome, findings: Findings) -> bool:
        self.log.append(f"{key} {outcome.status.value}")
        if self.made[key].outcome:
            return False
        self.made[key] = replace(self.made[key], outcome=outcome)
        return True

    def attempts(self, run: int) -> Sequence[Attempt]:
        return [attempt for key, attempt in self.made.items() if key.run == run]

    def findings(self, run: int) -> Mapping[AttemptKey, Findings]:
        return {}

    def decide(self, run: int, decision: Decision) -> None:
        self.taken.append(decision)

    def decisions(self, run: int) -> Sequence[Decision]:
        return self.taken

    def set_states(self, run: int, states: Sequence[StepState]) -> None:
        self.known |= {state.name: state for state in states}

    def states(self, run: int) -> Sequence[StepState]:
        return list(self.known.values())

    def ask(self, asked: NewRequest) -> Request:
        request = Request(id=len(self.asked) + 1, asked=asked)
        self.asked.append(request)
        return request

    def requests(self, runs: Sequence[int]) -> Sequence[Request]:
        return [r for r in self.asked if r.asked.run in runs and r.id not in self.answers]

    def answer(self, request: int, text: str) -> None:
        self.answers[request] = text


class FakeNotifier:
    """Keeps what it is told, and asks, at each event, what the store had by then."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.told: list[Event] = []
        self.written_before: list[tuple[Event, tuple[str, ...]]] = []

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.written_before.append((event, tuple(self._store.log)))

    def close(self) -> None:
        pass


def a_run(run: int = 1) -> Run:
    return Run(id=run, pipeline="p", origin=Origin.PERSON, status=Status.RUNNING, began=NOON)


class Bench:
    """A runner among fakes, and, with a pipeline, one run for it to work on."""

    def __init__(
        self,
        pipeline: Pipeline | None,
        script: Mapping[str, Sequence[int | Outcome | None]] | None = None,
        metrics: Mapping[str, Mapping[str, float]] | None = None,
        broken: Mapping[str, str] | None = None,
        budgets: Sequence[Budget] = (),
    ) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore()
        self.tasks = FakeTasks(self.store.log)
        self.leases = FakeLeases()
        self.hauls: list[tuple[str, AttemptKey]] = []
        self.notifier = FakeNotifier(self.store)
        self.executor = FakeExecutor(self.clock, script or {})
        self.interrupts = Interrupts(self.clock.monotonic)
        self.let_go: list[int] = []
        self._broken = broken or {}
        self._budgets = budgets
        around = Surroundings(
            runs=self.store,
            attempts=self.store,
            tasks=lambda: self.tasks,
            leases=lambda: self.leases,
            remember_hauls=lambda pipeline, keys: self.hauls.extend((pipeline, key) for key in keys),
            states=self.store,
            logs=FakeLogs(),
            executor=self.executor,
            evidence=FakeEvidence(metrics or {}),
            clock=self.clock,
            notifier=self.notifier,
        )
        self.runner = Runner(around, self.interrupts)
        if pipeline:
            self.take(pipeline)

    def take(self, pipeline: Pipeline, run: int = 1, pieces: Mapping[str, int] | None = None) -> LiveRun:
        held = ExitStack()
        held.callback(self.let_go.append, run)
        live = LiveRun(
            run=a_run(run),
            pipeline=pipeline,
            sitting=1,
            orders=FakeOrders(self._broken, self._budgets, pieces or {}),
            held=held,
            attempts={},
            findings={},
            decisions=(),
            environment={},
        )
        self.runner.take(live, Hold(run=run, lock=Path("agent.lock"), sweep=False))
        return live

    def turn_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(100):
            if condition():
                return
            self.runner.turn(timedelta(0))
        raise AssertionError("it never came to that")

    @property
    def released(self) -> list[int]:
        return [wish.run for wish in self.executor.wishes if isinstance(wish, Release)]
