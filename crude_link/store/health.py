"""Health: what can be told of a store by looking, without changing anything in it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crude_link.errors import StoreError
from crude_link.store.failures import translated
from crude_link.store.place import Project, file_system, is_network
from crude_link.store.queries import newest_version, queries
from crude_link.store.rows import moment

#: SQLite asks so often, in its own steps, whether it is to go on.
_STEPS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How a store stands."""

    exists: bool
    size_bytes: int = 0
    version: int | None = None
    newest_version: int
    #: As the kernel names it.
    file_system: str | None
    is_on_network: bool
    is_writable: bool
    #: What SQLite says is wrong; None: nothing that was found.
    damage: str | None = None
    #: The whole file was looked at.
    is_checked: bool = False
    newest_run: datetime | None = None


def health(project: Project, patience: timedelta) -> Health:
    """Look at a project's store, and for so long at its integrity."""
    path = project.database
    place = next((each for each in (path.parent, *path.parent.parents) if each.exists()), path.parent)
    is_writable = place.is_dir() and all(os.access(each, os.W_OK) for each in (place, path) if each.exists())
    there = Health(
        exists=path.exists(),
        newest_version=newest_version(),
        file_system=file_system(place),
        is_on_network=is_network(place),
        is_writable=is_writable,
    )
    if not there.exists:
        return there
    try:
        with translated(path):
            return _looked_into(project, there, patience)
    except StoreError as error:
        return replace(there, damage=str(error))


def _looked_into(project: Project, there: Health, patience: timedelta) -> Health:
    path = project.database
    size = sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        found = replace(there, size_bytes=size, version=version)
        if not 0 < version <= there.newest_version:
            return found
        newest = connection.execute(queries()["newest_beginning"]).fetchone()[0]
        found = replace(found, newest_run=moment(newest))
        deadline = time.monotonic() + patience.total_seconds()
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError:
            return found  # so far nothing was found
        return replace(found, is_checked=True, damage=None if answer == "ok" else answer)
