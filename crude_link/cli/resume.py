"""`crude-link resume`: go on with a run at what is not done."""

from __future__ import annotations

import click

from crude_link.cli.options import RUN_HELP, common_options


@click.command(epilog=RUN_HELP)
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--failed", is_flag=True, help="Of the tasks of a step with foreach, only those that failed.")
@click.option("--reload", is_flag=True, help="Use the config file as it is now, not as it was.")
@click.option("--accept-changes", is_flag=True, help="With --reload: go on though finished steps would differ.")
@click.option("--no-prompt", is_flag=True, help="Ask nothing after a failure.")
@common_options
def command(run: str, failed: bool, reload: bool, accept_changes: bool, no_prompt: bool) -> int:
    """Go on with RUN at what is not done; no finished step is repeated.

    The config is the run's own, as it was, unless --reload is given.
    """
    from crude_link.cli.again import ResumeWish, resume_run

    wish = ResumeWish(failed=failed, reload=reload, accept_changes=accept_changes, prompt=not no_prompt)
    return resume_run(run, wish)
