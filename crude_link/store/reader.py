"""RunReader: runs as they stand now, where the record alone cannot tell the lost ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from crude_link.errors import UnknownRun
from crude_link.model.run import Run
from crude_link.model.status import Status
from crude_link.model.words import moment_words
from crude_link.store.database import Database, Row
from crude_link.store.locks import FlockLocks
from crude_link.store.place import is_local
from crude_link.store.rows import moment, run_of, text

_EVERYTHING = -1


class RunReader:
    """Reads runs. One that is live by its record while nobody holds it is LOST; nothing is written."""

    def __init__(self, database: Database, locks: FlockLocks, home: Path) -> None:
        self._database = database
        self._locks = locks
        self._home = home

    def run(self, run: int) -> Run:
        """Return a run. UnknownRun."""
        return self._seen(self.row(run))

    def runs(self, pipeline: str | None, limit: int | None) -> Sequence[Run]:
        """Return the newest runs first."""
        many = _EVERYTHING if limit is None else limit
        if pipeline is None:
            return [self._seen(row) for row in self._database.rows("runs", limit=many)]
        return [self._seen(row) for row in self._database.rows("runs_of_pipeline", pipeline=pipeline, limit=many)]

    def going(self, pipeline: str | None) -> Sequence[Run]:
        """Return the runs that by their record are running, and those of them that nobody holds as LOST."""
        named = {} if pipeline is None else {"pipeline": pipeline}
        rows = self._database.rows("running_runs" if pipeline is None else "running_runs_of_pipeline", **named)
        return [seen for row in rows if not (seen := self._seen(row)).status.is_final or seen.status is Status.LOST]

    def row(self, run: int) -> Row:
        """Return the row of a run. UnknownRun."""
        row = self._database.first("run", run=run)
        if row is None:
            raise UnknownRun(f"there is no run {run} in {self._home}: see `crude-link runs`")
        return row

    def _seen(self, row: Row) -> Run:
        run = run_of(row)
        if run.status.is_final:
            return run
        before = self._database.first("newest_sitting", run=run.id)
        if before is None or self._locks.is_held(run.id):
            return run
        # It may just have ended, or been resumed: only the same sitting on both sides of the lock is a lost one.
        sitting = self._database.first("newest_sitting", run=run.id)
        if sitting is None or sitting["number"] != before["number"] or sitting["ended"] is not None:
            return run_of(self._database.first("run", run=run.id) or row)
        host = text(sitting["host"])
        if host != os.uname().nodename and not is_local(self._home):
            return replace(run, reason=f"on host {host}, whose locks cannot be seen from here")
        return replace(run, status=Status.LOST, reason=self._last_words(run.id, sitting["pid"], host))

    def _last_words(self, run: int, pid: int, host: str) -> str:
        sign = self._database.first("last_sign", run=run)
        heard = moment(sign["moment"]) if sign else None
        since = f"; last heard of {moment_words(heard, seconds=True)}" if heard else ""
        return f"its crude-link (pid {pid} on {host}) is gone{since}; crude-link resume {run}"
