"""Group: commands under one name, in the groups of their help, each imported when it is called."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from crude_link.cli.options import common_options, config_option


class Entry(NamedTuple):
    """A command: the module that holds it, its group in the help, and its line there."""

    module: str
    group: str
    help: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that help stays quick."""

    def __init__(self, *arguments: Any, table: Mapping[str, Entry], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(f"crude_link.cli.{entry.module}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.table:
            raise click.UsageError(self.unknown(ctx, args[0]), ctx)
        return super().resolve_command(ctx, args)

    def unknown(self, ctx: click.Context, word: str) -> str:
        """Say that there is no such command, and what may have been meant."""
        near = difflib.get_close_matches(word, self.table, n=1)
        hint = f" Did you mean `{ctx.command_path} {near[0]}`?" if near else ""
        return f"no such command {word!r}.{hint}"

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group in dict.fromkeys(entry.group for entry in self.table.values()):
            rows = [(name, entry.help) for name, entry in self.table.items() if entry.group == group]
            with formatter.section(group):
                formatter.write_dl(rows)


def subgroup(table: Mapping[str, Entry], help_text: str) -> click.Command:
    """Return a command whose subcommands share its `-c`; by itself it prints their list, and exits with 2."""

    @click.group(cls=LazyGroup, table=table, invoke_without_command=True, help=help_text)
    @config_option
    @common_options
    @click.pass_context
    def command(context: click.Context, config_file: tuple[Path, ...]) -> int:
        context.obj = {**(context.obj or {}), "config_file": config_file}
        if context.invoked_subcommand:
            return 0
        click.echo(context.get_help(), err=True)
        return 2

    return command
