"""Composition: from a project directory and a config file to records, a desk, and (in `workshop`) a runner.

With `workshop` the one place that names concrete classes. Costly modules are imported where they are first
needed, so that the commands which only look stay quick.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.clock import SystemClock
from crude_link.errors import CannotStart, ConfigError, CrudeLinkError, Problem, StoreError, UnknownRun
from crude_link.model.pipeline import Script
from crude_link.model.run import NewRun, Origin, Run, Selection, Sitting
from crude_link.store.place import Project, find_project
from crude_link.store.sqlite_store import SqliteStore, open_store

if TYPE_CHECKING:
    from crude_link.config.source import Source
    from crude_link.interfaces import Clock, Orders, Trigger
    from crude_link.model.firing import Firing
    from crude_link.model.pipeline import Pipeline, Secret
    from crude_link.model.policy import Retention
    from crude_link.model.schedule import Schedule
    from crude_link.outputs import Outputs
    from crude_link.steps.secrets import Secrets
    from crude_link.triggers.missed import Missed


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """The store of a project, opened."""

    project: Project
    store: SqliteStore

    def run_id(self, text: str) -> int:
        """Return the id that RUN stands for: a number, `last`, `last~1` or `last:PIPELINE`. UnknownRun."""
        if _is_number(text):
            return self.store.runs.run(int(text)).id
        name, _, pipeline = text.partition(":")
        word, _, back = name.partition("~")
        if word != "last" or (back and not _is_number(back)):
            raise UnknownRun(f"no run is called {text!r}. RUN is a number, last, last~1 or last:PIPELINE")
        steps_back = int(back or 0)
        found = self.store.history.runs(pipeline or None, limit=steps_back + 1)
        if len(found) <= steps_back:
            of = f" of pipeline {pipeline!r}" if pipeline else ""
            count = f"1 run{of} is" if len(found) == 1 else f"{len(found) or 'no'} runs{of} are"
            raise UnknownRun(f"there is no run {text!r}: {count} recorded here")
        return found[steps_back].id


def _is_number(text: str) -> bool:
    """True for digits that `int` reads and SQLite can hold; `isdigit` alone takes a superscript too."""
    return text.isascii() and text.isdigit() and len(text) < len(str(2**63))


def open_records(start: Path | None = None, *, create: bool = False) -> Records:
    """Open the store of the project at or above `start` (default: the current directory)."""
    project = find_project(start or Path.cwd(), os.environ)
    return Records(project=project, store=open_store(project, create=create))


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigFile:
    """A config file as it was read, and the `--set` texts that go over it."""

    path: Path
    text: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A pipeline, and the config file that it comes from."""

    pipeline: Pipeline
    config: ConfigFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Why and for what a run is begun."""

    origin: Origin = Origin.PERSON
    selection: Selection = Selection()
    #: The row of the ledger, where a schedule fired it.
    firing: Firing | None = None
    #: The look whose files it is for.
    look: int | None = None
    rerun_of: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where configs are read and checked and runs are recorded; nothing is started here."""

    project: Project
    clock: Clock = field(default_factory=SystemClock)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @classmethod
    def here(cls) -> Desk:
        """The desk of the project at or above the current directory."""
        return cls(project=find_project(Path.cwd(), os.environ))

    def load(
        self,
        path: Path,
        settings: tuple[str, ...] = (),
        *,
        now: datetime | None = None,
        fires_after: datetime | None = None,
    ) -> list[Loaded]:
        """Read a config file. ConfigError with all that is wrong, also with the scripts that it names.

        `${now:...}` is `now`, and a schedule must fire after `fires_after`; both are this moment by default.
        """
        from crude_link.config.load import load, read

        text = read(path, self.project.directory)
        config = ConfigFile(path=path, text=text, settings=settings)
        source = self._source(config, now, fires_after)
        return [Loaded(pipeline=pipeline, config=config) for pipeline in load(source)]

    def load_entry(
        self,
        config: ConfigFile,
        pipeline: str,
        schedule: Schedule,
        *,
        before: Loaded | None = None,
        fires_after: datetime | None = None,
    ) -> Loaded:
        """Return one pipeline of a config file as the runs of a schedule have it: with the params that it sets.

        The text is that of `config`; early references (`${now:...}`, `${exec:...}`) are answered anew. Other
        pipelines of the file are not looked at. What is returned bears the params among its settings, so that a
        later `resume --reload` or `rerun` of such a run has them too; for the next slot, `config` is given again.
        `before`, what was returned for the last slot, is returned again, at no cost, when it still holds: the same
        text and params, and no reference that the world answers.
        ConfigError as `load`, also when there is no such pipeline.
        """
        from crude_link.config.load import load
        from crude_link.config.settings import param_setting

        own = tuple(param_setting(pipeline, name, value) for name, value in schedule.params.items())
        config = replace(config, settings=(*config.settings, *own))
        if before and before.config == config and before.pipeline.name == pipeline and not _asks(before.pipeline):
            return before
        found = load(replace(self._source(config, None, fires_after), only=pipeline))
        if not found:
            raise ConfigError.of(f"{config.path} has no pipeline {pipeline!r}")
        return Loaded(pipeline=found[0], config=config)

    def _source(self, config: ConfigFile, now: datetime | None, fires_after: datetime | None) -> Source:
        from crude_link.config.source import Source

        after = fires_after or self.clock.now()
        return Source(
            path=config.path,
            project=self.project.directory,
            settings=config.settings,
            now=now or self.clock.now(),
            environment=self.environment,
            run_exec=self._output_of,
            in_shell=escaped_in_shell,
            text=config.text,
            preflight=lambda pipeline: self.check(Loaded(pipeline=pipeline, config=config))[0],
            check_schedule=lambda schedule: schedule_problem(schedule, after),
            advise_schedule=lambda schedule: schedule_warning(schedule, after),
        )

    def check(self, loaded: Loaded, selection: Selection = Selection()) -> tuple[list[Problem], list[str]]:
        """Do the pre-flight of what is selected; return problems and warnings."""
        from crude_link.programs import check_interpreter
        from crude_link.steps.preflight import Preflight

        look = Preflight(
            project=self.project.directory,
            config_file=loaded.config.path,
            environment=self.environment,
            secrets=self.secrets(loaded.pipeline.secrets),
            check_interpreter=lambda path: check_interpreter(path, cwd=self.project.directory),
            find_gpus=self.find_gpus,
        )
        problems, warnings = look.check(loaded.pipeline, selection)
        return [*problems, *_missing_services(loaded)], warnings

    def check_classes(self, loaded: Loaded, selection: Selection, done: Sequence[str] = ()) -> list[Problem]:
        """Let the classes of all steps but those that are `done` look at their configs; return what is wrong.

        This runs the user's code, each in a process of its own.
        """
        pipeline = loaded.pipeline
        steps = [step for step in pipeline.steps if isinstance(step.action, Script) and step.action.function]
        left = [s for s in steps if s.name not in done and not selection.leaves_out(pipeline.names, s.name)]
        if not left:
            return []
        from crude_link.programs import complaint_of
        from crude_link.steps.class_checks import ClassChecks
        from crude_link.steps.places import Places

        checks = ClassChecks(
            pipeline=pipeline,
            places=Places(project=self.project.directory),
            environment=self.environment,
            secrets=self.secrets(pipeline.secrets),
            run=lambda one: complaint_of(
                one.argv, cwd=one.cwd, environment=one.env, timeout=one.timeout, name=one.name
            ),
        )
        return [problem for step in left if (problem := checks.problem(step, loaded.config.path))]

    def record(
        self,
        store: SqliteStore,
        loaded: Loaded,
        ask: Ask = Ask(),
        sitting: Sitting | None = None,
    ) -> Run:
        """Record a new run: with its first sitting, or for another process to begin."""
        pipeline, config = loaded.pipeline, loaded.config
        new = NewRun(
            pipeline=pipeline.name,
            origin=ask.origin,
            began=self.clock.now(),
            config_file=_relative(config.path, self.project.directory),
            config_text=config.text,
            document=pipeline.document,
            resolved=pipeline.resolved,
            steps=pipeline.names,
            params=pipeline.params,
            settings=config.settings,
            selection=ask.selection,
            firing=ask.firing,
            look=ask.look,
            rerun_of=ask.rerun_of,
        )
        return store.runs.begin_run(new, sitting)

    def secrets(self, declared: Sequence[Secret]) -> Secrets:
        """Return the secrets of a pipeline, to be resolved when they are used."""
        from crude_link.steps.secrets import Secrets

        return Secrets(
            declared,
            project=self.project.directory,
            environment=self.environment,
            run_command=self._secret_of,
        )

    def orders(self, store: SqliteStore, pipeline: Pipeline, config_file: Path, outputs: Outputs) -> Orders:
        """Return who makes the orders of a run, with the programs that are started for them."""
        from crude_link.steps.orders import StepOrders
        from crude_link.steps.transfer_orders import TransferMeans

        return StepOrders(
            pipeline=pipeline,
            project=self.project.directory,
            run_files=store.files.run_dir,
            logs=store.logs,
            results_file=store.results_file,
            secrets=self.secrets(pipeline.secrets),
            environment=self.environment,
            outputs=outputs,
            find_gpus=self.find_gpus,
            config_folder=config_file.parent,
            transfers=TransferMeans(
                notes=self.project.home / "transfers",
                write_had=store.hauls.write,
                going=store.history.worked_on,
            ),
        )

    def find_gpus(self) -> Sequence[str]:
        """Return the GPUs of this machine. CannotStart when there is none."""
        from crude_link.programs import output_of
        from crude_link.resources.gpus import found_gpus

        return found_gpus(self.environment, lambda words: output_of(words, cwd=self.project.directory))

    def _output_of(self, text: str) -> str:
        from crude_link.programs import output_of

        return output_of(text, cwd=self.project.directory)

    def _secret_of(self, text: str) -> str:
        try:
            return self._output_of(text)
        except CrudeLinkError as error:
            raise CannotStart(str(error)) from error


