"""`crude-link schedule install`: have the machine keep the scheduler going."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option

if TYPE_CHECKING:
    from crude_link.model.service import Doings, Service
    from crude_link.service.files import Change
    from crude_link.service.manager import ServiceManager
    from crude_link.store import Project


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
    from crude_link.keeping import Wish, check_chosen, manager_here, service_for
    from crude_link.service.files import check_name, check_place, service_name, write_service

    manager = manager_here(os.environ)
    desk = Desk.here()
    name = name or _present_name(manager, desk.project.directory) or service_name(desk.project.directory)
    check_name(name)
    chosen = choose(desk, config_file, ())
    for text in check_chosen(desk, chosen):
        say(f"warning: {text}")
    wish = Wish(name=name, log_file=log_file, keep_running=keep_running)
    service, picked = service_for(desk, chosen, wish)
    check_place(manager, service)
    if dry_run:
        show([manager.text(service).rstrip("\n")])
        say(f"this would be {manager.path(name)}; nothing was changed")
        _tell_withheld(picked.withheld, service)
        return 0
    change, differs = write_service(manager, service)
    _tell_change(change, differs, manager.path(name))
    _tell_withheld(picked.withheld, service)
    tell_doings(_taken_in(manager, service, change, desk.project))
    say("crude-link schedule status · crude-link doctor · crude-link schedule uninstall")
    return 0


def _present_name(manager: ServiceManager, project: Path) -> str | None:
    from crude_link.service.files import services_of

    return next((each.name for each in services_of(manager, project)), None)


def _taken_in(manager: ServiceManager, service: Service, change: Change, project: Project) -> Doings:
    """Have the service started; one that is active is left alone, and so is a scheduler that a person started."""
    from dataclasses import replace

    from crude_link.service.files import Change
    from crude_link.store.scheduler_lock import scheduler_holder

    standing = manager.standing(service.name)
    holder = scheduler_holder(project)
    if not standing.is_active and holder is None:
        return manager.take_in(service.name, start=True)
    doings = manager.take_in(service.name, start=False)
    if not standing.is_active:
        own = (standing.start, f"starts it, when the scheduler that runs now has ended: {holder}")
        return replace(doings, left=(own, *doings.left))
    if change is Change.SAME:
        return doings
    again = (standing.restart, "it goes on as it was until then; a run that is going is stopped by it")
    return replace(doings, left=(again, *doings.left))


def _tell_change(change: Change, differs: Sequence[str], path: Path) -> None:
    from crude_link.cli.talk import say
    from crude_link.service.files import Change

    say(f"{path} {change.value}" if change is Change.SAME else f"{change.value} {path}")
    for line in differs:
        say(f"  {line}")


def _tell_withheld(withheld: Mapping[str, str], service: Service) -> None:
    """Say which variables were left out, and how to give them: never their values."""
    from crude_link.cli.talk import say

    for name, why in withheld.items():
        say(f"not written: {name}, which {why}")
    if withheld:
        say(
            f"give what the scheduler is to have of these in {service.environment_file}, as lines NAME=value that "
            f"only you can read: chmod 600 {service.environment_file}"
        )


def tell_doings(doings: Doings) -> None:
    """Say what was done, and what is left to the person."""
    from crude_link.cli.talk import say

    for text in doings.done:
        say(text)
    for command_line, why in doings.left:
        say(f"still to do: {command_line}: {why}")
