"""The failure prompt: what to do now, asked of the person in front, or line by line of whoever writes to stdin."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import click

from crude_link.model.order import Order


class Answer(Enum):
    """What a person wants after a failure; the value is the menu's line."""

    RERUN_STEP = "rerun this step"
    RERUN_PIPELINE = "rerun the whole pipeline"
    EDIT = "edit the config and rerun the step"
    SKIP = "skip the step and go on"
    STOP = "stop here"


_SHELL = "open a shell in the step's directory and environment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What the question is about. `order` is how the step was last started, None if it never was."""

    run: int
    step: str
    config: Path
    order: Order | None = None


def ask_after_failure(failure: Failure) -> Answer | None:
    """Ask until there is an answer; None: nobody wants anything. KeyboardInterrupt comes through."""
    if os.isatty(0) and os.isatty(2):
        try:
            return _menu(failure)
        except EOFError:  # the terminal is gone, or Ctrl-D
            return Answer.STOP
    return _plain_questions(failure)


def confirm(question: str) -> bool:
    """Ask a yes-or-no question on stderr; end of input means no."""
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    line = ""
    try:
        line = sys.stdin.readline()
    finally:
        if not (line.endswith("\n") and os.isatty(0)):  # nobody's Enter went to a new line
            click.echo(err=True)
    return line.strip().lower() in ("y", "yes")


def _plain_questions(failure: Failure) -> Answer | None:
    if confirm(f"rerun the step {failure.step!r}?"):
        return Answer.RERUN_STEP
    if confirm("rerun the whole pipeline?"):
        return Answer.RERUN_PIPELINE
    return None


def _menu(failure: Failure) -> Answer:
    import questionary
    from prompt_toolkit.output import create_output

    while True:
        choices = [questionary.Choice(answer.value, value=answer) for answer in Answer]
        choices[-1] = questionary.Choice(f"stop here (crude-link resume {failure.run})", value=Answer.STOP)
        if failure.order:
            choices.insert(-1, questionary.Choice(_SHELL, value=_SHELL))
        chosen = questionary.select(
            f"{failure.step} failed. What now?",
            choices=choices,
            output=create_output(stdout=sys.stderr),
        ).unsafe_ask()
        if isinstance(chosen, Answer):
            return chosen
        assert failure.order is not None
        _shell(failure.order)


def _shell(order: Order) -> None:
    from crude_link.programs import ProgramError, open_shell

    click.echo(f"shell in {order.cwd}; the step was: {' '.join(order.record_argv)}; exit goes back", err=True)
    try:
        open_shell(order.cwd, order.env)
    except ProgramError as error:
        click.echo(str(error), err=True)
