"""`crude-link schedule uninstall`: take away what `schedule install` wrote."""

from __future__ import annotations

import click

from crude_link.cli.options import common_options


@click.command()
@click.option("--name", metavar="NAME", help="Name of the service. [the one of this project]")
@common_options
def command(name: str | None) -> int:
    """Stop the scheduler that `schedule install` set up for this project, and remove its service.

    A run that is going is stopped and can be resumed. Everything else stays: the records, the log, the file of secret
    variables.
    """
    import os

    from crude_link.app import Desk
    from crude_link.cli.schedule_install import tell_doings
    from crude_link.cli.talk import say
    from crude_link.keeping import manager_here
    from crude_link.service.files import check_removal, services_of

    manager = manager_here(os.environ)
    project = Desk.here().project.directory
    if name:
        check_removal(manager, name, project)
    names = [name] if name else [each.name for each in services_of(manager, project)]
    if not names:
        say(f"{project} has no service that `schedule install` wrote: there is nothing to remove")
    for each in names:
        doings = manager.take_out(each)
        say(f"removed {manager.path(each)}")
        tell_doings(doings)
    return 0
