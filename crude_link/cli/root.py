"""The root command: the options of the crude-link document, and the commands in their groups."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import Any, NamedTuple

import click

from crude_link import __version__


class Entry(NamedTuple):
    """A command: the module that holds it, its group in the help, and its line there."""

    module: str
    group: str
    help: str


COMMANDS = {
    "run": Entry("run", "Run", "Run pipelines now, once."),
    "resume": Entry("resume", "Run", "Go on with a run at what is not done."),
    "rerun": Entry("rerun", "Run", "Do a run again, from its record."),
    "stop": Entry("stop", "Run", "Stop a run, gently; --now at once."),
    "wait": Entry("wait", "Run", "Wait for a run and return its exit status."),
    "slots": Entry("slots", "Run", "Change how many tasks of a step run at once."),
    "runs": Entry("runs", "Look", "List the runs, newest first."),
    "show": Entry("show", "Look", "Show one run: steps, times, results."),
    "logs": Entry("logs", "Look", "Print what steps wrote; -f follows."),
    "why": Entry("why", "Look", "Say why a run or step stands as it does."),
    "tasks": Entry("tasks", "Look", "List the tasks of a step with foreach."),
    "results": Entry("results", "Look", "Print what tasks gave, as lines of JSON."),
    "export": Entry("export", "Look", "Write a job log, or the output of tasks, into files."),
    "init": Entry("init", "Prepare", "Write a commented config file."),
    "validate": Entry("validate", "Prepare", "Check a config and its scripts without running them."),
    "plan": Entry("plan", "Prepare", "Say what a run would do, why, and how long it takes."),
    "schema": Entry("schema", "Prepare", "Print the JSON Schema of the config file."),
    "completion": Entry("completion", "Prepare", "Print a completion script for a shell."),
    "clean": Entry("clean", "Prepare", "Remove old runs."),
}

_SCHEDULES, _SSH = "schedules", "SSH hosts"
#: Commands, and options of commands, that are known and not built yet, and with what they will come.
LATER = {
    "doctor": _SSH, "schedule": _SCHEDULES, "notify": _SCHEDULES, "run --runs-on": _SSH,
    "init --from": "the conversion of other programs' files",
}  # fmt: skip

EPILOG = (
    "RUN is a number, last (the default), last~1 or last:PIPELINE. Exit status: 0 done, 1 failed, 2 usage, config or "
    "pre-flight, 3 store or lock, 4 executor, 130 Ctrl-C, 143 TERM."
)


class Root(click.Group):
    """A group whose commands are imported when they are called, so that help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(f"crude_link.cli.{entry.module}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            raise click.UsageError(_unknown(ctx, args[0]), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            words = f"{error.ctx.info_name if error.ctx else ''} {error.option_name}"
            if words in LATER:
                raise click.UsageError(_not_yet(words), error.ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group in dict.fromkeys(entry.group for entry in COMMANDS.values()):
            rows = [(name, entry.help) for name, entry in COMMANDS.items() if entry.group == group]
            with formatter.section(group):
                formatter.write_dl(rows)


def _unknown(ctx: click.Context, word: str) -> str:
    from crude_link.cli.pipelines import pipeline_names

    if word in pipeline_names(ctx.params.get("config_file") or ()):
        return f"no such command {word!r}; it is a pipeline: did you mean `crude-link run {word}`?"
    if word in LATER:
        return _not_yet(word)
    if word.endswith((".yaml", ".yml")):
        return f"{word} is no command; a config file is named by -c: `crude-link -c {word}`"
    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f" Did you mean `crude-link {near[0]}`?" if near else ""
    return f"no such command {word!r}.{hint}"


def _not_yet(words: str) -> str:
    from crude_link.config.keys import not_yet

    return not_yet(f"crude-link {words}", LATER[words])


@click.group(
    cls=Root, invoke_without_command=True, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "-c", "--config-file", multiple=True, type=click.Path(path_type=Path), help="Config file. [config.yaml]"
)
@click.option("-n", "--non-interactive", is_flag=True, help="Ask nothing, log everything, follow the cron section.")
@click.option(
    "-l", "--log-file", type=click.Path(path_type=Path), help="Log file, with --non-interactive. [crude-link.log]"
)
@click.option("-k", "--keep-running", is_flag=True, help="Keep the schedule running after a failed run.")
@click.option("--no-prompt", is_flag=True, help="Ask nothing after a failure.")
@click.option(
    "--set", "settings", multiple=True, metavar="K=V", help="Set a param, or any key of the config by its path."
)
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(__version__, prog_name="crude-link")
@click.pass_context
def root(
    ctx: click.Context,
    config_file: tuple[Path, ...],
    non_interactive: bool,
    log_file: Path | None,
    keep_running: bool,
    no_prompt: bool,
    settings: tuple[str, ...],
    debug: bool,
) -> int:
    """Run the scripts of a YAML file in order: by hand, on a schedule, with a record of every run.

    Without a command, runs the config file's pipelines once and asks after a failure. With -n it asks nothing,
    logs to a file, and follows the config's cron section.
    """
    ctx.obj = {"config_file": config_file, "debug": debug}
    if ctx.invoked_subcommand:
        return 0
    if non_interactive:
        from crude_link.cli.unattended import run_unattended

        return run_unattended(config_file, settings, log_file or Path("crude-link.log"), keep_running=keep_running)
    from crude_link.cli.attended import Wish, run_attended
    from crude_link.cli.talk import say

    if log_file or keep_running:
        say("warning: --log-file and --keep-running mean something only with --non-interactive")
    return run_attended(Wish(config_files=config_file, settings=settings, prompt=not no_prompt))
