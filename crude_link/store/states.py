"""SqliteStates: cached states of steps, and requests between processes."""

from __future__ import annotations

from collections.abc import Sequence

from crude_link.model.run import NewRequest, Request, StepState
from crude_link.store.database import Database
from crude_link.store.rows import moment_text, request_of, state_of, text


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

    def ask(self, request: NewRequest) -> Request:
        """Put a request to the holder of a run."""
        self._quiet_since = None
        with self._database.write():
            added = self._database.change(
                "insert_request",
                run=request.run,
                kind=request.kind.value,
                by=request.by,
                at=moment_text(request.at),
                step=request.step,
                number=request.number,
            )
        return Request(id=added.lastrowid or 0, asked=request)

    def answer_of(self, request: int) -> str | None:
        """Return the answer to a request; None while there is none."""
        row = self._database.first("request_answer", request=request)
        return text(row["answer"]) if row and row["answer"] is not None else None

    def requests(self, runs: Sequence[int]) -> Sequence[Request]:
        """Return the unanswered requests for these runs, oldest first.

        While nobody has written since there was none at all, no query is made.
        """
        version = self._database.data_version()
        if version == self._quiet_since:
            return ()
        unanswered = [request_of(row) for row in self._database.rows("unanswered")]
        self._quiet_since = None if unanswered else version
        return [request for request in unanswered if request.asked.run in runs]

    def answer(self, request: int, text: str) -> None:
        """Answer a request; one that has an answer keeps it."""
        with self._database.write():
            self._database.change("answer", request=request, answer=text)
