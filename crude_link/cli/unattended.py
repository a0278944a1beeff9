"""Running with nobody in front: everything goes to the log file, and the cron section is followed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from crude_link.app import Ask, remove_old_runs, trigger_for
from crude_link.cli.pipelines import Chosen, choose, config_paths
from crude_link.cli.talk import say
from crude_link.clock import SystemClock
from crude_link.errors import ConfigError, CrudeLinkError, UsageError
from crude_link.interfaces import Clock, Notifier, Trigger
from crude_link.model.event import Level, Notice
from crude_link.model.run import Origin
from crude_link.model.status import Status
from crude_link.notifiers.summary import closing_line
from crude_link.scheduler import Scheduler, SchedulerParts
from crude_link.store import find_project
from crude_link.workshop import Workshop


def run_unattended(files: Sequence[Path], settings: tuple[str, ...], log: Path, *, keep_running: bool) -> int:
    """Follow the schedules of the config files, or run once where there are none; return the exit status."""

    def to_log(clock: Clock) -> Notifier:
        from crude_link.notifiers.logfile import LogFileNotifier

        return LogFileNotifier(log, clock, find_project(Path.cwd(), os.environ).directory)

    try:
        config_paths(files)
    except UsageError as error:  # no store is made where there is no config
        to_log(SystemClock()).tell(Notice(text=str(error), level=Level.ERROR))
        raise
    with Workshop(to_log) as workshop:
        try:
            chosen = choose(workshop.desk, files, settings)
            for each in chosen:
                workshop.check(each.pipeline, each.config.path)
        except CrudeLinkError as error:
            workshop.notifier.tell(Notice(text=str(error), level=Level.ERROR))
            raise
        for each in chosen:
            names = " → ".join(step.name for step in each.pipeline.steps)
            say(f"{each.pipeline.name}: {names} · in {workshop.desk.project.directory} · log: {log}")
        scheduled = [each for each in chosen if each.pipeline.schedule]
        for each in chosen if scheduled else ():
            if not each.pipeline.schedule:
                text = (
                    f"{each.pipeline.name} has no cron: it is not run. By hand: crude-link run {each.pipeline.name}"
                )
                workshop.notifier.tell(Notice(text=text, level=Level.WARNING))
        if scheduled:
            went_well = _follow(workshop, scheduled, keep_running=keep_running)
        else:
            went_well = _run_once(workshop, chosen)
        if workshop.interrupts.signal:
            say(f"stopped by {workshop.interrupts.who}")
            return workshop.interrupts.exit_status
        return 0 if went_well else 1


def _run_once(workshop: Workshop, chosen: Sequence[Chosen]) -> bool:
    went_well = True
    for each in chosen:
        workshop.begin(each.pipeline, each.config)
        run = workshop.runner.finish()[-1]
        attempts = {attempt.key.step: attempt for attempt in workshop.store.attempts.attempts(run.id)}
        say(closing_line(run, workshop.store.states.states(run.id), attempts))
        went_well = went_well and run.status is Status.SUCCEEDED
        if each.pipeline.retention:
            _tidy(workshop, each)
        if workshop.interrupts.signal:
            break
    return went_well


def _tidy(workshop: Workshop, chosen: Chosen) -> None:
    pipeline = chosen.pipeline
    remove_old_runs(workshop.store, pipeline.name, pipeline.retention, workshop.desk.clock.now())


def _follow(workshop: Workshop, scheduled: Sequence[Chosen], *, keep_running: bool) -> bool:
    entries = [_ConfigEntry(workshop=workshop, chosen=each) for each in scheduled]
    parts = SchedulerParts(
        runner=workshop.runner,
        clock=workshop.desk.clock,
        interrupts=workshop.interrupts,
        notifier=workshop.notifier,
    )
    return Scheduler(entries, parts, keep_running=keep_running).work()


@dataclass(kw_only=True, slots=True)
class _ConfigEntry:
    """The schedule of one pipeline; the config file is read again for each slot."""

    workshop: Workshop
    chosen: Chosen
    trigger: Trigger = field(init=False)

    def __post_init__(self) -> None:
        assert self.chosen.pipeline.schedule is not None
        self.trigger = trigger_for(self.chosen.pipeline.schedule)

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.chosen.pipeline.name

    def begin(self, slot_time: datetime) -> int:
        """Begin the slot's run with the config as it is now, or, when that is broken, as it was at the last slot."""
        config = self.chosen.config
        try:
            for pipeline in self.workshop.desk.load(config):
                if pipeline.name == self.name:
                    self.chosen = Chosen(pipeline=pipeline, config=config)
        except ConfigError as error:
            text = f"{config.path} cannot be used; the run takes what it said before. {error}"
            self.workshop.notifier.tell(Notice(text=text, level=Level.ERROR))
        pipeline = self.chosen.pipeline
        _tidy(self.workshop, self.chosen)
        self.workshop.check(pipeline, config.path)
        ask = Ask(origin=Origin.SCHEDULE, slot_time=slot_time)
        return self.workshop.begin(pipeline, config, ask).run.id
