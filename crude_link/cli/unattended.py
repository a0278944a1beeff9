"""Running with nobody in front: everything goes to the log file, and the cron section is followed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from crude_link.app import Ask, Loaded, trigger_for
from crude_link.cli.pipelines import choose, config_paths
from crude_link.cli.talk import say
from crude_link.clock import SystemClock
from crude_link.errors import ConfigError, CrudeLinkError
from crude_link.interfaces import Trigger
from crude_link.model.event import Level, Notice
from crude_link.model.firing import Fate, Firing
from crude_link.model.run import Origin
from crude_link.model.schedule import Schedule
from crude_link.model.status import Status
from crude_link.notifiers.logfile import LogFileNotifier
from crude_link.notifiers.summary import closing_line
from crude_link.scheduler import Scheduler, SchedulerParts
from crude_link.store import find_project
from crude_link.workshop import Workshop


def run_unattended(files: Sequence[Path], settings: tuple[str, ...], log: Path, *, keep_running: bool) -> int:
    """Follow the schedules of the config files, or run once where there are none; return the exit status.

    Whatever ends the work is in the log file too: nobody may be there to read stderr.
    """
    notifier = LogFileNotifier(log, SystemClock(), find_project(Path.cwd(), os.environ).directory)
    try:
        config_paths(files)  # where there is none, no store is made either
        with Workshop(lambda _clock: notifier) as workshop:
            return _work(workshop, files, settings, log, keep_running=keep_running)
    except KeyboardInterrupt:
        notifier.tell(Notice(text="stopped by Ctrl-C before anything began", level=Level.WARNING))
        raise
    except Exception as error:
        words = (
            "" if isinstance(error, CrudeLinkError) else f"this should not have happened: {type(error).__name__}: "
        )
        notifier.tell(Notice(text=f"{words}{error}", level=Level.ERROR))
        raise


def _work(
    workshop: Workshop, files: Sequence[Path], settings: tuple[str, ...], log: Path, *, keep_running: bool
) -> int:
    chosen = choose(workshop.desk, files, settings)
    for each in chosen:
        workshop.check(each)
    for each in chosen:
        names = " → ".join(step.name for step in each.pipeline.steps)
        say(f"{each.pipeline.name}: {names} · in {workshop.desk.project.directory} · log: {log}")
    scheduled = [each for each in chosen if each.pipeline.schedules]
    workshop.listen()
    if scheduled:
        _tell_unscheduled(workshop, chosen)
        went_well = _follow(workshop, scheduled, keep_running=keep_running)
    else:
        went_well = _run_once(workshop, chosen)
    if workshop.interrupts.signal:
        text = f"stopped by {workshop.interrupts.who}"
        workshop.notifier.tell(Notice(text=text, level=Level.WARNING))
        say(text)
        return workshop.interrupts.exit_status
    return 0 if went_well else 1


def _run_once(workshop: Workshop, chosen: Sequence[Loaded]) -> bool:
    went_well = True
    for each in chosen:
        if workshop.interrupts.signal:
            break
        workshop.begin(each)
        run = workshop.runner.finish()[-1]
        attempts = {attempt.key.step: attempt for attempt in workshop.store.attempts.attempts(run.id)}
        say(closing_line(run, workshop.store.states.states(run.id), attempts))
        went_well = went_well and run.status is Status.SUCCEEDED
        if each.pipeline.retention:
            workshop.tidy(each.pipeline)
    return went_well


def _tell_unscheduled(workshop: Workshop, chosen: Sequence[Loaded]) -> None:
    for each in chosen:
        name = each.pipeline.name
        if not each.pipeline.schedules:
            text = f"{name} has no cron: it is not run. By hand: crude-link run {name}"
            workshop.notifier.tell(Notice(text=text, level=Level.WARNING))


def _follow(workshop: Workshop, scheduled: Sequence[Loaded], *, keep_running: bool) -> bool:
    entries = [ScheduledPipeline(workshop=workshop, loaded=each) for each in scheduled]
    parts = SchedulerParts(
        runner=workshop.runner,
        clock=workshop.desk.clock,
        interrupts=workshop.interrupts,
        notifier=workshop.notifier,
    )
    return Scheduler(entries, parts, keep_running=keep_running).work()


@dataclass(kw_only=True, slots=True)
class ScheduledPipeline:
    """A pipeline and the schedule of its config file, which is read again for each slot."""

    workshop: Workshop
    loaded: Loaded
    trigger: Trigger = field(init=False)

    def __post_init__(self) -> None:
        self.trigger = trigger_for(self.loaded.pipeline.schedules[0])

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.loaded.pipeline.name

    def begin(self, slot_time: datetime) -> int:
        """Begin the slot's run with the config as it is now, or, when that is broken, as it was at the last slot."""
        self._read_again(slot_time)
        self.workshop.tidy(self.loaded.pipeline)
        self.workshop.check(self.loaded)
        entry = self.loaded.pipeline.schedules[0].entry
        now = self.workshop.desk.clock.now()
        firing = Firing(pipeline=self.name, entry=entry, slot_time=slot_time, fate=Fate.RAN, at=now)
        return self.workshop.begin(self.loaded, Ask(origin=Origin.SCHEDULE, firing=firing)).run.id

    def _read_again(self, slot_time: datetime) -> None:
        """Take what the config file says now. ConfigError when the pipeline, or its schedule, was taken out of it."""
        config = self.loaded.config
        try:
            # A schedule whose last slot this is, is still right.
            before = slot_time - timedelta(microseconds=1)
            found = self.workshop.desk.load(config.path, config.settings, fires_after=before)
        except ConfigError as error:
            text = f"{config.path} cannot be used; the run takes what it said before. {error}"
            self.workshop.notifier.tell(Notice(text=text, level=Level.ERROR))
            return
        mine = next((each for each in found if each.pipeline.name == self.name), None)
        if mine is None:
            raise ConfigError.of(f"{config.path} has no pipeline {self.name!r} any more")
        if not mine.pipeline.schedules:
            raise ConfigError.of(f"{config.path} has no cron for {self.name!r} any more")
        if config.text != mine.config.text:
            self.workshop.notifier.tell(Notice(text=f"{config.path} has changed: the run takes what it says now"))
        self._take_schedule(mine.pipeline.schedules[0])
        self.loaded = mine

    def _take_schedule(self, schedule: Schedule) -> None:
        if schedule != self.loaded.pipeline.schedules[0]:
            self.trigger = trigger_for(schedule)
            text = f"{self.name}: its cron has changed, the slots after this one follow the new one"
            self.workshop.notifier.tell(Notice(text=text))
