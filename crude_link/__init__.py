"""Run a pipeline of scripts from one YAML file, by hand or on a schedule, and keep a record of it.

What functions of users import stands here; it needs nothing else, and runs under any Python from 3.8 on.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Any


class Retry(Exception):
    """Raised by a function that a step calls: it wants to be called again, `after` so many seconds or a timedelta.

    Without `after` the wait is that of the step's `retries`. What bounds it stands in docs/functions.md.
    """

    def __init__(self, why: object = "", *, after: float | timedelta | None = None) -> None:
        super().__init__(str(why))
        given: Any = after
        seconds = given.total_seconds() if hasattr(given, "total_seconds") else given
        if seconds is not None and not (isinstance(seconds, (int, float)) and 0 <= seconds < float("inf")):
            raise ValueError(f"`after` is seconds or a timedelta, not {after!r}")
        #: None: as long as the step's `retries` say.
        self.after_seconds: float | None = seconds