def _missing_services(loaded: Loaded) -> Iterator[Problem]:
    """Yield a problem where somebody is to be told by a package that is not here."""
    if not loaded.pipeline.notify:
        return
    from crude_link.model.recipient import AppriseUrls

    if any(isinstance(each.address, AppriseUrls) for each in loaded.pipeline.notify):
        from crude_link.couriers.services import MISSING, is_installed

        if not is_installed():
            yield Problem(message=MISSING, file=str(loaded.config.path))


def _asks(pipeline: Pipeline) -> bool:
    """True when a pipeline was loaded with answers of the world, which may be others at the next time."""
    return any(re.search(r"\$\{(now|exec|file|oc\.)", reference) for reference in pipeline.resolved)


def recorded(records: Records, run: Run) -> Loaded:
    """Return the pipeline of a run, and its config file, as its record has them."""
    from crude_link.config.load import build

    text, document, resolved = records.store.history.document(run.id)
    path = records.project.directory / run.config_file
    config = ConfigFile(path=path, text=text, settings=run.settings)
    return Loaded(pipeline=replace(build(document), resolved=resolved), config=config)


def remove_old_runs(
    store: SqliteStore, pipeline: str, policy: Retention | None, now: datetime, warn: Callable[[str], None]
) -> None:
    """Remove what a retention policy (None: the default for scheduled runs) does not keep.

    What the store cannot remove is told to `warn`: old runs that stay are no reason for a new one to fail.
    """
    from crude_link.store.retention import doomed

    try:
        sizes = store.removal.sizes(pipeline, measure=policy is not None and policy.size_bytes is not None)
        for run in doomed(sizes, policy, now):
            store.removal.remove_run(run)
    except StoreError as error:
        warn(f"old runs of {pipeline} could not be removed: {error}")


