"""The root command: the options of the crude-link document, and the commands in their groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from crude_link import __version__
from crude_link.cli.group import Entry, LazyGroup

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
    "schedule": Entry("schedule", "Schedule", "Follow schedules, look at them, pause them, back-fill."),
    "notify": Entry("notify", "Schedule", "Try whether alerts arrive, and see what became of them."),
    "init": Entry("init", "Prepare", "Write a commented config file."),
    "validate": Entry("validate", "Prepare", "Check a config and its scripts without running them."),
    "plan": Entry("plan", "Prepare", "Say what a run would do, why, and how long it takes."),
    "schema": Entry("schema", "Prepare", "Print the JSON Schema of the config file."),
    "completion": Entry("completion", "Prepare", "Print a completion script for a shell."),
    "clean": Entry("clean", "Prepare", "Remove old runs."),
    "doctor": Entry("doctor", "Machines", "Say what the scheduler sees of this machine, and this shell."),
}

_SSH = "SSH hosts"
#: Commands, and options of commands, that are known and not built yet, and with what they will come.
LATER = {
    "run --runs-on": _SSH,
    "init --from": "the conversion of other programs' files",
}  # fmt: skip

EPILOG = (
    "RUN is a number, last (the default), last~1 or last:PIPELINE. Exit status: 0 done, 1 failed, 2 usage, config or "
    "pre-flight, 3 store or lock, 4 executor or transfer, 70 a mistake of crude-link, 130 Ctrl-C, 143 TERM."
)


class Root(LazyGroup):
    """The commands, and what is said to those who ask for one that is none."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            words = f"{error.ctx.info_name if error.ctx else ''} {error.option_name}"
            if words in LATER:
                raise click.UsageError(_not_yet(words), error.ctx) from error
            raise

    def unknown(self, ctx: click.Context, word: str) -> str:
        """Say that there is no such command, and what may have been meant."""
        from crude_link.cli.pipelines import pipeline_names

        if word in pipeline_names(ctx.params.get("config_file") or ()):
            return f"no such command {word!r}; it is a pipeline: did you mean `crude-link run {word}`?"
        if word in LATER:
            return _not_yet(word)
        if word.endswith((".yaml", ".yml")):
            return f"{word} is no command; a config file is named by -c: `crude-link -c {word}`"
        return super().unknown(ctx, word)


def _not_yet(words: str) -> str:
    from crude_link.config.keys import not_yet

    return not_yet(f"crude-link {words}", LATER[words])


@click.group(
    cls=Root,
    table=COMMANDS,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
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
