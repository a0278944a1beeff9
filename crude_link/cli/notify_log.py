"""`crude-link notify log`: what was sent to whom."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from crude_link.cli.options import common_options, json_option

if TYPE_CHECKING:
    from crude_link.model.alert import Dispatch

#: Of the words for a recipient, so many characters.
_LONGEST = 40
_STATES = ("waiting", "sent", "given up")


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True, metavar="N", help="At most so many."
)
@click.option("--state", type=click.Choice(_STATES), help="Only what stands so.")
@json_option
@common_options
def command(limit: int, state: str | None, as_json: bool) -> int:
    """List alerts and to whom they went, the newest first, with what was answered or why they did not arrive."""
    from crude_link.app import Desk
    from crude_link.cli.schedules import records_if_any
    from crude_link.cli.talk import print_json, say, show
    from crude_link.model.alert import DispatchState

    records = records_if_any(Desk.here())
    wanted = DispatchState(state) if state else None
    found = records.store.outbox.dispatches(limit, wanted) if records else []
    if as_json:
        print_json([_as_json(each) for each in found])
    elif found:
        show(_lines(found))
    else:
        say(
            f"nothing is {state} · crude-link notify log"
            if state
            else "nothing was told yet · crude-link notify test"
        )
    return 0


def _lines(dispatches: Sequence[Dispatch]) -> list[str]:
    from crude_link.model.words import moment_words
    from crude_link.notifiers.look import look_of, shortened
    from crude_link.notifiers.table import Cell, Column, Table

    columns = [
        Column("at"),
        Column("pipeline"),
        Column("alert"),
        Column("run", right=True),
        Column("to"),
        Column("state"),
        Column("answer"),
    ]
    rows: list[list[Cell | str]] = [
        [
            moment_words(each.alert.at),
            each.alert.pipeline,
            Cell(each.alert.kind.value, bold=True),
            "" if each.alert.run is None else str(each.alert.run),
            shortened(each.to, _LONGEST),
            Cell(each.state.value, _COLOURS[each.state.value]),
            _answer_words(each),
        ]
        for each in dispatches
    ]
    return Table(columns, rows).lines(look_of(sys.stdout))


_COLOURS: Mapping[str, Any] = {"waiting": "yellow", "sent": "green", "given up": "red"}


def _answer_words(dispatch: Dispatch) -> str:
    from crude_link.model.words import moment_words

    tries = f" ({dispatch.tries} tries)" if dispatch.tries > 1 else ""
    is_waiting = dispatch.state.value == "waiting" and dispatch.tries
    again = f"; again at {moment_words(dispatch.due)}" if is_waiting else ""
    return f"{dispatch.answer}{tries}{again}"


def _as_json(dispatch: Dispatch) -> dict[str, object]:
    alert = dispatch.alert
    return {
        "id": dispatch.id,
        "at": alert.at,
        "kind": alert.kind,
        "pipeline": alert.pipeline,
        "run": alert.run,
        "title": alert.title,
        "to": dispatch.to,
        "state": dispatch.state,
        "tries": dispatch.tries,
        "tried": dispatch.tried,
        "due": dispatch.due if dispatch.state.value == "waiting" else None,
        "answer": dispatch.answer,
    }
