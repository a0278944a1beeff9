"""`crude-link run`: pipelines now, once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from crude_link.cli.options import common_options, config_option
from crude_link.errors import UsageError
from crude_link.model.run import Selection


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE...]")
@click.option("--all", "every", is_flag=True, help="All pipelines of the file; the same as naming none.")
@click.option("--from", "start_at", metavar="STEP", help="Leave out the steps before this one.")
@click.option("--only", metavar="STEP", help="Only this step.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Of the inputs of a step with foreach, only the first N."
)
@click.option(
    "--no-transfer",
    is_flag=True,
    help="Without downloads and uploads: use what lies here, and leave the results here.",
)
@click.option("--set", "settings", multiple=True, metavar="K=V", help="Set a param, or any key of the config.")
@click.option("--detach", is_flag=True, help="Run in the background; print only the run's id.")
@click.option("--no-prompt", is_flag=True, help="Ask nothing after a failure.")
@config_option
@common_options
def command(
    pipelines: tuple[str, ...],
    every: bool,
    start_at: str | None,
    only: str | None,
    limit: int | None,
    no_transfer: bool,
    settings: tuple[str, ...],
    detach: bool,
    no_prompt: bool,
    config_file: tuple[Path, ...],
) -> int:
    """Run pipelines now, once: those named, or all of the config file in its order.

    Examples: `crude-link run`, `crude-link run train --set lr=0.1`, `crude-link run --from validate`.
    """
    if every and pipelines:
        raise UsageError("--all and names of pipelines do not go together; leave one of them out")
    if start_at and only:
        raise UsageError("--from and --only do not go together; leave one of them out")
    from crude_link.cli.attended import Wish, run_attended, run_detached

    wish = Wish(
        config_files=config_file,
        names=pipelines,
        settings=settings,
        selection=Selection(start_at=start_at, only=only),
        limit=limit,
        no_transfer=no_transfer,
        prompt=not no_prompt and not detach,
    )
    if detach:
        for run in run_detached(wish):
            print(run, file=sys.stdout)  # noqa: T201 (the result)
        return 0
    return run_attended(wish)
