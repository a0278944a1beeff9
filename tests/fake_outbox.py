"""An outbox in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from crude_link.model.alert import Dispatch, DispatchState, Plight, Trouble


class MemoryOutbox:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.rows: dict[int, Dispatch] = {}
        self.known: dict[str, dict[Plight, Trouble]] = {}
        self.is_broken = False

    def troubles(self, pipeline: str) -> Mapping[Plight, Trouble]:
        if self.is_broken:
            raise OSError("no space left on device")
        return self.known.get(pipeline, {})

    def post(self, pipeline: str, dispatches: Sequence[Dispatch], troubles: Mapping[Plight, Trouble]) -> None:
        self.known[pipeline] = dict(troubles)
        for dispatch in dispatches:
            number = len(self.rows) + 1
            self.rows[number] = replace(dispatch, id=number)

    def due(self, now: datetime, limit: int = 100) -> Sequence[Dispatch]:
        return [each for each in self.waiting if each.due <= now][:limit]

    def next_due(self) -> datetime | None:
        return min((each.due for each in self.waiting), default=None)

    def record(self, dispatch: Dispatch) -> None:
        if self.rows[dispatch.id].state is DispatchState.WAITING:
            self.rows[dispatch.id] = dispatch

    def forget_old(self, now: datetime) -> None:
        pass

    @property
    def waiting(self) -> list[Dispatch]:
        return [each for each in self.rows.values() if each.state is DispatchState.WAITING]
