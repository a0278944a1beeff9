"""`crude-link doctor`: what the scheduler sees of this machine, next to what this shell sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option, json_option

if TYPE_CHECKING:
    from crude_link.doctor.report import Finding, Report
    from crude_link.notifiers.look import Colour, Look


@click.command()
@config_option
@json_option
@common_options
def command(config_file: tuple[Path, ...], as_json: bool) -> int:
    """Say what the scheduler will see of this machine, next to what this shell sees; problems first.

    Interpreters, PATH and the programs that commands name, variables and secrets (never their values), zone and
    clock, limits, disk, store, GPUs. The scheduler's side is that of the installed service, else of the scheduler
    that is alive, else what cron gives. Nothing is changed. Exit status 1 when there are problems.
    """
    import sys

    from crude_link.app import Desk
    from crude_link.cli.pipelines import choose, config_paths
    from crude_link.cli.talk import print_json, say, show
    from crude_link.doctor.examine import examine
    from crude_link.errors import UsageError
    from crude_link.notifiers.look import look_of

    desk = Desk.here()
    try:
        files: Sequence[Path] = config_paths(config_file)
    except UsageError:
        files = ()
    report = examine(desk, (lambda: choose(desk, files, ())) if files else None)
    if as_json:
        print_json(report)
    else:
        show(_lines(report, look_of(sys.stdout)))
        say(_closing(report))
    return 1 if report.problems else 0


def _lines(report: Report, look: Look) -> Iterator[str]:
    from dataclasses import replace

    from crude_link.notifiers.table import Cell, Column, Table

    yield from _findings("✗", "red", report.problems, look)
    yield from _findings("·", "yellow", report.notes, look)
    columns = [Column(""), Column("this shell"), Column(report.scheduler)]
    rows: list[list[Cell | str]] = [
        [
            Cell(each.name, bold=each.differs),
            each.here,
            Cell(each.scheduler if each.differs else "the same", "yellow" if each.differs else "dark_grey"),
        ]
        for each in report.comparisons
    ]
    yield ""
    look = replace(look, width=None)  # the end of a path tells most: nothing is cut
    yield from Table(columns, rows).lines(look)
    yield ""
    yield from Table([Column("this machine"), Column("")], [[each.name, each.words] for each in report.facts]).lines(
        look
    )


def _findings(mark: str, colour: Colour, findings: Sequence[Finding], look: Look) -> Iterator[str]:
    from crude_link.notifiers.look import one_line

    for each in findings:
        words = f"{each.words} · {each.remedy}" if each.remedy else each.words
        yield f"{look.paint(mark, colour)} {one_line(words)}"


def _closing(report: Report) -> str:
    count = len(report.problems)
    words = "no problems" if not count else "1 problem" if count == 1 else f"{count} problems"
    return f"{words} · crude-link validate · crude-link schedule status"
