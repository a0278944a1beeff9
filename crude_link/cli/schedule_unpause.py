"""`crude-link schedule unpause`: let pipelines begin runs by schedule again."""

from __future__ import annotations

from pathlib import Path

import click

from crude_link.cli.options import common_options, config_option


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE...]")
@click.option("--all", "every", is_flag=True, help="All pipelines that are paused.")
@config_option
@common_options
def command(pipelines: tuple[str, ...], every: bool, config_file: tuple[Path, ...]) -> int:
    """Let pipelines begin runs by schedule again, from the next slot time on. What was refused is not caught up."""
    from crude_link.app import Desk
    from crude_link.cli.pausing import scheduled_names, wanted_names
    from crude_link.cli.schedules import records_if_any
    from crude_link.cli.talk import say

    records = records_if_any(Desk.here())
    paused = [pause.pipeline for pause in records.store.schedulers.pauses()] if records else []
    if records is None or not paused:
        say("nothing is paused · crude-link schedule status")
        return 0
    known = paused if every or not pipelines else [*paused, *scheduled_names(config_file)]
    for name in wanted_names(pipelines, every, known, "unpause"):
        was_paused = records.store.schedulers.unpause(name)
        say(f"{name} {'goes on' if was_paused else 'was not paused'} · crude-link schedule next {name}")
    return 0
