"""`crude-link schedule install`: have the machine keep the scheduler going."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from crude_link.cli.options import common_options, config_option

if TYPE_CHECKING:
    from crude_link.model.service import Doings, Service
    from crude_link.service.environment import Chosen
    from crude_link.service.files import Change
    from crude_link.service.manager import ServiceManager
    from crude_link.store import Project

#: How often, and with which pauses, a service that was started is looked for.
_LOOKS, _PAUSE_SECONDS = 30, 0.1


@click.command()
@click.option("-l", "--log-file", type=click.Path(path_type=Path), help="Log file. [crude-link.log]")
@click.option("-k", "--keep-running", is_flag=True, help="Keep every schedule running after a failed run.")
@click.option("--name", metavar="NAME", help="Name of the service. [the name of the project's folder]")
@click.option("--dry-run", is_flag=True, help="Print the file that would be written; change nothing.")
@config_option
@common_options
def command(
    log_file: Path | None, keep_running: bool, name: str | None, dry_run: bool, config_file: tuple[Path, ...]
) -> int:
    """Have systemd (launchd on macOS) start the scheduler now, with the machine, and again after an accident.

    Writes a service of your own, with this interpreter, directory and environment, and nothing that is secret. The
    config files are checked first. Once more, it writes what has changed since.
    """
    import os

    from crude_link.app import Desk
    from crude_link.cli.pipelines import choose
    from crude_link.cli.talk import say, show
    from crude_link.keeping import Wish, as_service, check_chosen, manager_here, service_for, still_missing
    from crude_link.service.files import Change, check_name, check_place, service_name, write_service

    manager = manager_here(os.environ)
    desk = Desk.here()
    name = name or _present_name(manager, desk.project.directory) or service_name(desk.project.directory)
    check_name(name)
    checking = as_service(desk, name)
    chosen = choose(checking, config_file, ())
    for text in check_chosen(checking, chosen):
        say(f"warning: {text}")
    wish = Wish(name=name, log_file=log_file, keep_running=keep_running)
    service, picked = service_for(desk, chosen, wish)
    check_place(manager, service)
    if dry_run:
        show([manager.text(service).rstrip("\n")])
        say(f"this would be {manager.path(name)}; nothing was changed")
    else:
        change, differs = write_service(manager, service)
        _tell_change(change, differs, manager.path(name))
    missing = still_missing(desk, picked, name)
    _tell_withheld(picked, missing, service)
    if not dry_run:
        tell_doings(_taken_in(manager, service, _Plan(change is Change.SAME, missing, desk.project)))
        say("crude-link schedule status · crude-link doctor · crude-link schedule uninstall")
    return 0


class _Plan(NamedTuple):
    """What decides whether a service is started now."""

    is_same: bool
    missing: Sequence[str]
    project: Project


def _present_name(manager: ServiceManager, project: Path) -> str | None:
    from crude_link.service.files import services_of

    return next((each.name for each in services_of(manager, project)), None)


def _taken_in(manager: ServiceManager, service: Service, plan: _Plan) -> Doings:
    """Have the service started; one that is active is left alone, and so is a scheduler that a person started."""
    from dataclasses import replace

    from crude_link.store.scheduler_lock import scheduler_holder

    standing = manager.standing(service.name)
    holder = scheduler_holder(plan.project)
    if standing.is_active:
        again = (standing.restart, "it goes on as it was until then; a run that is going is stopped by it")
        first = () if plan.is_same else (again,)
    elif plan.missing:
        first = ((standing.start, f"starts it, once {', '.join(plan.missing)} can be had"),)
    elif holder is not None:
        first = ((standing.start, f"starts it, when the scheduler that runs now has ended: {holder}"),)
    else:
        doings = manager.take_in(service.name, start=True)
        return replace(doings, left=(*_ended_at_once(manager, service, plan.project, doings), *doings.left))
    doings = manager.take_in(service.name, start=False)
    return replace(doings, left=(*first, *doings.left))


def _ended_at_once(
    manager: ServiceManager, service: Service, project: Project, doings: Doings
) -> tuple[tuple[str, str], ...]:
    """Wait until the scheduler is there, a few seconds at most; return where to look when it has ended instead."""
    import time

    from crude_link.store.scheduler_lock import scheduler_holder

    for _ in range(_LOOKS if doings.done else 0):
        if scheduler_holder(project) is not None:
            return ()
        if manager.standing(service.name).is_active is False:
            log = f"journalctl --user -u {manager.path(service.name).name}"
            return ((log, "it has ended again at once; this, and the log file, say why"),)
        time.sleep(_PAUSE_SECONDS)
    return ()


def _tell_change(change: Change, differs: Sequence[str], path: Path) -> None:
    from crude_link.cli.talk import say
    from crude_link.service.files import Change

    say(f"{path} {change.value}" if change is Change.SAME else f"{change.value} {path}")
    for line in differs:
        say(f"  {line}")


def _tell_withheld(picked: Chosen, missing: Sequence[str], service: Service) -> None:
    """Say which variables were left out, and how to give them: never their values."""
    from crude_link.cli.talk import say

    for name, why in picked.withheld.items():
        if name in missing or name not in picked.needed:
            say(f"not written: {name}, which {why}")
    if missing and service.environment_file is None:
        say("launchd takes no file of variables: let `secrets` name a `file` or a `command` for these")
    elif missing:
        file = service.environment_file
        say(f"still to do: write {', '.join(missing)} into {file}, as lines NAME=value, and chmod 600 it")


def tell_doings(doings: Doings) -> None:
    """Say what was done, and what is left to the person."""
    from crude_link.cli.talk import say

    for text in doings.done:
        say(text)
    for command_line, why in doings.left:
        say(f"still to do: {command_line}: {why}")
