"""`crude-link clean`: remove old runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option
from crude_link.cli.pipelines import DEFAULT

if TYPE_CHECKING:
    from crude_link.model.policy import Retention


@click.command()
@click.option("--runs", type=click.IntRange(min=0), help="Keep this many runs of each pipeline, and the failed ones.")
@click.option("--days", type=click.FloatRange(min=0), help="Remove runs older than this.")
@click.option("--size", metavar="40GB", help="Remove the oldest runs until a pipeline's runs are no larger.")
@click.option("--yes", is_flag=True, help="Remove them; without it they are only listed.")
@config_option
@common_options
def command(runs: int | None, days: float | None, size: str | None, yes: bool, config_file: tuple[Path, ...]) -> int:
    """Remove old runs: those that the options do not keep, or else the `retention` of the config file.

    A run that somebody works on is never touched, and neither is the newest of a pipeline.
    """
    from crude_link.app import open_records
    from crude_link.cli.talk import say
    from crude_link.clock import SystemClock
    from crude_link.model.words import size_words
    from crude_link.store.retention import doomed

    store = open_records().store
    policies = _policies(config_file, _given(runs, days, size))
    now = SystemClock().now()
    sizes = store.removal.sizes(measure=True)
    gone = [
        each
        for pipeline in dict.fromkeys(each.run.pipeline for each in sizes)
        for run in doomed([s for s in sizes if s.run.pipeline == pipeline], policies(pipeline), now)
        for each in sizes
        if each.run.id == run
    ]
    total = size_words(sum(each.size_bytes for each in gone))
    if not yes:
        for each in gone:
            click.echo(f"{each.run.id}  {each.run.pipeline}  {each.run.status.value}  {size_words(each.size_bytes)}")
        say(
            f"{len(gone)} runs would go, {total}"
            + (" · crude-link clean --yes, with the same options" if gone else "")
        )
        return 0
    removed = [each for each in gone if store.removal.remove_run(each.run.id)]
    leftovers = store.removal.sweep()
    say(f"removed {len(removed)} runs, {total}" + (f", and {leftovers} leftover folders" if leftovers else ""))
    return 0


def _given(runs: int | None, days: float | None, size: str | None) -> Retention | None:
    from crude_link.config import units
    from crude_link.errors import UsageError
    from crude_link.model.policy import Retention

    if runs is None and days is None and size is None:
        return None
    try:
        return Retention(runs=runs, days=days, size_bytes=units.size(size) if size else None)
    except ValueError as error:
        raise UsageError(f"--size: {error}") from error


def _policies(files: tuple[Path, ...], given: Retention | None) -> Callable[[str], Retention | None]:
    """Return the policy of a pipeline by its name: the options', else its config's, else None."""
    if given is not None:
        return lambda _pipeline: given
    if not files and not DEFAULT.exists():
        return lambda _pipeline: None
    from crude_link.app import Desk
    from crude_link.cli.pipelines import choose

    chosen = choose(Desk.here(), files, ())
    return {each.pipeline.name: each.pipeline.retention for each in chosen}.get
