"""SqliteHistory: what earlier runs tell of the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from crude_link.model.run import Run, Sitting
from crude_link.model.status import Status
from crude_link.model.value import Plain
from crude_link.store.database import Database
from crude_link.store.files import RunFiles
from crude_link.store.reader import RunReader
from crude_link.store.rows import sitting_of, text


class SqliteHistory:
    """Looks back; writes nothing."""

    def __init__(self, database: Database, files: RunFiles, reader: RunReader) -> None:
        self._database = database
        self._files = files
        self._reader = reader

    def usual(self, pipeline: str) -> Mapping[str, timedelta]:
        """Return each step's median duration over its last 20 successes; steps without one are missing."""
        steps = [row["step"] for row in self._database.rows("steps_with_success", pipeline=pipeline)]
        found = {text(step): self._usual(pipeline, text(step)) for step in steps}
        return {step: usual for step, usual in found.items() if usual is not None}

    def going(self, pipeline: str | None = None) -> Sequence[Run]:
        """Return the runs that have begun and not ended, of one pipeline or of all; oldest first."""
        return self._reader.going(pipeline)

    def worked_on(self, pipeline: str | None = None) -> Sequence[int]:
        """Return the runs that have begun and not ended, and that somebody holds; oldest first."""
        return [run.id for run in self.going(pipeline) if run.status is Status.RUNNING]

    def runs(self, pipeline: str | None = None, limit: int | None = None) -> Sequence[Run]:
        """Return the newest runs first, of one pipeline or of all; the lost ones as LOST."""
        return self._reader.runs(pipeline, limit)

    def sittings(self, run: int) -> Sequence[Sitting]:
        """Return the sittings of a run in order. UnknownRun."""
        self._reader.row(run)
        return [sitting_of(row) for row in self._database.rows("sittings", run=run)]

    def document(self, run: int) -> tuple[str, Mapping[str, Plain], Mapping[str, Plain]]:
        """Return a run's config as written, its document, and what early references became. UnknownRun."""
        return self._files.read_document(run, self._reader.row(run)["document_number"])

    def _usual(self, pipeline: str, step: str) -> timedelta | None:
        """Return the median; None where no success is counted."""
        rows = self._database.rows("last_durations", pipeline=pipeline, step=step)
        walls = sorted(row["wall_us"] for row in rows)
        if not walls:
            return None
        # The median by hand: the module that has it takes longer to import than all else here.
        return timedelta(microseconds=(walls[(len(walls) - 1) // 2] + walls[len(walls) // 2]) // 2)
