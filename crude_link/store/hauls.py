"""SqliteHauls: what downloads with `only: new` have brought to succeeded runs; what removes runs leaves it alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from crude_link.errors import StoreError
from crude_link.interfaces import Logs
from crude_link.model.run import AttemptKey
from crude_link.store.database import Database
from crude_link.store.failures import translated
from crude_link.store.rows import text


class SqliteHauls:
    """A haul belongs to a pipeline and the place that it fetches from."""

    def __init__(self, database: Database, logs: Logs) -> None:
        self._database = database
        self._logs = logs

    def remember(self, pipeline: str, keys: Sequence[AttemptKey]) -> None:
        """Record, in one transaction, what these attempts at transfers have brought."""
        with self._database.write():
            for key in keys:
                stdout = self._logs.place(key).stdout
                remote = _remote(stdout.with_suffix(".order"))
                self._database.change("insert_haul", pipeline=pipeline, remote=remote)
                row = self._database.first("haul", pipeline=pipeline, remote=remote)
                assert row
                for name, mark in _fetched(stdout.with_suffix(".fetched")):
                    self._database.change("remember_file", haul=row["id"], name=name, mark=mark, run=key.run)

    def write(self, pipeline: str, remote: str, path: Path) -> None:
        """Write what has been had from a place into a file, as lines of JSON with `name` and `mark`."""
        with (
            translated(path),
            path.open("w", encoding="ascii") as file,
            self._database.reading("hauled", pipeline=pipeline, remote=plain_remote(remote)) as rows,
        ):
            for row in rows:
                file.write(json.dumps({"name": text(row["name"]), "mark": text(row["mark"])}) + "\n")

    def places(self) -> list[tuple[str, str]]:
        """Return from where which pipelines had files, as pipeline and place."""
        return [(text(row["pipeline"]), text(row["remote"])) for row in self._database.rows("hauls")]

    def size(self, pipeline: str, remote: str) -> int | None:
        """Return how many files a pipeline had from a place; None when it had none ever."""
        row = self._database.first("haul", pipeline=pipeline, remote=plain_remote(remote))
        found = self._database.first("haul_size", haul=row["id"]) if row else None
        return int(found["size"]) if found else None

    def forget(self, pipeline: str, remote: str) -> int:
        """Forget what a pipeline had from a place; return how many files that were."""
        row = self._database.first("haul", pipeline=pipeline, remote=plain_remote(remote))
        return self._database.remove_in_pieces("forget_files", haul=row["id"]) if row else 0


def _remote(order: Path) -> str:
    """Return where an order fetches from."""
    try:
        return plain_remote(str(json.loads(order.read_bytes())["remote"][0]))
    except (OSError, ValueError, LookupError) as error:
        raise StoreError(f"what was fetched cannot be remembered, for {order} cannot be read: {error}") from error


def _fetched(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and marks that the program wrote; none where it found nothing."""
    if not path.exists():
        return
    with translated(path), path.open(encoding="utf-8") as file:
        for line in file:
            said = json.loads(line)
            yield str(said["name"]), str(said["mark"])


def plain_remote(remote: str) -> str:
    """Return a place as it is remembered: with or without a slash at its end is the same."""
    return remote.rstrip("/")
