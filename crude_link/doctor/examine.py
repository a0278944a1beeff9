"""Examine: all that the doctor looks at, in one report."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crude_link.app import Desk, Loaded
from crude_link.doctor import sight
from crude_link.doctor.machine import compare_sights, look_at_machine, processes_limit
from crude_link.doctor.needs import Needs
from crude_link.doctor.report import Report
from crude_link.errors import ConfigError, UsageError
from crude_link.keeping import manager_here
from crude_link.model.service import Standing, WrittenService
from crude_link.service.files import services_of
from crude_link.store.scheduler_lock import scheduler_holder


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeper:
    """Who keeps the project's schedules going: an installed service, a living scheduler, both or neither."""

    service: WrittenService | None
    standing: Standing | None
    #: The scheduler that is alive, in words.
    holder: str | None

    def sight(self) -> sight.Sight:
        """Return what the scheduler sees: the installed one, else the one that is alive, else one begun by cron."""
        if self.service is not None and self.standing is not None:
            return sight.of_service(self.service, self.standing)
        found = re.match(rf"pid (\d+) on {re.escape(os.uname().nodename)}\b", self.holder or "")
        living = sight.of_process(int(found[1])) if found else None
        return living or sight.of_cron()


def examine(desk: Desk, load: Callable[[], Sequence[Loaded]] | None) -> Report:
    """Look at everything. `load` reads the config files; None: there is none."""
    report = Report()
    keeper = _keeper(desk)
    here, there = sight.of_this_shell(desk.environment), keeper.sight()
    report.scheduler = there.name.removeprefix("the ")
    chosen = _loaded(load, report)
    _look_at_keeper(keeper, chosen, report)
    Needs(desk=desk, here=here, there=there, report=report).look(chosen)
    compare_sights(here, there, chosen, report)
    look_at_machine(desk, report)
    report.fact("processes", f"{processes_limit()} for this user")
    return report


def _keeper(desk: Desk) -> Keeper:
    holder = scheduler_holder(desk.project)
    try:
        manager = manager_here(desk.environment)
    except UsageError:  # a system without systemd and launchd
        return Keeper(service=None, standing=None, holder=holder)
    service = next(iter(services_of(manager, desk.project.directory)), None)
    standing = manager.standing(service.name) if service else None
    return Keeper(service=service, standing=standing, holder=holder)


def _loaded(load: Callable[[], Sequence[Loaded]] | None, report: Report) -> Sequence[Loaded]:
    if load is None:
        report.note("there is no config file here, so that nothing is known of what steps need", "crude-link init")
        return []
    try:
        return load()
    except ConfigError as error:
        for problem in error.problems:
            report.problem(str(problem), "crude-link validate")
        return []


def _look_at_keeper(keeper: Keeper, chosen: Sequence[Loaded], report: Report) -> None:
    report.fact("scheduler", f"alive: {keeper.holder}" if keeper.holder else "none is going")
    if keeper.service is not None and keeper.standing is not None:
        _look_at_service(keeper.service, keeper.standing, report)
        return
    report.fact("service", "none; `crude-link schedule install` makes one")
    if not any(each.pipeline.schedules for each in chosen):
        return
    if keeper.holder is None:
        remedy = "crude-link schedule install, or crude-link schedule start"
        report.note(f"nobody follows the schedules here{_cron_words()}", remedy)
    else:
        report.note("nobody starts the scheduler again after a reboot or an accident", "crude-link schedule install")


def _look_at_service(service: WrittenService, standing: Standing, report: Report) -> None:
    words = {True: "active", False: "not active", None: f"not asked ({standing.why})"}[standing.is_active]
    more = {True: ", started at boot", False: ", not started at boot", None: ""}[standing.is_enabled]
    lingers = {True: ", goes on after you log out", False: ", ends when you log out", None: ""}[standing.is_lingering]
    report.fact("service", f"{service.path}: {words}{more}{lingers}")
    for word in service.argv[:2]:
        if word.startswith("/") and not Path(word).exists():
            report.problem(f"the service starts {word}, which is not there any more", "crude-link schedule install")
    if standing.is_active is False:
        ended = "" if standing.exit_status is None else f": it ended with exit status {standing.exit_status}"
        report.problem(f"the service is installed and not going{ended}", f"see the log, then {standing.start}")
    if standing.is_enabled is False:
        report.problem("the service does not start with the machine", "crude-link schedule install")
    if standing.is_active is not None and standing.is_lingering is False and service.path.suffix == ".service":
        report.problem("the service ends when you log out", "loginctl enable-linger")
    if standing.is_active is None:
        report.note(f"how the service stands cannot be asked: {standing.why}")


def _cron_words() -> str:
    """Say whether a cron is there that might; the processes of others can be listed on Linux only."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text("utf-8", "replace").strip() in ("cron", "crond"):
                return ", but for what your crontab may start"
        except OSError:
            continue
    return ""
