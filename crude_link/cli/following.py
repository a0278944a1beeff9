"""Waiting for a run that another process holds."""

from __future__ import annotations

import time

from crude_link.app import Records
from crude_link.model.run import Run
from crude_link.model.status import Status

#: Seconds between two looks.
_PERIOD = 0.1
#: Looks for which a run may be begun but not yet held: its own process is still starting.
_LOOKS_BEFORE_HELD = 100
#: Looks for which a run may seem lost: between two holders, as when it is resumed at once.
_LOOKS_BEFORE_LOST = 3


def wait_until_free(records: Records, run_id: int) -> Run:
    """Return the run once it is over: its end is recorded, or nobody holds it any more."""
    unheld = 0
    while True:
        run = records.store.runs.run(run_id)
        held = records.store.locks.is_held(run_id)
        unheld = 0 if held else unheld + 1
        if not held and run.status.is_final and run.status is not Status.LOST:
            return run
        if unheld > (_LOOKS_BEFORE_LOST if run.status is Status.LOST else _LOOKS_BEFORE_HELD):
            return run
        time.sleep(_PERIOD)


def state_words(status: Status) -> str:
    """Say how an ended run stands, as the end of a sentence about it."""
    return {Status.SUCCEEDED: "it has succeeded", Status.FAILED: "it has failed"}.get(status, f"it is {status.value}")
