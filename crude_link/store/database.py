"""Database: one connection to the SQLite file, its transactions and its version."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from crude_link.errors import DiskFull, StoreError, StoreGone, StoreTooNew, UsageError
from crude_link.store.failures import translated
from crude_link.store.place import HOME_VARIABLE, Project, is_network
from crude_link.store.queries import migrations_after, newest_version, queries

Bound: TypeAlias = "str | bytes | int | float | None"
Row = sqlite3.Row

#: How long a transaction waits for those of other processes.
_PATIENCE_SECONDS = 30.0
#: So many rows are removed at once, so that nobody else waits long for the database.
_PIECE = 50_000
#: No number in a row is larger; neither is any run's id.
_LARGEST = 2**63 - 1


class Database:
    """The store's SQLite file. All reading and writing goes through `rows`, and `write` with `change`.

    Without the permission to write, it reads all the same and makes no files.
    """

    def __init__(self, project: Project, *, create: bool) -> None:
        self.path = project.database
        self._runs = project.runs
        with translated(self.path):
            if not create and not self.path.exists():
                raise UsageError(f"no runs here yet: there is no {self.path}. `crude-link run` makes the first one")
            if create:
                _make_home(project)
                _make_file(self.path)
        if is_network(project.home):
            raise StoreError(
                f"{project.home} lies on a network file system, where SQLite loses data. "
                f"Set {HOME_VARIABLE} to a folder on a disk of this machine"
            )
        self._writable = create or _may_write(self.path)
        self._connection: sqlite3.Connection
        try:
            self._open()
        except DiskFull:
            if create or _has_log(self.path):
                raise
            # No room even for the memory that connections share: it can be read as it is.
            self._writable = False
            self._open()

    def close(self) -> None:
        """Let go of the file; the last one to do so folds the write-ahead log into it."""
        with translated(self.path):
            self._connection.close()

    def rows(self, query: str, **values: Bound) -> list[Row]:
        """Return all rows of a query; no cursor stays open."""
        with self.reading(query, **values) as cursor:
            return cursor.fetchall()

    def first(self, query: str, **values: Bound) -> Row | None:
        """Return the only or first row of a query."""
        return next(iter(self.rows(query, **values)), None)

    def has(self, query: str, **values: Bound) -> bool:
        """Return whether a query has any row; the quick way, for what is asked a million times."""
        with translated(self.path):
            return self._connection.execute(queries()[query], values).fetchone() is not None

    def change(self, query: str, **values: Bound) -> sqlite3.Cursor:
        """Insert, update or delete, within `write`; the cursor tells `rowcount` and `lastrowid`."""
        return self._execute(queries()[query], values)

    def remove_in_pieces(self, query: str, **values: Bound) -> int:
        """Delete by a query with a `:limit` until nothing is left, in transactions of its own; return how many rows.

        Should we die meanwhile, a part is gone.
        """
        removed, piece = 0, _PIECE
        while piece == _PIECE:
            with self.write(durable=False):
                piece = self.change(query, **values, limit=_PIECE).rowcount
            removed += piece
        return removed

    def change_many(self, query: str, rows: Iterable[Mapping[str, Bound]]) -> None:
        """Insert, update or delete for each of `rows`, within `write`; their texts are UTF-8, their numbers small."""
        self._connection.executemany(queries()[query], rows)

    @contextmanager
    def reading(self, query: str, **values: Bound) -> Iterator[sqlite3.Cursor]:
        """Give the rows of a query that are too many for a list; read at once, with nothing written meanwhile."""
        with translated(self.path):
            if not self._writable:
                # Nothing tells a connection without a log that the file has changed, or has a log now.
                self._connection.close()
                self._connection = self._connect()
            with closing(self._execute(queries()[query], values)) as cursor:
                yield cursor

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[None]:
        """Hold the one short transaction that is committed at the end, or leaves nothing.

        Durable means through a power failure. Otherwise only a crash of the machine may lose it, and whatever is
        durable after it makes it so too.
        """
        with translated(self.path):
            if _identity(self.path) != self._identity:
                raise StoreGone(f"the store {self.path} was removed or replaced while it was in use")
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                # A COMMIT that failed leaves the transaction open.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def data_version(self) -> int:
        """Return a number that differs after any other connection has changed the file."""
        with translated(self.path), closing(self._connection.execute("PRAGMA data_version")) as cursor:
            return int(cursor.fetchone()[0])

    def _open(self) -> None:
        with translated(self.path):
            self._connection = self._connect()
            self._bring_up_to_date()
            self._identity = _identity(self.path)

    def _execute(self, sql: str, values: dict[str, Bound]) -> sqlite3.Cursor:
        return self._connection.execute(sql, {name: bound(value) for name, value in values.items()})

    def _connect(self) -> sqlite3.Connection:
        # Without a log, nobody writes, and a reader that may not make one reads the file as it is.
        mode = "rwc" if self._writable else "ro" if _has_log(self.path) else "ro&immutable=1"
        place = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(place, timeout=_PATIENCE_SECONDS, isolation_level=None, uri=True)
        connection.row_factory = Row
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _version(self) -> int:
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version > newest_version():
            self._connection.close()
            raise StoreTooNew(
                f"the store {self.path} was written by a newer crude-link (its version is {version}, this crude-link "
                f"knows {newest_version()}): update crude-link"
            )
        return version

    def _bring_up_to_date(self) -> None:
        if self._version() == newest_version():
            return
        if not self._writable:
            raise StoreError(
                f"the store {self.path} is of an older crude-link, and you have no permission to change it"
            )
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # One at a time: the switch to a write-ahead log does not wait for others.
            fcntl.flock(folder, fcntl.LOCK_EX)
            for version, script in migrations_after(self._version()):
                self._migrate(version, script)
        finally:
            os.close(folder)

    def _migrate(self, version: int, script: str) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(script):
                self._connection.execute(statement)
            if version == 1:
                # Where a damaged store was moved aside, its run folders stay.
                self.change("begin_ids_after", last=_highest_folder(self._runs))
            self._connection.execute(f"PRAGMA user_version = {version}")
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _make_home(project: Project) -> None:
    if project.runs.is_dir():
        return
    project.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if project.has_own_home and project.home.stat().st_uid == os.getuid():
        project.home.chmod(0o700)  # somebody may have made it by hand
    # Keeps the store out of the project's repository, and the repository clean.
    ignore = project.home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", "utf-8")
    project.runs.mkdir(mode=0o700, exist_ok=True)


def _make_file(path: Path) -> None:
    """Make the file for our eyes only; those that SQLite makes beside it get the same mode."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def bound(value: Bound) -> Bound:
    """Return what SQLite takes: for text that is not UTF-8 the bytes it stands for, for a huge number the largest."""
    if isinstance(value, int):
        return min(value, _LARGEST)
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return value


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _highest_folder(runs: Path) -> int:
    return max((int(path.name) for path in runs.iterdir() if path.name.isdecimal()), default=0)
