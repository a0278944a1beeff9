"""Other stores (sftp and more), through the file systems of fsspec."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crude_link.storage.address import Address
from crude_link.storage.failures import (
    BadAddress,
    CannotReach,
    Forbidden,
    Gone,
    NoBucket,
    NoCredentials,
    Passing,
    TransferError,
    Unreachable,
)
from crude_link.storage.names import PARTS, beside_from
from crude_link.storage.options import Option
from crude_link.storage.remote import Entry, Traits, Written

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PIECE = 1 << 18
#: How the errors of ssh are told apart: by their class, for their texts differ between servers.
_SSH = {
    "PermissionDenied": NoCredentials,
    "HostKeyNotVerifiable": Forbidden,
    "KeyImportError": NoCredentials,
    "SFTPPermissionDenied": Forbidden,
    "SFTPNoSuchFile": Gone,
    "SFTPNoSuchPath": Gone,
}


class FsspecStore:
    """A RemoteStore over a file system of fsspec. Files come and go whole; they are written aside and renamed."""

    def __init__(self, system: AbstractFileSystem, root: str, address: Address) -> None:
        self._system = system
        self._root = root
        self._address = address
        self._traits = Traits(at_once=8, has_ranges=False, any_name=False)

    @property
    def traits(self) -> Traits:
        """See RemoteStore."""
        return self._traits

    def entries(self) -> Iterator[Entry]:
        """See RemoteStore."""
        try:
            if not self._system.isdir(self._root):
                if self._system.exists(self._root):
                    return
                raise NoBucket(f"there is no folder {self._address}")
            yield from self._below("")
        except Exception as error:
            raise self._said(error, "") from error

    def entry(self, name: str) -> Entry | None:
        """See RemoteStore."""
        try:
            info = self._system.info(self._path(name))
            return _entry(name, info) if info["type"] == "file" else None
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._said(error, name) from error

    def read(self, entry: Entry, start: int, stop: int) -> Iterator[bytes]:
        """See RemoteStore."""
        try:
            with self._system.open(self._path(entry.name), "rb") as file:
                file.seek(start)
                left = stop - start
                while left > 0 and (piece := file.read(min(_PIECE, left))):
                    left -= len(piece)
                    yield bytes(piece)
        except Exception as error:
            raise self._said(error, entry.name) from error

    def write(self, name: str, path: Path, sent: Callable[[int], None]) -> Written:
        """See RemoteStore."""
        target = self._path(name)
        folder, _, last = target.rpartition("/")
        aside = f"{folder}/{beside_from(path, last)}"
        digest, size = hashlib.md5(usedforsecurity=False), 0
        try:
            self._system.makedirs(folder, exist_ok=True)
            with path.open("rb") as source, self._system.open(aside, "wb") as file:
                while piece := source.read(_PIECE):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    sent(len(piece))
            self._replace(aside, target)
        except Exception as error:
            raise self._said(error, name) from error
        return Written(size=size, md5=digest.hexdigest())

    def delete(self, name: str) -> None:
        """See RemoteStore."""
        try:
            self._system.rm_file(self._path(name))
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._said(error, name) from error

    def _below(self, name: str) -> Iterator[Entry]:
        """Yield the files below a folder; links are left alone, for where they lead cannot be known from here."""
        path = self._path(name)
        for info in sorted(self._system.ls(path, detail=True), key=lambda info: str(info["name"])):
            below = f"{name}/{_last(info['name'])}".lstrip("/")
            if _last(info["name"]).startswith(PARTS):
                continue
            if info["type"] == "directory":
                yield from self._below(below)
            elif info["type"] == "file":
                yield _entry(below, info)

    def _replace(self, aside: str, target: str) -> None:
        # Old versions of sftp rename onto nothing that is there.
        try:
            self._system.mv(aside, target)
        except Exception:
            if not self._system.exists(target):
                raise
            self._system.rm_file(target)
            self._system.mv(aside, target)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}" if name else self._root

    def _said(self, error: Exception, name: str) -> Exception:
        return _said(error, self._address.below(name) if name else self._address)


def open_file_system(address: Address, options: Mapping[str, Option]) -> tuple[AbstractFileSystem, str]:
    """Return the file system of an address, and the path in it."""
    import fsspec

    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    try:
        if address.scheme != "sftp":
            system, path = fsspec.core.url_to_fs(str(address), **given)
            return system, str(path)
        user, _, place = address.bucket.rpartition("@")
        host, _, port = place.partition(":")
        given |= {"username": user} if user else {}
        given |= {"port": int(port)} if port else {}
        # Without it, the library would trust any host; so it reads what ssh reads.
        given.setdefault("known_hosts", ())
        if not isinstance(given["known_hosts"], tuple):
            given["known_hosts"] = str(given["known_hosts"])
        return fsspec.filesystem("sftp", host=host, skip_instance_cache=True, **given), address.prefix
    except ValueError as error:
        if "rotocol" in str(error):
            raise BadAddress(f"{address}: there is no store with the scheme {address.scheme}:// here") from error
        raise _said(error, address) from error
    except Exception as error:
        raise _said(error, address) from error


def _said(error: Exception, address: Address) -> Exception:
    """Return our error for one of a file system's."""
    if isinstance(error, TransferError):
        return error
    causes = {type(cause).__name__ for cause in (error, error.__cause__, error.__context__) if cause}
    text = f"{type(error).__name__}: {error}"
    for name, kind in _SSH.items():
        if name in causes:
            return _worded(kind, address, text)
    if isinstance(error, PermissionError):
        return _worded(NoCredentials if "No such identity" in text else Forbidden, address, text)
    if isinstance(error, FileNotFoundError):
        return _worded(Gone, address, text)
    if isinstance(error, (OSError, EOFError, TimeoutError)) or causes & {"ConnectionLost", "SFTPConnectionLost"}:
        return Passing(f"{address}: {text}")
    return TransferError(f"{address}: {text}")


def _worded(kind: type[TransferError], address: Address, text: str) -> TransferError:
    words = {
        NoCredentials: f"{address.root} takes none of the keys and passwords that were found, as ssh finds them",
        Forbidden: f"{address} is forbidden",
        Gone: f"{address} cannot be found, although it was listed",
        Unreachable: f"no server answers at {address.root}",
    }
    return kind(f"{words.get(kind, str(address))}: {text}" if issubclass(kind, (CannotReach, Gone)) else text)


def _entry(name: str, info: Mapping[str, Any]) -> Entry:
    modified = info.get("mtime") or info.get("modified") or info.get("LastModified")
    if isinstance(modified, (int, float)):
        modified = datetime.fromtimestamp(modified, timezone.utc)
    return Entry(name=name, size=int(info["size"]), modified=modified if isinstance(modified, datetime) else None)


def _last(path: object) -> str:
    return str(path).rstrip("/").rpartition("/")[2]