def escaped_in_shell(before: str, value: str) -> str:
    """Return a value escaped for the place in shell text that comes after `before`."""
    from crude_link.steps.shell_text import ShellText

    text = ShellText()
    text.add_text(before)
    text.add_value(value)
    return str(text)[len(before) :]


def schedule_problem(schedule: Schedule, after: datetime) -> str | None:
    """Say in one sentence what is wrong with a schedule that is to fire after a moment; None when nothing is."""
    from crude_link.triggers.schedules import schedule_problem as problem

    return problem(schedule, after)


def schedule_warning(schedule: Schedule, after: datetime) -> str | None:
    """Say what is probably not meant in a schedule that has no problem and is to fire after a moment, if anything."""
    from crude_link.triggers.schedules import schedule_warning as warning

    return warning(schedule, after)


def trigger_for(schedule: Schedule) -> Trigger:
    """Return the trigger of a schedule that has no problem."""
    from crude_link.triggers.schedules import trigger_for as trigger

    return trigger(schedule)


def missed_slots(trigger: Trigger, after: datetime, until: datetime, newest: int = 1) -> Missed | None:
    """Return the slot times in (after, until], the `newest` of them by name, without going through all."""
    from crude_link.triggers.missed import missed_slots as missed

    return missed(trigger, after, until, newest)


def _relative(path: Path, directory: Path) -> str:
    absolute = Path.cwd() / path
    return str(absolute.relative_to(directory) if absolute.is_relative_to(directory) else absolute)
