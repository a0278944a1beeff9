"""Promises about alerts: what the parts that tell of them, and those that deliver them, expect of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from crude_link.model.alert import Dispatch, Plight, Trouble


class Outbox(Protocol):
    """Alerts on their way, one row for each recipient. Each method is one short transaction."""

    def troubles(self, pipeline: str) -> Mapping[Plight, Trouble]:
        """Return what people have been told is wrong with a pipeline, and is not over."""

    def post(self, pipeline: str, dispatches: Sequence[Dispatch], troubles: Mapping[Plight, Trouble]) -> None:
        """Record what is to be sent, and all that is wrong with the pipeline from now on, in one transaction.

        Of what waits for one recipient of a pipeline the oldest is given up when it is too much; of heartbeats all
        but the newest.
        """

    def due(self, now: datetime, limit: int = ...) -> Sequence[Dispatch]:
        """Return what is to be tried now, the oldest first."""

    def next_due(self) -> datetime | None:
        """Return when something is to be tried next; None when nothing waits."""

    def record(self, dispatch: Dispatch) -> None:
        """Record what came of a try; one that waits no longer keeps what it has."""

    def forget_old(self, now: datetime) -> None:
        """Remove what waits no longer and is old, or too much."""
