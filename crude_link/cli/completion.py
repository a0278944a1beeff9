"""`crude-link completion`: a completion script for a shell."""

from __future__ import annotations

import click

from crude_link.cli.options import common_options


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
def command(shell: str) -> int:
    """Print a completion script for a shell.

    \b
      ~/.bashrc                     eval "$(crude-link completion bash)"
      ~/.zshrc, after compinit      eval "$(crude-link completion zsh)"
      ~/.config/fish/config.fish    crude-link completion fish | source
    """
    from click.shell_completion import get_completion_class

    from crude_link.cli.root import root

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(root, {}, "crude-link", "_CRUDE_LINK_COMPLETE").source())
    return 0
