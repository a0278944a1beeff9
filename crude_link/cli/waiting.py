"""Waiting for a run that another process works on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from crude_link.app import Records
from crude_link.model.run import Run
from crude_link.model.status import Status

#: Seconds between two looks.
_PERIOD = 0.1
#: Looks for which a run may be recorded but not yet held: its own process is still starting.
_LOOKS_BEFORE_HELD = 100
#: Looks for which a run may seem lost: between two holders, as when it is resumed at once.
_LOOKS_BEFORE_LOST = 3


class Glance(NamedTuple):
    """A run as it was seen once. It is over when its end is recorded, or when nobody works on it."""

    run: Run
    is_over: bool


def glances(records: Records, run_id: int) -> Iterator[Glance]:
    """Look at a run again and again, with pauses between; the last glance is the one at which it is over."""
    unheld = 0
    while True:
        run = records.store.runs.run(run_id)
        held = records.store.locks.is_held(run_id)
        unheld = 0 if held else unheld + 1
        has_ended = not held and run.status.is_final and run.status is not Status.LOST
        patience = _LOOKS_BEFORE_LOST if run.status is Status.LOST else _LOOKS_BEFORE_HELD
        is_over = has_ended or unheld > patience
        yield Glance(run, is_over)
        if is_over:
            return
        time.sleep(_PERIOD)


def wait_until_over(records: Records, run_id: int) -> Run:
    """Return the run once it is over."""
    return deque(glances(records, run_id), maxlen=1)[0].run
