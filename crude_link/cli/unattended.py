"""Running with nobody in front: everything goes to the log file, and schedules are followed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crude_link.app import Loaded
from crude_link.cli.pipelines import config_paths
from crude_link.cli.talk import say
from crude_link.clock import SystemClock
from crude_link.errors import CrudeLinkError, UsageError
from crude_link.model.event import Level, Notice
from crude_link.model.status import Status
from crude_link.notifiers.logfile import LogFileNotifier
from crude_link.notifiers.summary import closing_line
from crude_link.scheduling.configs import ConfigWatch
from crude_link.store import find_project
from crude_link.workshop import Workshop


def run_unattended(files: Sequence[Path], settings: tuple[str, ...], log: Path, *, keep_running: bool) -> int:
    """Follow the schedules of the config files, or run once where there are none; return the exit status."""
    with _unattended(files, log) as workshop:
        watch = _watched(workshop, files, settings, log)
        if any(each.pipeline.schedules for each in watch.pipelines()):
            went_well = _follow(workshop, watch, log, keep_running=keep_running)
        else:
            workshop.listen()
            went_well = _run_once(workshop, watch.pipelines())
        return _exit_status(workshop, went_well)


def run_scheduler(files: Sequence[Path], settings: tuple[str, ...], log: Path, *, keep_running: bool) -> int:
    """Follow the schedules of the config files; return the exit status. UsageError when they have none."""
    with _unattended(files, log) as workshop:
        watch = _watched(workshop, files, settings, log)
        if not any(each.pipeline.schedules for each in watch.pipelines()):
            names = ", ".join(str(path) for path in watch.paths)
            raise UsageError(f"{names}: there is no schedule to follow; write `cron` or `schedule` into a pipeline")
        return _exit_status(workshop, _follow(workshop, watch, log, keep_running=keep_running))


@contextmanager
def _unattended(files: Sequence[Path], log: Path) -> Iterator[Workshop]:
    """Give a workshop that tells everything to a log file.

    Whatever ends the work is in the log file too: nobody may be there to read stderr.
    """
    notifier = LogFileNotifier(log, SystemClock(), find_project(Path.cwd(), os.environ).directory)
    try:
        config_paths(files)  # where there is none, no store is made either
        with Workshop(lambda _clock: notifier) as workshop:
            yield workshop
    except KeyboardInterrupt:
        notifier.tell(Notice(text="stopped by Ctrl-C before anything began", level=Level.WARNING))
        raise
    except Exception as error:
        words = (
            "" if isinstance(error, CrudeLinkError) else f"this should not have happened: {type(error).__name__}: "
        )
        notifier.tell(Notice(text=f"{words}{error}", level=Level.ERROR))
        raise


def _watched(workshop: Workshop, files: Sequence[Path], settings: tuple[str, ...], log: Path) -> ConfigWatch:
    watch = ConfigWatch(workshop.desk, config_paths(files), settings, workshop.notifier)
    for each in watch.pipelines():
        workshop.check(each)
    for each in watch.pipelines():
        names = " → ".join(step.name for step in each.pipeline.steps)
        say(f"{each.pipeline.name}: {names} · in {workshop.desk.project.directory} · log: {log}")
    return watch


def _follow(workshop: Workshop, watch: ConfigWatch, log: Path, *, keep_running: bool) -> bool:
    from crude_link.scheduling.service import Service, follow_schedules

    _tell_unscheduled(workshop, watch.pipelines())
    service = Service(watch=watch, files=watch.paths, log=log, keep_running=keep_running)
    return follow_schedules(workshop, service)


def _exit_status(workshop: Workshop, went_well: bool) -> int:
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
            text = f"{name} has no schedule: it is not run. By hand: crude-link run {name}"
            workshop.notifier.tell(Notice(text=text, level=Level.WARNING))
