"""`crude-link notify test`: whether alerts arrive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option

if TYPE_CHECKING:
    from crude_link.app import Desk
    from crude_link.model.pipeline import Pipeline


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE...]")
@click.option("--set", "settings", multiple=True, metavar="K=V", help="Set a param, or any key of the config.")
@config_option
@common_options
def command(pipelines: tuple[str, ...], settings: tuple[str, ...], config_file: tuple[Path, ...]) -> int:
    """Send a test to all whom the config file names under `notify`, and say what each answered.

    Heartbeat URLs are called too. Exit status 1 when one of them could not be told.
    """
    from crude_link.app import Desk
    from crude_link.cli.pipelines import choose
    from crude_link.errors import UsageError

    desk = Desk.here()
    chosen = [each.pipeline for each in choose(desk, config_file, settings, pipelines)]
    if not any(pipeline.notify for pipeline in chosen):
        raise UsageError(
            "nobody is to be told: write `notify` into the config, such as `notify: {webhook: https://...}`"
        )
    results = [_went_well(desk, pipeline) for pipeline in chosen]
    return 0 if all(results) else 1


def _went_well(desk: Desk, pipeline: Pipeline) -> bool:
    from crude_link.alerting import carry_letter, trial_alert
    from crude_link.cli.talk import show
    from crude_link.couriers.letter import Letter, NotDelivered

    went_well = True
    for recipient in pipeline.notify:
        who = f"{pipeline.name} · {recipient.address}"
        try:
            answer = carry_letter(
                desk, Letter(alert=trial_alert(desk, pipeline)), recipient.address, pipeline.secrets
            )
            show([f"told     {who} · {answer}"])
        except NotDelivered as error:
            went_well = False
            show([f"not told {who} · {error}"])
    return went_well
