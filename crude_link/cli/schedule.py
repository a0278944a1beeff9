"""`crude-link schedule`: the commands about schedules."""

from __future__ import annotations

from pathlib import Path

import click

from crude_link.cli.group import Entry, LazyGroup
from crude_link.cli.options import common_options, config_option

COMMANDS = {
    "start": Entry("schedule_start", "Run", "Follow the schedules of the config files until it is stopped."),
    "pause": Entry("schedule_pause", "Run", "Let pipelines begin nothing by schedule."),
    "unpause": Entry("schedule_unpause", "Run", "Let pipelines begin runs by schedule again."),
    "backfill": Entry("schedule_backfill", "Run", "Run slot times of the past, one after the other."),
    "next": Entry("schedule_next", "Look", "Print the slot times that come, and what would become of them."),
    "status": Entry("schedule_status", "Look", "Say whether a scheduler is alive, and how its pipelines stand."),
    "history": Entry("schedule_history", "Look", "Say what became of the slot times that came."),
    "install": Entry("schedule_install", "Keep", "Have this machine start the scheduler, and keep it going."),
    "uninstall": Entry("schedule_uninstall", "Keep", "Stop and remove what install set up."),
}


@click.group(cls=LazyGroup, table=COMMANDS, invoke_without_command=True)
@config_option
@common_options
@click.pass_context
def command(context: click.Context, config_file: tuple[Path, ...]) -> int:
    """Follow schedules, and look after them."""
    context.obj = {**(context.obj or {}), "config_file": config_file}
    if context.invoked_subcommand:
        return 0
    click.echo(context.get_help(), err=True)
    return 2
