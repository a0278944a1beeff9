"""SqliteStates: cached states of steps, and requests between processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crude_link.model.run import Request, RequestKind, StepState
from crude_link.store.database import Database
from crude_link.store.rows import moment_text, request_of, state_of


class SqliteStates:
    """Keeps what is quick to read: how steps stand, and what is asked of a run's holder."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._quiet_since: int | None = None

    def set_states(self, run: int, states: Sequence[StepState]) -> None:
        """Write the cached states of some steps of a run, in one transaction.

        Flushed to the disk, and with it the attempts that were written before.
        """
        if not states:
            return
        with self._database.write():
            for state in states:
                self._database.change(
                    "set_state", run=run, name=state.name, status=state.status.value, reason=state.reason
                )

    def states(self, run: int) -> Sequence[StepState]:
        """Return the cached states in the pipeline's order."""
        return [state_of(row) for row in self._database.rows("states", run=run)]

    def ask(self, run: int, kind: RequestKind, by: str, at: datetime) -> Request:
        """Put a request to the holder of a run."""
        self._quiet_since = None
        with self._database.write():
            added = self._database.change("insert_request", run=run, kind=kind.value, by=by, at=moment_text(at))
        return Request(id=added.lastrowid or 0, run=run, kind=kind, by=by, at=at)

    def requests(self, runs: Sequence[int]) -> Sequence[Request]:
        """Return the unanswered requests for these runs, oldest first.

        While nobody has written since there was none at all, no query is made.
        """
        version = self._database.data_version()
        if version == self._quiet_since:
            return ()
        unanswered = [request_of(row) for row in self._database.rows("unanswered")]
        self._quiet_since = None if unanswered else version
        return [request for request in unanswered if request.run in runs]

    def answer(self, request: int, text: str) -> None:
        """Answer a request; one that has an answer keeps it."""
        with self._database.write():
            self._database.change("answer", request=request, answer=text)
