"""`crude-link plan`: what a run would do, why, and how long it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from crude_link.cli.options import common_options, config_option, json_option

if TYPE_CHECKING:
    from crude_link.model.pipeline import Pipeline, Step
    from crude_link.model.run import Selection


class Line(NamedTuple):
    """What a run would do with one step."""

    step: str
    does: str
    why: str
    usual: timedelta | None


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
    """Say what `crude-link run` would do with each step, why, and how long it usually takes."""
    from crude_link.app import Desk, open_records
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
        problems, _ = desk.check(each.pipeline, each.config.path, selection)
        if problems:
            raise ConfigError(problems)
        usual = records.store.history.usual(each.pipeline.name) if records else {}
        plans[each.pipeline.name] = lines_of(each.pipeline, selection, desk.environment, usual)
    if as_json:
        print_json({name: [_as_json(line) for line in lines] for name, lines in plans.items()})
        return 0
    show(row for name, lines in plans.items() for row in _rows(name, lines))
    return 0


def lines_of(
    pipeline: Pipeline, selection: Selection, environment: Mapping[str, str], usual: Mapping[str, timedelta]
) -> list[Line]:
    """Say for each step what would be done, as far as it can be known before anything has run."""
    result: dict[str, Line] = {}
    for step in pipeline.steps:
        left_out = selection.leaves_out(pipeline.names, step.name)
        skipped = [need for need in step.needs if result.get(need, _RUNS).does == "skip"]
        blocked = [need for need in skipped if not selection.leaves_out(pipeline.names, need)]
        if left_out:
            does, why = "skip", left_out
        elif blocked:
            does, why = "skip", f"needs {blocked[0]}, which is skipped"
        else:
            does, why = _by_condition(step, pipeline, environment)
        result[step.name] = Line(step.name, does, why, usual.get(step.name))
    return list(result.values())


_RUNS = Line("", "run", "", None)


def _by_condition(step: Step, pipeline: Pipeline, environment: Mapping[str, str]) -> tuple[str, str]:
    from crude_link.model.condition import Facts

    after = f"after {', '.join(step.needs)}" if step.needs else "at once"
    when = step.when
    if when is None:
        return "run", after
    if when.tree is None or any(name.startswith(("steps.", "run.")) for name in when.names):
        return "maybe", f"{after}, when: {when.text}"
    if when.holds(Facts(params=pipeline.params, env=environment)):
        return "run", f"{after}; {when.text} is true"
    return "skip", f"{when.text} is false"


def _rows(name: str, lines: list[Line]) -> Iterator[str]:
    from crude_link.model.words import duration_words
    from crude_link.notifiers.look import look_of
    from crude_link.notifiers.table import Column, Table

    columns = [Column("step"), Column("does"), Column("usually", right=True), Column("why")]
    rows = [[line.step, line.does, duration_words(line.usual) if line.usual else "", line.why] for line in lines]
    yield f"{name}:"
    yield from Table(columns, rows).lines(look_of(sys.stdout))
    known = [line.usual for line in lines if line.usual and line.does != "skip"]
    if known:
        yield f"usually {duration_words(sum(known, timedelta(0)))} one after the other"


def _as_json(line: Line) -> dict[str, object]:
    return {
        "step": line.step,
        "does": line.does,
        "why": line.why,
        "usual_seconds": line.usual.total_seconds() if line.usual else None,
    }
