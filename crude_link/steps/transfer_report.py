"""TransferReport: what a transfer says of itself, as outcome and metrics of its attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from crude_link.model.run import Ending, Outcome
from crude_link.model.transfer import NOTHING
from crude_link.model.value import Scalar


def take_report(path: Path, outcome: Outcome) -> tuple[Outcome, Mapping[str, Scalar]]:
    """Return the outcome in the words of the transfer, and what it counted; as it was where it said nothing."""
    if outcome.ending is not Ending.EXITED:
        return outcome, {}
    try:
        said = json.loads(path.read_bytes())
        message, is_empty = str(said["message"]), bool(said["is_empty"])
    except (OSError, ValueError, KeyError, TypeError):
        return outcome, {}
    if outcome.exit_status and message:
        outcome = replace(outcome, reason=message.splitlines()[0].rstrip(":"))
    return outcome, {NOTHING: True} if is_empty else {}
