"""Running with nobody in front: everything goes to the log file, and schedules are followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.alerting import AlertDuty, alert_notifier
from crude_link.app import Loaded
from crude_link.cli.pipelines import config_paths
from crude_link.cli.talk import say
from crude_link.clock import SystemClock
from crude_link.errors import CrudeLinkError, UsageError
from crude_link.model.event import Level, Notice
from crude_link.model.run import Run
from crude_link.model.status import Status
from crude_link.notifiers.logfile import LogFileNotifier
from crude_link.notifiers.several import SeveralNotifiers
from crude_link.notifiers.summary import closing_line
from crude_link.scheduler import LONGEST_SLEEP
from crude_link.scheduling.configs import ConfigWatch
from crude_link.scheduling.service import Service, follow_schedules
from crude_link.store import find_project
from crude_link.workshop import Workshop

if TYPE_CHECKING:
    from crude_link.notifiers.alerts import AlertNotifier


def run_unattended(files: Sequence[Path], settings: tuple[str, ...], log: Path, *, keep_running: bool) -> int:
    """Follow the schedules of the config files, or run once where there are none; return the exit status."""
    with _unattended(files, log) as (workshop, alerts):
        watch = _watched(workshop, files, settings, log)
        if any(each.pipeline.schedules for each in watch.pipelines()):
            service = Service(watch=watch, files=watch.paths, log=log, keep_running=keep_running)
            went_well = _follow(workshop, alerts, service)
        else:
            workshop.listen()
            went_well = _run_once(workshop, alerts, watch.pipelines())
        return _exit_status(workshop, went_well)


def run_scheduler(files: Sequence[Path], settings: tuple[str, ...], log: Path, *, keep_running: bool) -> int:
    """Follow the schedules of the config files; return the exit status. UsageError when they have none."""
    with _unattended(files, log) as (workshop, alerts):
        watch = _watched(workshop, files, settings, log)
        if not any(each.pipeline.schedules for each in watch.pipelines()):
            names = ", ".join(str(path) for path in watch.paths)
            raise UsageError(f"{names}: there is no schedule to follow; write `cron` or `schedule` into a pipeline")
        service = Service(watch=watch, files=watch.paths, log=log, keep_running=keep_running)
        went_well = _follow(workshop, alerts, service)
        return _exit_status(workshop, went_well)


@contextmanager
def _unattended(files: Sequence[Path], log: Path) -> Iterator[tuple[Workshop, AlertNotifier]]:
    """Give a workshop that tells everything to a log file, and what is worth it to those whom `notify` names.

    Whatever ends the work is in the log file too: nobody may be there to read stderr.
    """
    notifier = SeveralNotifiers(LogFileNotifier(log, SystemClock(), find_project(Path.cwd(), os.environ).directory))
    try:
        config_paths(files)  # where there is none, no store is made either
        with Workshop(lambda _clock: notifier) as workshop:
            alerts = alert_notifier(workshop.records, workshop.desk, notifier.tell)
            notifier.add(alerts)
            yield workshop, alerts
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
        workshop.check(each, reach=not each.pipeline.schedules)
    for each in watch.pipelines():
        names = " → ".join(step.name for step in each.pipeline.steps)
        say(f"{each.pipeline.name}: {names} · in {workshop.desk.project.directory} · log: {log}")
    return watch


def _follow(workshop: Workshop, alerts: AlertNotifier, service: Service) -> bool:
    def alert_duty(is_tried_again: Callable[[int], bool]) -> AlertDuty:
        return AlertDuty(alerts, workshop.desk.clock.now, is_tried_again)

    _tell_unscheduled(workshop, service.watch.pipelines())
    return follow_schedules(workshop, service, alert_duty)


def _exit_status(workshop: Workshop, went_well: bool) -> int:
    if workshop.interrupts.signal:
        text = f"stopped by {workshop.interrupts.who}"
        workshop.notifier.tell(Notice(text=text, level=Level.WARNING))
        say(text)
        return workshop.interrupts.exit_status
    return 0 if went_well else 1


def _run_once(workshop: Workshop, alerts: AlertNotifier, chosen: Sequence[Loaded]) -> bool:
    went_well = True
    for each in chosen:
        if workshop.interrupts.signal:
            break
        workshop.begin(each)
        run = _seen_through(workshop, alerts)
        attempts = {attempt.key.step: attempt for attempt in workshop.store.attempts.attempts(run.id)}
        say(closing_line(run, workshop.store.states.states(run.id), attempts))
        went_well = went_well and run.status is Status.SUCCEEDED
        if each.pipeline.retention:
            workshop.tidy(each.pipeline)
    return went_well


def _seen_through(workshop: Workshop, alerts: AlertNotifier) -> Run:
    """Work until the run has ended; somebody may want to know that it takes far longer than usual."""
    ended: list[Run] = []
    while workshop.runner.live:
        ended += workshop.runner.turn(LONGEST_SLEEP)
        alerts.look()
    return ended[-1]


def _tell_unscheduled(workshop: Workshop, chosen: Sequence[Loaded]) -> None:
    for each in chosen:
        name = each.pipeline.name
        if not each.pipeline.schedules:
            text = f"{name} has no schedule: it is not run. By hand: crude-link run {name}"
            workshop.notifier.tell(Notice(text=text, level=Level.WARNING))
