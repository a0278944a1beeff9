"""`crude-link schedule pause`: let pipelines begin nothing by schedule."""

from __future__ import annotations

from pathlib import Path

import click

from crude_link.cli.options import common_options, config_option


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE...]")
@click.option("--all", "every", is_flag=True, help="All pipelines that have a schedule.")
@click.option("--why", default="", metavar="TEXT", help="Why, for those who look.")
@config_option
@common_options
def command(pipelines: tuple[str, ...], every: bool, why: str, config_file: tuple[Path, ...]) -> int:
    """Let pipelines begin nothing by schedule until `unpause`; what comes due meanwhile is refused, not caught up.

    It holds from the next slot time on, also for a scheduler that is running, and over restarts. A run that is
    going goes on; `crude-link run` works as ever.
    """
    from crude_link.app import open_records
    from crude_link.cli.pausing import scheduled_names, wanted_names
    from crude_link.cli.talk import say
    from crude_link.clock import SystemClock
    from crude_link.identity import user_name
    from crude_link.model.firing import Pause

    names = wanted_names(pipelines, every, scheduled_names(config_file), "pause")
    schedulers = open_records(create=True).store.schedulers
    for name in names:
        schedulers.pause(Pause(pipeline=name, at=SystemClock().now(), by=user_name(), why=why))
        say(f"paused {name} · crude-link schedule unpause {name}")
    return 0
