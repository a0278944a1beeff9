"""SqliteOutbox: alerts on their way, and what people have been told is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from crude_link.model.alert import Alert, AlertKind, Dispatch, DispatchState, Plight, Trouble
from crude_link.store.database import Database, Row
from crude_link.store.ledger import utc_text
from crude_link.store.rows import moment, moment_text, text, to_json

#: So many wait for one recipient of a pipeline; of heartbeats only the newest means anything.
_MOST_WAITING = 50
_KEPT_FOR = timedelta(days=90)
_KEPT_ROWS = 5_000
_TIMES = ("at", "slot_time", "since")


class SqliteOutbox:
    """Writes and reads the outbox; see `Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def troubles(self, pipeline: str) -> Mapping[Plight, Trouble]:
        """Return what people have been told is wrong with a pipeline."""
        found = [_trouble_of(row) for row in self._database.rows("troubles", pipeline=pipeline)]
        return {trouble.plight: trouble for trouble in found}

    def post(self, pipeline: str, dispatches: Sequence[Dispatch], troubles: Mapping[Plight, Trouble]) -> None:
        """Record what is to be sent, and what is known to be wrong from now on, in one transaction."""
        with self._database.write():
            self._database.change("delete_troubles", pipeline=pipeline)
            for trouble in troubles.values():
                self._database.change(
                    "insert_trouble",
                    pipeline=pipeline,
                    plight=trouble.plight.value,
                    since=moment_text(trouble.since),
                    told=moment_text(trouble.told),
                    count=trouble.count,
                )
            for dispatch in dispatches:
                self._insert(dispatch)

    def due(self, now: datetime, limit: int = 100) -> Sequence[Dispatch]:
        """Return what is to be tried now, the oldest first."""
        return [_dispatch_of(row) for row in self._database.rows("due_dispatches", now=utc_text(now), limit=limit)]

    def next_due(self) -> datetime | None:
        """Return when something is to be tried next; None when nothing waits."""
        row = self._database.first("next_due")
        return moment(row["due"]) if row else None

    def record(self, dispatch: Dispatch) -> None:
        """Record what came of a try."""
        with self._database.write():
            self._database.change(
                "set_dispatch",
                id=dispatch.id,
                state=dispatch.state.value,
                due=utc_text(dispatch.due),
                tries=dispatch.tries,
                answer=dispatch.answer,
                tried=moment_text(dispatch.tried),
            )

    def dispatches(self, limit: int, state: DispatchState | None = None) -> Sequence[Dispatch]:
        """Return the newest first; only those of one state, where asked."""
        rows = self._database.rows("dispatches", limit=limit, state=state.value if state else None)
        return [_dispatch_of(row) for row in rows]

    def forget_old(self, now: datetime) -> None:
        """Remove what does not wait and is older than three months, or too much."""
        with self._database.write(durable=False):
            self._database.change("delete_old_dispatches", before=utc_text(now - _KEPT_FOR), most=_KEPT_ROWS)

    def _insert(self, dispatch: Dispatch) -> None:
        alert, recipient = dispatch.alert, to_json(dispatch.recipient)
        self._database.change(
            "insert_dispatch",
            pipeline=alert.pipeline,
            kind=alert.kind.value,
            run=alert.run,
            at=utc_text(alert.at),
            recipient_words=dispatch.to,
            recipient=recipient,
            secrets=to_json(dispatch.secrets),
            alert=_alert_text(alert),
            state=dispatch.state.value,
            due=utc_text(dispatch.due),
        )
        most = 1 if alert.kind is AlertKind.HEARTBEAT else _MOST_WAITING
        answer = "a newer one took its place" if most == 1 else f"{most} newer ones waited behind it"
        self._database.change(
            "give_up_surplus", pipeline=alert.pipeline, recipient=recipient, most=most, answer=answer
        )


def _alert_text(alert: Alert) -> str:
    said = {name: getattr(alert, name) for name in Alert.__slots__}
    said |= {name: moment_text(said[name]) for name in _TIMES}
    return to_json({**said, "kind": alert.kind.value})


def _alert_of(written: str) -> Alert:
    said: dict[str, Any] = json.loads(written)
    said |= {name: moment(said[name]) for name in _TIMES}
    said |= {name: tuple(said[name]) for name in ("last_lines", "commands")}
    return Alert(**{**said, "kind": AlertKind(said["kind"])})


def _dispatch_of(row: Row) -> Dispatch:
    return Dispatch(
        id=row["id"],
        alert=_alert_of(row["alert"]),
        to=text(row["recipient_words"]),
        recipient=json.loads(row["recipient"]),
        secrets=json.loads(row["secrets"]),
        due=datetime.fromisoformat(row["due"]),
        state=DispatchState(row["state"]),
        tries=row["tries"],
        answer=text(row["answer"]),
        tried=moment(row["tried"]),
    )


def _trouble_of(row: Row) -> Trouble:
    return Trouble(
        plight=Plight(row["plight"]),
        since=datetime.fromisoformat(row["since"]),
        told=datetime.fromisoformat(row["told"]),
        count=row["count"],
    )
