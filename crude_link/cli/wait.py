"""`crude-link wait`: return when a run has ended, with its exit status."""

from __future__ import annotations

import click

from crude_link.cli.options import common_options


@click.command()
@click.argument("run", default="last", metavar="[RUN]")
@common_options
def command(run: str) -> int:
    """Wait until RUN has ended and return its exit status: 0 when it succeeded, else 1."""
    from crude_link.app import open_records
    from crude_link.cli.following import wait_until_free
    from crude_link.cli.record import read_record
    from crude_link.cli.talk import say
    from crude_link.model.status import Status
    from crude_link.notifiers.summary import closing_line

    records = open_records()
    ended = wait_until_free(records, records.run_id(run))
    if ended.status is Status.SUCCEEDED:
        return 0
    record = read_record(records, ended.id)
    say(closing_line(record.run, record.states, record.counting))
    return 1
