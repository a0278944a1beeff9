"""SqliteStore: all faces of the store over one database and one folder."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from crude_link.store.attempts import SqliteAttempts
from crude_link.store.database import Database
from crude_link.store.files import RunFiles
from crude_link.store.history import SqliteHistory
from crude_link.store.locks import FlockLocks
from crude_link.store.logs import FileLogs
from crude_link.store.place import Project
from crude_link.store.reader import RunReader
from crude_link.store.retention import RunRemoval
from crude_link.store.runs import SqliteRuns
from crude_link.store.states import SqliteStates

if TYPE_CHECKING:
    from pathlib import Path

    from crude_link.model.run import AttemptKey
    from crude_link.store.hauls import SqliteHauls
    from crude_link.store.leases import SqliteLeases
    from crude_link.store.ledger import SqliteLedger, SqliteSchedulers
    from crude_link.store.memory import SqliteMemory
    from crude_link.store.outbox import SqliteOutbox
    from crude_link.store.results import StepResults
    from crude_link.store.sightings import SqliteSightings
    from crude_link.store.task_logs import TaskLogs
    from crude_link.store.tasks import SqliteTasks


class SqliteStore:
    """The store of a project, face by face. Each face is one of the promises of `interfaces`.

    Those that only fan-outs need are made when they are asked for.
    """

    def __init__(self, project: Project, database: Database) -> None:
        self.project = project
        self.files = RunFiles(project.runs)
        self.locks = FlockLocks(self.files)
        reader = RunReader(database, self.locks, project.home)
        self.runs = SqliteRuns(database, self.files, self.locks, reader)
        self.attempts = SqliteAttempts(database)
        self.states = SqliteStates(database)
        self.history = SqliteHistory(database, self.files, reader)
        self.logs = FileLogs(self.files)
        self.removal = RunRemoval(database, self.files, self.locks, reader)
        self._database = database

    @cached_property
    def tasks(self) -> SqliteTasks:
        """The tasks of fan-outs."""
        from crude_link.store.tasks import SqliteTasks

        return SqliteTasks(self._database, self.files)

    @cached_property
    def leases(self) -> SqliteLeases:
        """Who holds which item of which pool."""
        from crude_link.store.leases import SqliteLeases

        return SqliteLeases(self._database, self.locks)

    @cached_property
    def memory(self) -> SqliteMemory:
        """Which inputs of fan-outs are done once and for all."""
        from crude_link.store.memory import SqliteMemory

        return SqliteMemory(self._database)

    @cached_property
    def hauls(self) -> SqliteHauls:
        """What downloads with `only: new` have brought."""
        from crude_link.store.hauls import SqliteHauls

        return SqliteHauls(self._database, self.logs)

    @cached_property
    def sightings(self) -> SqliteSightings:
        """Which files the looks of schedules have seen."""
        from crude_link.store.sightings import SqliteSightings

        return SqliteSightings(self._database)

    @cached_property
    def ledger(self) -> SqliteLedger:
        """What became of every slot time."""
        from crude_link.store.ledger import SqliteLedger

        return SqliteLedger(self._database)

    @cached_property
    def schedulers(self) -> SqliteSchedulers:
        """Who schedules, and what is paused."""
        from crude_link.store.ledger import SqliteSchedulers

        return SqliteSchedulers(self._database)

    @cached_property
    def outbox(self) -> SqliteOutbox:
        """Alerts on their way."""
        from crude_link.store.outbox import SqliteOutbox

        return SqliteOutbox(self._database)

    @cached_property
    def task_logs(self) -> TaskLogs:
        """What tasks have written."""
        from crude_link.store.task_logs import TaskLogs

        return TaskLogs(self.files)

    @cached_property
    def results(self) -> StepResults:
        """What steps gave."""
        from crude_link.store.results import StepResults

        return StepResults(self.files, self.logs, self.tasks, self.task_logs)

    def results_file(self, key: AttemptKey) -> Path:
        """Return the file of what an ended attempt gave."""
        return self.results.file(key)

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database, and of the locks that `begin_run` took and no `hold` took over."""
        self.locks.close()
        self._database.close()


def open_store(project: Project, *, create: bool = True) -> SqliteStore:
    """Open the store of a project.

    With `create` False it must be there (UsageError "no runs here yet"), and reading it needs no permission to write.
    StoreError, StoreTooNew and StoreDamaged say what to do.
    """
    return SqliteStore(project, Database(project, create=create))
