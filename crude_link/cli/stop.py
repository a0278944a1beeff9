"""`crude-link stop`: end a run from another terminal."""

from __future__ import annotations

import click

from crude_link.cli.options import common_options


@click.command()
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--now", is_flag=True, help="Kill at once instead of INT, TERM, KILL.")
@common_options
def command(run: str, now: bool) -> int:
    """Stop RUN: its steps get INT, then TERM, then KILL. It can be resumed.

    Returns when the run has ended.
    """
    from crude_link.app import open_records
    from crude_link.cli.following import state_words, wait_until_free
    from crude_link.cli.record import read_record
    from crude_link.cli.talk import say
    from crude_link.clock import SystemClock
    from crude_link.identity import user_name
    from crude_link.model.run import RequestKind
    from crude_link.notifiers.summary import closing_line

    records = open_records()
    found = records.store.runs.run(records.run_id(run))
    if found.status.is_final and not records.store.locks.is_held(found.id):
        say(f"run {found.id} is not running: {state_words(found.status)}")
        return 0
    kind = RequestKind.STOP_NOW if now else RequestKind.STOP
    records.store.states.ask(found.id, kind, user_name(), SystemClock().now())
    say(f"asked run {found.id} to stop{' now' if now else ''}")
    ended = wait_until_free(records, found.id)
    record = read_record(records, ended.id)
    say(closing_line(record.run, record.states, record.counting))
    return 0
