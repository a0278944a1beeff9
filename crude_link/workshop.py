"""Workshop: all that working on runs of one project takes, put together; it leaves nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from crude_link.app import Ask, ConfigFile, Desk, Records, open_records, recorded_pipeline
from crude_link.engine.live import LiveRun
from crude_link.engine.runner import Runner, Surroundings
from crude_link.engine.stopping import Interrupts
from crude_link.errors import ConfigError
from crude_link.executors.local import LocalExecutor
from crude_link.identity import user_name
from crude_link.interfaces import Clock, Hold, Notifier
from crude_link.keyboard import PersonsTerminal
from crude_link.model.event import Level, Notice
from crude_link.model.order import View
from crude_link.model.pipeline import Pipeline
from crude_link.model.run import Code, Decision, Selection, Sitting, Verdict
from crude_link.programs import CodeProbe
from crude_link.steps.evidence import StepEvidence


class Workshop:
    """A context manager around a runner. Who is told what happens comes from outside: it depends on who asked."""

    def __init__(
        self,
        make_notifier: Callable[[Clock], Notifier],
        *,
        view: View = View(),
        create: bool = True,
        front: PersonsTerminal | None = None,
    ) -> None:
        self.records: Records = open_records(create=create)
        self.store = self.records.store
        self.desk = Desk(project=self.records.project)
        self.executor = LocalExecutor(self.desk.clock)
        # The first sitting's, begun early so that git works while the config is read.
        self._code: CodeProbe | None = CodeProbe.start(self.desk.project.directory)
        self.notifier = make_notifier(self.desk.clock)
        self.interrupts = Interrupts()
        self._view = view
        self._front = front
        self._stack = ExitStack()
        around = Surroundings(
            runs=self.store.runs,
            attempts=self.store.attempts,
            states=self.store.states,
            logs=self.store.logs,
            executor=self.executor,
            evidence=StepEvidence(self.desk.project.directory),
            clock=self.desk.clock,
            notifier=self.notifier,
            front=front,
        )
        self.runner = Runner(around, self.interrupts)

    def __enter__(self) -> Workshop:
        self._stack.enter_context(self.interrupts)
        if self._front:
            self._stack.callback(self._front.close)
        self._stack.callback(self.notifier.close)
        self._stack.callback(self.executor.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def check(self, pipeline: Pipeline, config_file: Path, selection: Selection = Selection()) -> None:
        """Do the pre-flight; ConfigError with all that is wrong. Warnings go to the notifier."""
        problems, warnings = self.desk.check(pipeline, config_file, selection)
        for text in (*pipeline.warnings, *warnings):
            self.notifier.tell(Notice(text=text, level=Level.WARNING))
        if problems:
            raise ConfigError(problems)

    def begin(self, pipeline: Pipeline, config: ConfigFile, ask: Ask = Ask()) -> LiveRun:
        """Record a new run and hand it to the runner."""
        sitting = self._sitting()
        run = self.desk.record(self.store, pipeline, config, ask, sitting)
        with ExitStack() as stack:
            lock = stack.enter_context(self.store.locks.hold(run.id))
            return self._take(pipeline, sitting, lock, stack.pop_all())

    def resume(self, run_id: int, reloaded: tuple[Pipeline, str] | None = None) -> LiveRun:
        """Go on with a run at what is not done: as it was, or with a reloaded pipeline and its file's text."""
        with ExitStack() as stack:
            lock = stack.enter_context(self.store.locks.hold(run_id))
            pipeline = reloaded[0] if reloaded else recorded_pipeline(self.store, run_id)
            if reloaded:
                text, document = reloaded[1], pipeline.document
                self.store.runs.adopt_document(run_id, text, document, pipeline.names, pipeline.resolved)
                self._decide(run_id, Verdict.ACCEPT, why="the config was reloaded")
            sitting, _ = self.store.runs.begin_sitting(run_id, self._sitting())
            return self._take(pipeline, sitting, lock, stack.pop_all())

    def skip(self, run_id: int, step: str) -> None:
        """Record that a person wants to go on without a step."""
        self._decide(run_id, Verdict.SKIP, step=step)

    def code(self) -> Code | None:
        """Return the state of the project's code, as it is now or was when the workshop was opened."""
        probe, self._code = self._code, None
        return (probe or CodeProbe.start(self.desk.project.directory)).result()

    def _decide(self, run_id: int, verdict: Verdict, *, step: str | None = None, why: str = "") -> None:
        decision = Decision(verdict=verdict, at=self.desk.clock.now(), by=user_name(), step=step, why=why)
        self.store.attempts.decide(run_id, decision)

    def _sitting(self) -> Sitting:
        return Sitting(
            number=1,  # the store numbers it
            began=self.desk.clock.now(),
            host=os.uname().nodename,
            pid=os.getpid(),
            user=user_name(),
            argv=("crude-link", *sys.argv[1:]),
            python=f"{sys.executable} {sys.version.split()[0]}",
            code=self.code(),
        )

    def _take(self, pipeline: Pipeline, sitting: Sitting, lock: Path, held: ExitStack) -> LiveRun:
        store = self.store
        run = store.runs.run(int(lock.parent.name))
        resumed = sitting.number > 1
        live = LiveRun(
            run=run,
            pipeline=pipeline,
            sitting=sitting.number,
            orders=self.desk.orders(store, pipeline, self.desk.project.directory / run.config_file),
            held=held,
            attempts={},
            findings=dict(store.attempts.findings(run.id)),
            decisions=tuple(store.attempts.decisions(run.id)),
            environment=self.desk.environment,
            usual=store.history.usual(pipeline.name),
            view=self._view,
            states={state.name: state for state in store.states.states(run.id)} if resumed else {},
        )
        for attempt in store.attempts.attempts(run.id):
            live.note(attempt)
        self.runner.take(live, Hold(run=run.id, lock=lock, sweep=resumed))
        return live
