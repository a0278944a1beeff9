"""What is not to be had at once, asked for until it is there, as the loop does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from crude_link.errors import NotYet

Made = TypeVar("Made")


def once_made(ask: Callable[[], Made]) -> Made:
    """Return what is asked for."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return ask()
        except NotYet as error:
            time.sleep(error.pause)
    raise AssertionError("it was never made")
