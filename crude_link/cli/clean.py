"""`crude-link clean`: remove old runs, or forget which inputs a step has done, or which files a download has had."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option, json_option
from crude_link.cli.pipelines import DEFAULT

if TYPE_CHECKING:
    from crude_link.model.policy import Retention
    from crude_link.store.hauls import SqliteHauls
    from crude_link.store.retention import RunSize

#: A century; what is larger is no moment that could be counted back to.
_MOST_DAYS = 36_525


@click.command()
@click.option(
    "--runs",
    type=click.IntRange(min=0),
    metavar="N",
    help="Keep this many runs of each pipeline, and the failed ones.",
)
@click.option("--days", type=click.FLOAT, metavar="DAYS", help="Remove runs older than this.")
@click.option("--size", metavar="40GB", help="Remove the oldest runs until a pipeline's runs are no larger.")
@click.option(
    "--forget",
    nargs=2,
    metavar="PIPELINE STEP|PLACE",
    help="Remove no run, but forget which inputs this step has done (`once`), or which files came from this place "
    "(`only: new`).",
)
@click.option("--yes", is_flag=True, help="Remove them; without it they are only listed.")
@config_option
@json_option
@common_options
def command(
    runs: int | None,
    days: float | None,
    size: str | None,
    forget: tuple[str, str] | None,
    yes: bool,
    config_file: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Remove old runs: those that the options do not keep, or else the `retention` of the config file.

    A run that somebody works on is never touched, and neither is the newest of a pipeline.
    """
    from crude_link.app import open_records
    from crude_link.cli.talk import print_json, say, show
    from crude_link.errors import UsageError

    if forget:
        if config_file or not (runs is None and days is None and size is None):
            raise UsageError("--forget removes no runs: it stands alone, or with --yes")
        return _forget(*forget, yes=yes, as_json=as_json)
    removal = open_records().store.removal
    policies = _policies(config_file, _given(runs, days, size))
    gone = _doomed(removal.sizes(measure=True), policies)
    leftovers = 0
    if yes:
        gone = [each for each in gone if removal.remove_run(each.run.id)]
        leftovers = removal.sweep()
    if as_json:
        print_json(gone)
    elif gone:
        show(_lines(gone))
    say(_closing(gone, yes, leftovers))
    return 0


def _forget(pipeline: str, step: str, *, yes: bool, as_json: bool) -> int:
    from crude_link.app import open_records
    from crude_link.cli.talk import print_json, say
    from crude_link.errors import UsageError

    store = open_records().store
    if (had := store.hauls.size(pipeline, step)) is not None:
        return _forget_files(store.hauls, pipeline, step, had, yes=yes, as_json=as_json)
    memory = store.memory
    try:
        count = memory.forget(pipeline, step) if yes else memory.size(pipeline, step)
    except UsageError as error:
        places = ", ".join(f"{name} {place}" for name, place in store.hauls.places())
        raise UsageError(
            f"{error}" + (f". What downloads had, as PIPELINE PLACE: {places}" if places else "")
        ) from error
    if as_json:
        print_json({"pipeline": pipeline, "step": step, "inputs": count})
    words = f"{_count(count, 'input')} that {step} of {pipeline} has done"
    hint = "would be forgotten, and done again · the same command with --yes forgets them"
    say(f"forgot {words} · the next run does them again" if yes else f"{words} {hint}")
    return 0


def _forget_files(hauls: SqliteHauls, pipeline: str, place: str, had: int, *, yes: bool, as_json: bool) -> int:
    from crude_link.cli.talk import print_json, say

    count = hauls.forget(pipeline, place) if yes else had
    if as_json:
        print_json({"pipeline": pipeline, "place": place, "files": count})
    words = f"{_count(count, 'file')} that {pipeline} has had from {place}"
    hint = "would be forgotten, and fetched again · the same command with --yes forgets them"
    say(f"forgot {words} · the next run fetches them again" if yes else f"{words} {hint}")
    return 0


def _doomed(sizes: Sequence[RunSize], policies: Callable[[str], Retention | None]) -> list[RunSize]:
    """Return the runs that the policies of their pipelines do not keep."""
    from crude_link.clock import SystemClock
    from crude_link.store.retention import doomed

    now = SystemClock().now()
    gone: set[int] = set()
    for pipeline in dict.fromkeys(each.run.pipeline for each in sizes):
        gone.update(doomed([each for each in sizes if each.run.pipeline == pipeline], policies(pipeline), now))
    return [each for each in sizes if each.run.id in gone]


def _closing(gone: Sequence[RunSize], yes: bool, leftovers: int) -> str:
    from crude_link.model.words import size_words

    total = f"{_count(len(gone), 'run')}, {size_words(sum(each.size_bytes for each in gone))}"
    if gone and not yes:
        return f"{total}, would be removed · the same command with --yes removes them"
    removed = [f"removed {total}"] if gone else []
    if leftovers:
        removed.append(f"removed {_count(leftovers, 'leftover folder')}")
    return f"{', '.join(removed) or 'there is nothing to remove'} · crude-link runs"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _lines(gone: Sequence[RunSize]) -> list[str]:
    from crude_link.model.words import moment_words, size_words
    from crude_link.notifiers.look import COLOURS, look_of
    from crude_link.notifiers.table import Cell, Column, Table

    columns = [Column("run", right=True), Column("pipeline"), Column("status"), Column("began")]
    rows: list[list[Cell | str]] = [
        [
            Cell(str(each.run.id), bold=True),
            each.run.pipeline,
            Cell(each.run.status.value, COLOURS[each.run.status]),
            moment_words(each.run.began),
            size_words(each.size_bytes),
        ]
        for each in gone
    ]
    return Table([*columns, Column("size", right=True)], rows).lines(look_of(sys.stdout))


def _given(runs: int | None, days: float | None, size: str | None) -> Retention | None:
    from crude_link.config import units
    from crude_link.errors import UsageError
    from crude_link.model.policy import Retention

    if runs is None and days is None and size is None:
        return None
    if days is not None and not 0 <= days <= _MOST_DAYS:
        raise UsageError(f"--days: {days:g} is no number of days from 0 to {_MOST_DAYS}")
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
