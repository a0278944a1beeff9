"""Which runs go, and how they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crude_link.errors import RunIsHeld, UnknownRun
from crude_link.model.policy import SCHEDULED_RETENTION, Retention
from crude_link.model.run import Origin, Run
from crude_link.model.status import Status
from crude_link.store.database import Database
from crude_link.store.files import RunFiles
from crude_link.store.locks import FlockLocks
from crude_link.store.reader import RunReader

_FAILURES = (Status.FAILED, Status.LOST)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSize:
    """A run and what it takes on disk; 0 where nobody measured it."""

    run: Run
    size_bytes: int = 0


def doomed(runs: Sequence[RunSize], policy: Retention | None, now: datetime) -> list[int]:
    """Return the ids of those `runs` of one pipeline that `policy` does not keep, oldest first.

    A run that is waiting or running stays, and so does the newest of all. Without a policy SCHEDULED_RETENTION
    holds for the runs that a schedule began, and all others stay.
    """
    if policy is None:
        runs = [each for each in runs if each.run.origin is Origin.SCHEDULE]
        policy = SCHEDULED_RETENTION
    newest_first = sorted(runs, key=lambda each: each.run.id, reverse=True)
    gone = _by_age_and_count(newest_first, policy, now)
    if policy.size_bytes is not None:
        gone |= _by_size([each for each in newest_first if each.run.id not in gone], policy.size_bytes)
    return sorted(gone)


class RunRemoval:
    """Removes runs: the rows first, in one transaction that notes the folder, then the folder."""

    def __init__(self, database: Database, files: RunFiles, locks: FlockLocks, reader: RunReader) -> None:
        self._database = database
        self._files = files
        self._locks = locks
        self._reader = reader

    def sizes(self, pipeline: str | None = None, *, measure: bool) -> list[RunSize]:
        """Return the runs of one pipeline or of all; measuring looks at every file of them."""
        return [
            RunSize(run=run, size_bytes=self._files.size(run.id) if measure else 0)
            for run in self._reader.runs(pipeline, None)
        ]

    def remove_run(self, run: int) -> bool:
        """Remove a run; False, and nothing happens, while somebody holds it, or when somebody else removed it."""
        if self._locks.is_held(run):
            return False
        try:
            with self._locks.hold(run):
                return self._remove(run)
        except RunIsHeld:
            return False
        except UnknownRun:
            # Its folder is gone already, by somebody's hand.
            return self._remove(run)

    def sweep(self) -> int:
        """Remove the folders of removed runs that a crash left; return how many."""
        left = [int(row["run"]) for row in self._database.rows("removed")]
        for run in left:
            self._sweep(run)
        return len(left)

    def _remove(self, run: int) -> bool:
        self._thin_out(run)
        with self._database.write():
            self._database.change("delete_leases", run=run)
            if not self._database.change("delete_run", run=run).rowcount:
                return False
            self._database.change("insert_removed", run=run)
        self._sweep(run)
        return True

    def _thin_out(self, run: int) -> None:
        """Remove the rows of tasks. Should we die meanwhile, the run still knows which of them are done."""
        for fan in self._database.rows("fans", run=run):
            for query in ("delete_some_task_words", "delete_some_tasks"):
                self._database.remove_in_pieces(query, fan=fan["id"])

    def _sweep(self, run: int) -> None:
        self._files.remove(run)
        with self._database.write(durable=False):
            self._database.change("delete_removed", run=run)


def _by_age_and_count(newest_first: Sequence[RunSize], policy: Retention, now: datetime) -> set[int]:
    gone: set[int] = set()
    kept = 0
    for place, each in enumerate(newest_first):
        run = each.run
        has_failed = run.status in _FAILURES
        kept += not has_failed
        too_old = _is_older(run, policy.days, now) or (has_failed and _is_older(run, policy.failed_days, now))
        too_many = policy.runs is not None and not has_failed and kept > policy.runs
        if place > 0 and run.status.is_final and (too_old or too_many):
            gone.add(run.id)
    return gone


def _by_size(newest_first: Sequence[RunSize], limit: int) -> set[int]:
    total = sum(each.size_bytes for each in newest_first)
    gone: set[int] = set()
    for each in reversed(newest_first[1:]):
        if total <= limit:
            break
        if each.run.status.is_final:
            gone.add(each.run.id)
            total -= each.size_bytes
    return gone


def _is_older(run: Run, days: float | None, now: datetime) -> bool:
    return days is not None and (now - (run.ended or run.began)) / timedelta(days=1) > days
