"""`crude-link schema`: the JSON Schema of the config file, for editors."""

from __future__ import annotations

import json

import click

from crude_link.cli.options import common_options


@click.command()
@click.option("--json", expose_value=False, is_flag=True, hidden=True)  # what it prints is JSON anyway
@common_options
def command() -> int:
    """Print the JSON Schema of the config file.

    Save it, and name it in the first line of a config for an editor's YAML plugin:

    \b
      # yaml-language-server: $schema=crude-link.schema.json
    """
    from crude_link.cli.talk import show
    from crude_link.config.load import json_schema

    show([json.dumps(json_schema(), indent=2)])
    return 0
