"""`crude-link init`: a commented config file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from crude_link.cli.options import common_options


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("config.yaml"))
@common_options
def command(file: Path) -> int:
    """Write a commented config to FILE (default config.yaml); a file that is there stays as it is."""
    from crude_link.cli.talk import say
    from crude_link.config.starter import starter_config
    from crude_link.errors import UsageError

    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(starter_config())
    except FileExistsError as error:
        raise UsageError(f"{file} is there already and stays as it is. Name another: crude-link init FILE") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    named = "" if file == Path("config.yaml") else f" -c {file}"
    say(f"wrote {file}: put your own scripts into it · crude-link validate{named} · crude-link run{named}")
    return 0
