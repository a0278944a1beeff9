"""`crude-link plan`: what a run would do, why, and how long it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option, json_option

if TYPE_CHECKING:
    from crude_link.cli.outlook import Line


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE...]")
@click.option("--from", "start_at", metavar="STEP", help="As in `run`.")
@click.option("--only", metavar="STEP", help="As in `run`.")
@click.option("--set", "settings", multiple=True, metavar="K=V", help="As in `run`.")
@config_option
@json_option
@common_options
def command(
    pipelines: tuple[str, ...],
    start_at: str | None,
    only: str | None,
    settings: tuple[str, ...],
    config_file: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Say what `crude-link run` would do with each step, why, how it is started, and how long it usually takes."""
    from crude_link.app import Desk, open_records
    from crude_link.cli.outlook import Outlook
    from crude_link.cli.pipelines import check_selection, choose
    from crude_link.cli.talk import print_json, show
    from crude_link.errors import ConfigError
    from crude_link.model.run import Selection

    desk = Desk.here()
    records = open_records() if desk.project.database.exists() else None
    selection = Selection(start_at=start_at, only=only)
    plans: dict[str, list[Line]] = {}
    chosen = choose(desk, config_file, settings, pipelines)
    check_selection(chosen, selection)
    for each in chosen:
        problems, _ = desk.check(each, selection)
        if problems:
            raise ConfigError(problems)
        usual = records.store.history.usual(each.pipeline.name) if records else {}
        outlook = Outlook(
            pipeline=each.pipeline,
            selection=selection,
            project=desk.project.directory,
            environment=desk.environment,
            usual=usual,
            find_gpus=desk.find_gpus,
        )
        plans[each.pipeline.name] = outlook.lines()
    if as_json:
        print_json({name: [_as_json(line) for line in lines] for name, lines in plans.items()})
        return 0
    show(row for name, lines in plans.items() for row in _rows(name, lines))
    return 0


def _rows(name: str, lines: list[Line]) -> Iterator[str]:
    from crude_link.notifiers.look import look_of
    from crude_link.notifiers.summary import usual_words
    from crude_link.notifiers.table import Column, Table

    look = look_of(sys.stdout)
    columns = [Column("step"), Column("does"), Column("usually", right=True), Column("why")]
    rows = [[line.step, line.does, usual_words(line.usual), _why(line)] for line in lines]
    yield f"{name}:"
    yield from Table(columns, rows).lines(look)
    yield ""
    yield from _commands([line for line in lines if line.does != "skip"])
    whole = usual_words(sum((line.usual for line in lines if line.usual and line.does != "skip"), timedelta(0)))
    if whole:
        yield f"usually {whole} one after the other"


def _why(line: Line) -> str:
    return f"{line.why}; {line.fan_out.words}" if line.fan_out else line.why


def _commands(lines: list[Line]) -> Iterator[str]:
    """Say how the steps would be started, whole: nothing of a command is cut."""
    width = max((len(line.step) for line in lines), default=0)
    for line in lines:
        first, *more = line.command.splitlines() or [""]
        yield f"{line.step:<{width}}  {first}"
        yield from (f"{'':<{width}}  {each}" for each in more)


def _as_json(line: Line) -> dict[str, object]:
    return {
        "step": line.step,
        "does": line.does,
        "why": line.why,
        "command": line.command,
        "usual_seconds": line.usual.total_seconds() if line.usual else None,
        "inputs": line.fan_out.inputs if line.fan_out else None,
        "slots": line.fan_out.slots if line.fan_out else None,
        "limited_by": line.fan_out.limit or None if line.fan_out else None,
    }
