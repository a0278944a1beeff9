"""Face: parse, call app, render. One command a file; a command's file is imported only when it is called."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from crude_link.errors import ConfigError, CrudeLinkError

#: EX_SOFTWARE of sysexits.h: a mistake of ours, and no failed run, after which systemd is to start nothing again.
_OUR_MISTAKE = 70


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 1 failed, 2 usage, 3 store, 4 executor, 70, 130, 143."""
    from crude_link.cli.root import root

    arguments = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    try:
        Path.cwd()
    except FileNotFoundError:
        click.echo("crude-link: the directory in which it was started is gone", err=True)
        return 2
    try:
        status = root.main(arguments, prog_name="crude-link", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        click.echo(_usage_words(error), err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped by Ctrl-C", err=True)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; without a stdout Python flushes none at its end, which would complain.
        sys.stdout = None
        return 0
    except CrudeLinkError as error:
        if "--debug" in arguments:
            traceback.print_exc()
        # Problems begin with their places, as editors and other checkers have them.
        has_place = isinstance(error, ConfigError) and any(problem.line for problem in error.problems)
        click.echo(str(error) if has_place else f"crude-link: {error}", err=True)
        return error.exit_status
    except Exception as error:  # noqa: BLE001 (the border: whatever it is, a person reads one paragraph)
        if "--debug" in arguments:
            traceback.print_exc()
        kind = type(error).__name__
        click.echo(f"crude-link: this should not have happened: {kind}: {error}. --debug shows where.", err=True)
        return _OUR_MISTAKE


def _usage_words(error: click.ClickException) -> str:
    """Say what click found wrong with the command line as we say everything: in one paragraph, with what to do."""
    text = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    text = f"crude-link: {text[:1].lower()}{text[1:]}"
    if context is None or "`crude-link" in text:
        return text
    return f"{text.removesuffix('.')} · {context.command_path} --help"


def _open_closed_streams() -> None:
    """Give a process that was started with a closed stdout or stderr (`>&-`) somewhere to write."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 (open for the process's whole life)
