"""Folders of this machine (a mounted share, say) as a store."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from crude_link.storage.address import Address
from crude_link.storage.failures import DiskIsFull, Forbidden, Gone, NoBucket, TransferError
from crude_link.storage.local import LocalFile, each_listed
from crude_link.storage.names import beside_from
from crude_link.storage.remote import Entry, Traits, Written

_PIECE = 1 << 20


class FolderStore:
    """A RemoteStore over a path. Links out of the folder are not followed; the etag is none."""

    def __init__(self, address: Address) -> None:
        self._root = Path(address.prefix)
        self._traits = Traits(at_once=8, has_ranges=False, any_name=True)

    @property
    def traits(self) -> Traits:
        """See RemoteStore."""
        return self._traits

    def entries(self) -> Iterator[Entry]:
        """See RemoteStore."""
        try:
            if not self._root.is_dir():
                if self._root.exists():
                    return
                raise NoBucket(f"there is no folder {self._root}")
            for name, file in each_listed(self._root):
                yield _entry(name, file)
        except OSError as error:
            raise self._said(error, self._root) from error

    def entry(self, name: str) -> Entry | None:
        """See RemoteStore."""
        path = self._root / name
        try:
            return _entry(name, LocalFile.of(path.stat())) if path.is_file() else None
        except OSError as error:
            raise self._said(error, path) from error

    def read(self, entry: Entry, start: int, stop: int) -> Iterator[bytes]:
        """See RemoteStore."""
        path = self._root / entry.name
        try:
            with path.open("rb") as file:
                file.seek(start)
                left = stop - start
                while left > 0 and (piece := file.read(min(_PIECE, left))):
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise self._said(error, path) from error

    def write(self, name: str, path: Path, sent: Callable[[int], None]) -> Written:
        """See RemoteStore."""
        target = self._root / name
        aside = target.with_name(beside_from(path, target.name))
        digest, size = hashlib.md5(usedforsecurity=False), 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source, aside.open("wb") as file:
                while piece := source.read(_PIECE):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    sent(len(piece))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise self._said(error, target) from error
        return Written(size=size, md5=digest.hexdigest())

    def delete(self, name: str) -> None:
        """See RemoteStore."""
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._said(error, self._root / name) from error

    @staticmethod
    def _said(error: OSError, path: Path) -> TransferError:
        match error.errno:
            case errno.ENOENT:
                return Gone(f"{path} cannot be found, although it was listed")
            case errno.EACCES | errno.EPERM | errno.EROFS:
                return Forbidden(f"{path} is forbidden: {error.strerror}")
            case errno.ENOSPC | errno.EDQUOT:
                return DiskIsFull(f"no room is left for {path}: {error.strerror}")
            case _:
                return TransferError(f"{path}: {error.strerror}")


def _entry(name: str, file: LocalFile) -> Entry:
    modified = datetime.fromtimestamp(file.mtime_ns / 1e9, timezone.utc)
    return Entry(name=name, size=file.size, modified=modified)
