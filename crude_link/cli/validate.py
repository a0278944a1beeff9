"""`crude-link validate`: config and pre-flight, nothing run."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from crude_link.cli.options import common_options, config_option, json_option


@click.command()
@click.option("--set", "settings", multiple=True, metavar="K=V", help="Set a param, or any key of the config.")
@config_option
@json_option
@common_options
def command(settings: tuple[str, ...], config_file: tuple[Path, ...], as_json: bool) -> int:
    """Check config files and, without running or importing them, the scripts they name.

    Exit status 0 when all is well, 2 with every problem and its place otherwise.
    """
    from crude_link.app import Desk
    from crude_link.cli.pipelines import choose
    from crude_link.cli.talk import print_json, say
    from crude_link.errors import ConfigError, Problem

    desk = Desk.here()
    problems: list[Problem] = []
    warnings: list[str] = []
    chosen = []
    try:
        chosen = choose(desk, config_file, settings)
    except ConfigError as error:
        problems += error.problems
    for each in chosen:
        found, more = desk.check(each)
        problems += found
        warnings += [*each.pipeline.warnings, *more]
    if as_json:
        print_json({"problems": problems, "warnings": warnings})
        return 2 if problems else 0
    for text in warnings:
        say(f"warning: {text}")
    if problems:
        raise ConfigError(problems)
    for each in chosen:
        names = " → ".join(step.name for step in each.pipeline.steps)
        following = f" · {_run_command(config_file, settings)}" if each is chosen[-1] else ""
        say(f"{each.config.path}: {each.pipeline.name} is ready to run: {names}{following}")
    return 0


def _run_command(files: tuple[Path, ...], settings: tuple[str, ...]) -> str:
    """Return the command that runs what was checked."""
    named = [word for path in files for word in ("-c", str(path))]
    return shlex.join(["crude-link", "run", *named, *(word for each in settings for word in ("--set", each))])
