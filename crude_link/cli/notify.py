"""`crude-link notify`: the commands about alerts."""

from __future__ import annotations

from pathlib import Path

import click

from crude_link.cli.group import Entry, LazyGroup
from crude_link.cli.options import common_options, config_option

COMMANDS = {
    "test": Entry("notify_test", "Try", "Send a test to all whom a config file names."),
    "log": Entry("notify_log", "Look", "List what was sent to whom, and what came of it."),
    "deliver": Entry("notify_deliver", "Run", "Deliver what is due; crude-link does it by itself."),
}


@click.group(cls=LazyGroup, table=COMMANDS, invoke_without_command=True)
@config_option
@common_options
@click.pass_context
def command(context: click.Context, config_file: tuple[Path, ...]) -> int:
    """Try whether alerts arrive, and see what became of them."""
    context.obj = {**(context.obj or {}), "config_file": config_file}
    if context.invoked_subcommand:
        return 0
    click.echo(context.get_help(), err=True)
    return 2
