"""Workshop: all that working on runs of one project takes, put together; it leaves nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from crude_link.app import Ask, Desk, Loaded, Records, open_records, recorded, remove_old_runs
from crude_link.engine.live import LiveRun
from crude_link.engine.runner import Runner
from crude_link.engine.stopping import Interrupts
from crude_link.engine.surroundings import Surroundings
from crude_link.engine.transfers import fetched_for_later
from crude_link.errors import ConfigError
from crude_link.executors.local import LocalExecutor
from crude_link.identity import user_name
from crude_link.interfaces import Clock, Notifier
from crude_link.keyboard import PersonsTerminal
from crude_link.model.event import Level, Notice
from crude_link.model.order import View
from crude_link.model.pipeline import Pipeline
from crude_link.model.run import AttemptKey, Code, Decision, Selection, Sitting, Verdict
from crude_link.model.status import Status
from crude_link.model.wish import Hold
from crude_link.outputs import Outputs
from crude_link.programs import CodeProbe
from crude_link.reaching import store_problems
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
        self.interrupts = Interrupts(self.desk.clock.monotonic)
        self._view = view
        self._front = front
        self._stack = ExitStack()
        self._is_listening = False
        self._warned: set[str] = set()  # a scheduler checks before each run
        around = Surroundings(
            runs=self.store.runs,
            attempts=self.store.attempts,
            tasks=lambda: self.store.tasks,
            leases=lambda: self.store.leases,
            remember_hauls=self._remember_hauls,
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
        if self._front:
            self._stack.callback(self._front.close)
        self._stack.callback(self.notifier.close)
        self._stack.callback(self.executor.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def check(
        self,
        loaded: Loaded,
        selection: Selection = Selection(),
        done: Sequence[str] = (),
        *,
        reach: bool = True,
    ) -> None:
        """Do the pre-flight; ConfigError with all that is wrong. Warnings go to the notifier, each once.

        At last the stores of transfers are spoken to, where somebody waits for the answer (`reach`): a slow network
        must not hold up other runs. Then the classes of the steps that are not `done` look at their configs.
        """
        self.check_files(loaded, selection)
        if reach:
            self.check_stores(loaded, selection, done)
        self.check_classes(loaded, selection, done)

    def check_files(self, loaded: Loaded, selection: Selection = Selection()) -> None:
        """Do the pre-flight as far as it runs nothing of the user's; ConfigError, and warnings, as `check`."""
        problems, warnings = self.desk.check(loaded, selection)
        for text in (*loaded.pipeline.warnings, *warnings):
            if text not in self._warned:
                self._warned.add(text)
                self.notifier.tell(Notice(text=text, level=Level.WARNING))
        if problems:
            raise ConfigError(problems)

    def check_stores(self, loaded: Loaded, selection: Selection, done: Sequence[str]) -> None:
        """Look whether the stores of transfers that are not `done` can be reached; ConfigError with what is wrong."""
        problems = store_problems(self.desk, loaded, selection, done)
        if problems:
            raise ConfigError(problems)

    def check_classes(self, loaded: Loaded, selection: Selection, done: Sequence[str]) -> None:
        """Let the classes of the steps that are not `done` look at their configs; ConfigError with what is wrong."""
        problems = self.desk.check_classes(loaded, selection, done)
        if problems:
            raise ConfigError(problems)

    def listen(self) -> None:
        """From now on signals end runs, in their order, and not this process; `begin` and `resume` do it too.

        Before that, while a config is read and checked, Ctrl-C ends the process, and nothing has begun.
        """
        if not self._is_listening:
            self._stack.enter_context(self.interrupts)
            self._is_listening = True

    def begin(self, loaded: Loaded, ask: Ask = Ask()) -> LiveRun:
        """Record a new run and hand it to the runner."""
        self.listen()
        sitting = self._sitting()
        run = self.desk.record(self.store, loaded, ask, sitting)
        with ExitStack() as stack:
            lock = stack.enter_context(self.store.locks.hold(run.id))
            return self._take(loaded, sitting, lock, stack.pop_all())

    def resume(self, run_id: int, reloaded: Loaded | None = None, *, only_failed: bool = False) -> LiveRun:
        """Go on with a run at what is not done: as it was, or with its pipeline as it was loaded again.

        With `only_failed`, of the tasks of its fan-outs only those that failed, also of one that has succeeded
        without them.
        """
        self.listen()
        with ExitStack() as stack:
            lock = stack.enter_context(self.store.locks.hold(run_id))
            if reloaded:
                pipeline = reloaded.pipeline
                self.store.runs.adopt_document(
                    run_id, reloaded.config.text, pipeline.document, pipeline.names, pipeline.resolved
                )
                self._decide(run_id, Verdict.ACCEPT, why="the config was reloaded")
            for step in self.steps_with_failed_tasks(run_id) if only_failed else ():
                self._decide(run_id, Verdict.AGAIN, step=step, why="its failed tasks")
            run = self.store.runs.run(run_id)
            loaded = reloaded or recorded(self.records, run)
            names = loaded.pipeline.names
            left_out = [name for name in names if run.selection.leaves_out(names, name)]
            for step in fetched_for_later(loaded.pipeline.steps, self.finished_steps(run_id), left_out):
                self._decide(run_id, Verdict.AGAIN, step=step, why="whether its files are still here")
            sitting, _ = self.store.runs.begin_sitting(run_id, self._sitting())
            live = self._take(loaded, sitting, lock, stack.pop_all())
            live.only_failed = only_failed  # before the first turn of the runner, in which its steps begin
            return live

    def tidy(self, pipeline: Pipeline) -> None:
        """Remove what the pipeline's retention does not keep. What cannot be removed is told, and stays."""

        def warn(text: str) -> None:
            self.notifier.tell(Notice(text=text, level=Level.WARNING))

        remove_old_runs(self.store, pipeline.name, pipeline.retention, self.desk.clock.now(), warn)

    def skip(self, run_id: int, step: str) -> None:
        """Record that a person wants to go on without a step."""
        self._decide(run_id, Verdict.SKIP, step=step)

    def steps_with_failed_tasks(self, run_id: int) -> list[str]:
        """Return the steps of a run of whose tasks some have failed."""
        steps = dict.fromkeys(each.key.step for each in self.store.attempts.attempts(run_id) if each.key.task == 0)
        return [step for step in steps if self.store.tasks.counts(run_id, step).failed]

    def finished_steps(self, run_id: int) -> list[str]:
        """Return the steps of a run that have succeeded."""
        attempts = self.store.attempts.attempts(run_id)
        return list(dict.fromkeys(each.key.step for each in attempts if each.status is Status.SUCCEEDED))

    def code(self) -> Code | None:
        """Return the state of the project's code, as it is now or was when the workshop was opened."""
        probe, self._code = self._code, None
        return (probe or CodeProbe.start(self.desk.project.directory)).result()

    def _remember_hauls(self, pipeline: str, keys: Sequence[AttemptKey]) -> None:
        self.store.hauls.remember(pipeline, keys)

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

    def _take(self, loaded: Loaded, sitting: Sitting, lock: Path, held: ExitStack) -> LiveRun:
        store, pipeline = self.store, loaded.pipeline
        run = store.runs.run(int(lock.parent.name))
        resumed = sitting.number > 1
        outputs = Outputs(self.desk.project.directory, self.desk.environment)
        held.callback(outputs.close)
        live = LiveRun(
            run=run,
            pipeline=pipeline,
            sitting=sitting.number,
            orders=self.desk.orders(store, pipeline, self.desk.project.directory / run.config_file, outputs),
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
