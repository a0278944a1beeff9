"""Checksums: of local files, in the form in which stores give them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from crude_link.storage.remote import Entry

_PIECE = 1 << 20
_MIB = 1 << 20
#: The sizes of parts that programs upload in; a number of parts fits few of them.
_PART_SIZES = tuple(
    size * unit for size in (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512) for unit in (_MIB, 1_000_000)
)


class PartsReader:
    """A local file, read once by an uploader: counts, and knows the checksums of its parts."""

    def __init__(self, file: IO[bytes], part_size: int, sent: Callable[[int], None]) -> None:
        self._file = file
        self._part_size = part_size
        self._sent = sent
        self._part = hashlib.md5(usedforsecurity=False)
        self._parts: list[bytes] = []
        self._room = part_size
        self.size = 0

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the file in pieces."""
        while piece := self._file.read(size):
            self._note_parts(memoryview(piece))
            self.size += len(piece)
            self._sent(len(piece))
            yield piece

    @property
    def md5_of_parts(self) -> str:
        """Return what S3 calls the etag of an upload in these parts."""
        parts = [*self._parts, self._part.digest()] if self._room < self._part_size else self._parts
        return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"

    def _note_parts(self, piece: memoryview) -> None:
        while piece:
            now, piece = piece[: self._room], piece[self._room :]
            self._part.update(now)
            self._room -= len(now)
            if not self._room:
                self._parts.append(self._part.digest())
                self._part = hashlib.md5(usedforsecurity=False)
                self._room = self._part_size


def md5_of(path: Path) -> str:
    """Return the MD5 of a local file."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def is_content_of(path: Path, entry: Entry) -> bool:
    """True when a local file of the same size surely has an entry's content: its etag is that of this content."""
    if entry.md5:
        return md5_of(path) == entry.md5
    return any(_md5_of_parts(path, size) == entry.md5_of_parts for size in _likely_parts(entry))


def can_tell(entry: Entry) -> bool:
    """True when `is_content_of` can find two files equal."""
    return bool(entry.md5 or _likely_parts(entry))


def _likely_parts(entry: Entry) -> tuple[int, ...]:
    if entry.md5_of_parts is None:
        return ()
    count = int(entry.md5_of_parts.rpartition("-")[2])
    return tuple(size for size in _PART_SIZES if -(-entry.size // size) == count)


def _md5_of_parts(path: Path, part_size: int) -> str:
    with path.open("rb") as file:
        reader = PartsReader(file, part_size, lambda _: None)
        for _ in reader.pieces(_PIECE):
            pass
        return reader.md5_of_parts
