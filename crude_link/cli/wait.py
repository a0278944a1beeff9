"""`crude-link wait`: return when a run has ended, with its exit status."""

from __future__ import annotations

import click

from crude_link.cli.options import RUN_HELP, common_options, json_option


@click.command(epilog=RUN_HELP)
@click.argument("run", default="last", metavar="[RUN]")
@json_option
@common_options
def command(run: str, as_json: bool) -> int:
    """Wait until RUN has ended and return its exit status: 0 when it succeeded, else 1, or 4 as `run` has it."""
    from crude_link.app import open_records
    from crude_link.cli.exit_status import exit_status_after
    from crude_link.cli.record import read_record, standing_line
    from crude_link.cli.talk import print_json, say
    from crude_link.cli.waiting import wait_until_over
    from crude_link.model.status import Status

    records = open_records()
    ended = wait_until_over(records, records.run_id(run))
    if as_json:
        print_json(ended)
    record = read_record(records, ended.id)
    say(standing_line(record))
    if ended.status is Status.SUCCEEDED:
        return 0
    failed = [state.name for state in record.states if state.status is Status.FAILED]
    attempts = record.attempts_of(failed[0]) if failed and ended.status is Status.FAILED else []
    return exit_status_after(attempts[-1] if attempts else None)
