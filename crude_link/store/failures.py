"""Translates what SQLite and the file system say into the errors of crude-link."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crude_link.errors import DiskFull, StoreDamaged, StoreError

#: Less than this is as good as nothing: SQLite then says "disk I/O error" as often as "full".
_NO_ROOM_BYTES = 64 * 1024


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise StoreError, DiskFull or StoreDamaged, about `path`, in place of sqlite3.Error and OSError."""
    try:
        yield
    except sqlite3.Error as error:
        raise _from_sqlite(error, path) from error
    except OSError as error:
        raise _from_system(error, path) from error


def _from_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    # The words, because Python 3.10 does not tell SQLite's code.
    words = str(error)
    if "disk is full" in words or ("disk I/O error" in words and _is_full(path.parent)):
        return _disk_full(path)
    if "not a database" in words or "malformed" in words:
        return StoreDamaged(
            f"the store {path} is damaged ({words}). Move it aside together with its -wal and -shm: "
            f"the next run begins a new one, and what is in {path.parent / 'runs'} stays readable"
        )
    if "readonly" in words:
        return StoreError(f"the store {path} cannot be written: no permission, or its file system is read-only")
    if "unable to open" in words and path.exists() and not os.access(path, os.R_OK):
        return StoreError(f"the store {path} cannot be read: no permission")
    if "unable to open" in words and path.parent.exists() and not os.access(path.parent, os.W_OK):
        return StoreError(f"the store {path} cannot be written: no permission, or its file system is read-only")
    if "unable to open" in words:
        return StoreError(f"the store {path} cannot be opened: is it there, and do you have the permission?")
    if "locked" in words:
        return StoreError(f"the store {path} is kept busy by another process; try again")
    return StoreError(f"the store {path} could not be used: {words}")


def _from_system(error: OSError, path: Path) -> StoreError:
    place = error.filename or path
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(f"{place}: no permission, or its file system is read-only")
    return StoreError(f"{place}: {error.strerror or error}")


def _disk_full(path: Path) -> DiskFull:
    return DiskFull(f"no room is left where the store is ({path.parent}). What is recorded is safe; make room")


def _is_full(folder: Path) -> bool:
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _NO_ROOM_BYTES
