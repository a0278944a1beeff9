"""Remote: what the transfers expect of a store, whichever it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

_MD5 = re.compile(r"[0-9a-f]{32}")
_MD5_OF_PARTS = re.compile(r"[0-9a-f]{32}-[0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file as a store lists it. `name` is relative to the address; empty when the address is the file itself."""

    name: str
    size: int
    #: Without its quotes; None where the store has none.
    etag: str | None = None
    modified: datetime | None = None

    @property
    def mark(self) -> str:
        """Return what tells this content of the file from another: the etag, or else the size and the time."""
        return self.etag or f"{self.size} bytes of {self.modified.isoformat() if self.modified else 'unknown time'}"

    @property
    def md5(self) -> str | None:
        """Return the etag where it looks like an MD5 of the whole file; with some encryptions it is none."""
        return self.etag if self.etag and _MD5.fullmatch(self.etag) else None

    @property
    def md5_of_parts(self) -> str | None:
        """Return the etag where it looks like that of an upload in parts: an MD5 of MD5s, and how many."""
        return self.etag if self.etag and _MD5_OF_PARTS.fullmatch(self.etag) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What a store can do."""

    #: How many files, or parts of files, are best on their way at once.
    at_once: int
    #: A range of a file can be read; parts of a large file come side by side.
    has_ranges: bool
    #: Any name that a file system can have; otherwise only UTF-8 without control characters.
    any_name: bool = False
    can_write: bool = True


class RemoteStore(Protocol):
    """A folder or file in some store. All methods may be called from many threads at once.

    All raise Passing for what may go well another time, a CannotReach for what will not, TransferError for the rest.
    """

    @property
    def traits(self) -> Traits:
        """What this store can do."""

    def entries(self) -> Iterator[Entry]:
        """Yield all files below the address, never those of a neighbour whose name only begins alike."""

    def entry(self, name: str) -> Entry | None:
        """Return one file; None when there is none."""

    def read(self, entry: Entry, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a range, in pieces. Gone; Passing when the content is another than that listed."""

    def write(self, name: str, path: Path, sent: Callable[[int], None]) -> Written:
        """Put a local file there, whole or not at all; `sent` is told of bytes on their way."""

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is no error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a store said of a file that was put there, and what was read from the disk for it."""

    size: int
    #: None where it was sent in parts: then there is theirs.
    md5: str | None = None
    #: What the etag of an upload in these parts is.
    md5_of_parts: str | None = None
    etag: str | None = None

    @property
    def is_confirmed(self) -> bool | None:
        """True or False when the etag can tell whether all arrived; None when it is not of that kind."""
        if self.etag is None:
            return None
        if _MD5.fullmatch(self.etag) and self.md5 is not None:
            return self.etag == self.md5
        if _MD5_OF_PARTS.fullmatch(self.etag) and self.md5_of_parts is not None:
            return self.etag == self.md5_of_parts
        return None
