"""`crude-link notify deliver`: takes alerts to those who are to be told."""

from __future__ import annotations

import click

from crude_link.cli.options import common_options


@click.command()
@common_options
def command() -> int:
    """Deliver the alerts that are due, and those that are due within a few minutes, unless that goes on already.

    crude-link begins this by itself whenever it has written an alert. By hand it serves where nothing runs any more
    and something still waits: `crude-link notify log` shows it.
    """
    from crude_link.alerting import deliver
    from crude_link.app import Desk
    from crude_link.cli.schedules import records_if_any

    desk = Desk.here()
    records = records_if_any(desk)
    if records:
        deliver(records, desk)
    return 0
