"""`crude-link stop`: end a run from another terminal."""

from __future__ import annotations

import click

from crude_link.cli.options import RUN_HELP, common_options, json_option


@click.command(epilog=RUN_HELP)
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--now", is_flag=True, help="Kill at once instead of INT, TERM, KILL.")
@json_option
@common_options
def command(run: str, now: bool, as_json: bool) -> int:
    """Stop RUN: its steps get INT, then TERM, then KILL. It can be resumed.

    Returns when the run has ended.
    """
    from crude_link.app import open_records
    from crude_link.cli.record import read_record, standing_line
    from crude_link.cli.talk import print_json, say
    from crude_link.cli.waiting import wait_until_over
    from crude_link.clock import SystemClock
    from crude_link.identity import user_name
    from crude_link.model.run import NewRequest, RequestKind

    records = open_records()
    found = records.store.runs.run(records.run_id(run))
    if found.status.is_final and not records.store.locks.is_held(found.id):
        before = "nothing is left to stop: "
    else:
        kind = RequestKind.STOP_NOW if now else RequestKind.STOP
        records.store.states.ask(NewRequest(run=found.id, kind=kind, by=user_name(), at=SystemClock().now()))
        say(f"asked run {found.id} to stop{' now' if now else ''}")
        before = ""
        found = wait_until_over(records, found.id)
    if as_json:
        print_json(found)
    say(before + standing_line(read_record(records, found.id)))
    return 0
