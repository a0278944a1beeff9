"""`crude-link rerun`: a run again, as a new run, from its record."""

from __future__ import annotations

import click

from crude_link.cli.options import RUN_HELP, common_options


@click.command(epilog=RUN_HELP)
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--no-prompt", is_flag=True, help="Ask nothing after a failure.")
@common_options
def command(run: str, no_prompt: bool) -> int:
    """Do RUN again as a new run, with the config, params and steps that its record has.

    The scripts are those that lie here now; what differs in the code is said first.
    """
    from crude_link.cli.again import rerun_run

    return rerun_run(run, prompt=not no_prompt)
