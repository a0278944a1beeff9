"""TextFile: a file read line by line, never as a whole, that knows how far it was read."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from stat import S_ISDIR
from typing import IO

from crude_link.errors import CannotStart


class TextFile:
    """Lines of a file. What is not UTF-8 passes as surrogate escapes, so that a process is given the same bytes."""

    def __init__(self, path: Path, name: str) -> None:
        """Look at the file at `path`, which people know as `name`. CannotStart when it is no file."""
        self._path = path
        self.name = name
        self._held: IO[bytes] | None = None
        self._read = 0
        #: The number of the line that was read last, from 1.
        self.line = 0
        try:
            found = path.stat()
        except OSError as error:
            raise self._broken(error) from error
        if S_ISDIR(found.st_mode):
            raise CannotStart(f"the inputs {name!r} are a directory; for the files in it write `glob: '{name}/*'`")
        self.size = found.st_size
        self.state = f"{path} {found.st_size} {found.st_mtime_ns} {found.st_ino}"

    def texts(self) -> Iterator[str]:
        """Yield the lines with their ends."""
        try:
            with self._held or self._path.open("rb") as file:
                for raw in file:
                    self._read += len(raw)
                    self.line += 1
                    text = raw.decode("utf-8", "surrogateescape")
                    yield text if self.line > 1 else text.removeprefix("\ufeff")
        except OSError as error:
            raise self._broken(error) from error

    def skip(self, count: int) -> None:
        """Leave out the first `count` lines that are not blank, without making text of them."""
        if not count:
            return
        try:
            self._held = self._held or self._path.open("rb")
            for raw in self._held:
                self._read += len(raw)
                self.line += 1
                body = raw.strip()
                # Beyond ASCII, and with a byte order mark before it, only the text tells whether it is blank.
                if (body and 32 < body[0] < 128) or not self._is_blank(raw):
                    count -= 1
                    if not count:
                        return
        except OSError as error:
            raise self._broken(error) from error

    def _is_blank(self, raw: bytes) -> bool:
        text = raw.decode("utf-8", "surrogateescape")
        text = text if self.line > 1 else text.removeprefix("\ufeff")
        return not text or text.isspace()

    def hold(self) -> str:
        """Open the file, so that its lines can be read even when it is removed; return a digest of its content."""
        digest = blake2b(digest_size=8)
        try:
            self._held = self._path.open("rb")
            while piece := self._held.read(1 << 20):
                digest.update(piece)
            self._held.seek(0)
        except OSError as error:
            raise self._broken(error) from error
        return digest.hexdigest()

    def share_read(self) -> float | None:
        """Return how much of the file was read, from 0 to 1."""
        return min(1.0, self._read / self.size) if self.size else None

    def problem(self, what: str) -> CannotStart:
        """Return the error for what is wrong in the line that was read last."""
        return CannotStart(f"{self.name}:{self.line}: {what}")

    def _broken(self, error: OSError) -> CannotStart:
        return CannotStart(f"the inputs {self.name!r} cannot be read: {error.strerror}")


def file_of(value: object) -> str:
    """Return the name of a file that a config gave."""
    if isinstance(value, str) and value.strip():
        return value
    raise CannotStart(f"the file with the inputs is {value!r}, which is no path")


def stripped(texts: Iterator[str]) -> Iterator[str]:
    """Yield lines without their ends; blank ones are left out."""
    for text in texts:
        line = text.rstrip("\r\n")
        if line and not line.isspace():
            yield line
