"""Options: those that commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

#: Stands below the help of every command that takes a RUN.
RUN_HELP = "RUN is a number, last (the default), last~1 for the one before it, or last:PIPELINE."

Function = TypeVar("Function", bound=Callable[..., Any])


def common_options(function: Function) -> Function:
    """Add what every command takes: `--debug`, and `-c`, which only those with `config_option` look at."""
    function = click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback with an error.")(
        function
    )
    return _config_option(expose_value=False, hidden=True)(function)


def config_option(function: Function) -> Function:
    """Pass the config files of `-c` to the command, or those given before its name; stands above `common_options`."""
    # click keeps what decorators have added so far here; the hidden -c of common_options gives way.
    added: list[click.Parameter] = getattr(function, "__click_params__", [])
    added[:] = [parameter for parameter in added if parameter.name != "config_file"]
    return _config_option(callback=_or_given_before)(function)


def json_option(function: Function) -> Function:
    """Pass `as_json`, whether the result is wanted as JSON, to the command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def _config_option(**more: Any) -> Callable[[Function], Function]:
    return click.option(
        "-c",
        "--config-file",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Config file. [config.yaml]",
        **more,
    )


def _or_given_before(
    context: click.Context, _parameter: click.Parameter, given: tuple[Path, ...]
) -> tuple[Path, ...]:
    before: tuple[Path, ...] = (context.obj or {}).get("config_file", ())
    return given or before
