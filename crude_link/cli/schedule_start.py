"""`crude-link schedule start`: the scheduler."""

from __future__ import annotations

from pathlib import Path

import click

from crude_link.cli.options import common_options, config_option


@click.command()
@click.option(
    "-l",
    "--log-file",
    type=click.Path(path_type=Path),
    default=Path("crude-link.log"),
    help="Log file. [crude-link.log]",
)
@click.option("-k", "--keep-running", is_flag=True, help="Keep every schedule running after a failed run.")
@click.option("--set", "settings", multiple=True, metavar="K=V", help="Set a param, or any key of the config.")
@config_option
@common_options
def command(log_file: Path, keep_running: bool, settings: tuple[str, ...], config_file: tuple[Path, ...]) -> int:
    """Follow the schedules of the config files until it is stopped; the same as `crude-link -n` where there are some.

    It asks nothing, and writes everything to the log file. `-c` may stand several times. There is one scheduler in a
    project: a second one says who it is, and ends with exit status 3.
    """
    from crude_link.cli.unattended import run_scheduler

    return run_scheduler(config_file, settings, log_file, keep_running=keep_running)
