"""Notes: what was fetched into, or brought from, a local folder, so that a second transfer knows what is equal."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from crude_link.storage.address import Address
from crude_link.storage.checksums import is_content_of, md5_of
from crude_link.storage.landing import disk_errors
from crude_link.storage.local import LocalFile, Remark
from crude_link.storage.remote import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A file that was transferred: the mark it had in the store, and what it was here just afterwards."""

    name: str
    mark: str
    size: int
    mtime_ns: int
    #: None where it was not computed.
    md5: str | None = None

    def is_unchanged(self, file: LocalFile) -> bool:
        """True when the local file was not written since."""
        return (self.size, self.mtime_ns) == (file.size, file.mtime_ns)


class Notes:
    """The notes on one folder here and one address there: a file to which each transferred file adds a line.

    A line is whole or it is not counted; so the file can be appended to until the very moment of a `kill -9`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._is_closed = False
        self._notes: dict[str, Note] = {}
        self._lines = 0
        for record in _records(path):
            self._lines += 1
            self._take(record)
        with disk_errors(path):
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            # A line that was cut short is ended, so that the next one is whole; an empty line counts for nothing.
            os.write(self._file, b"\n")

    @property
    def all(self) -> Mapping[str, Note]:
        """Return the notes by name."""
        return self._notes

    def add(self, note: Note) -> None:
        """Note a file that was transferred."""
        self._append(_plain(note))

    def forget(self, name: str) -> None:
        """Note that a file that was transferred is there no longer."""
        self._append({"name": name})

    def close(self) -> None:
        """Write the file anew where most of its lines count no longer, and let go of it."""
        with self._lock:
            os.close(self._file)
            self._is_closed = True
        if self._lines > 2 * len(self._notes) + 100:
            aside = self._path.with_suffix(".part")
            try:
                aside.write_bytes(b"".join(_line(_plain(note)) for note in self._notes.values()))
                aside.replace(self._path)
            except OSError:  # on a full disk; the longer file says the same
                aside.unlink(missing_ok=True)

    def _append(self, record: dict[str, object]) -> None:
        with self._lock:
            if self._is_closed:  # a thread that was left behind; its descriptor may be another file's by now
                return
            with disk_errors(self._path):
                os.write(self._file, _line(record))
            self._lines += 1
            self._take(record)

    def _take(self, record: dict[str, object]) -> None:
        match record:
            case {"name": str(name), "mark": str(mark), "size": int(size), "mtime_ns": int(mtime_ns), "md5": md5}:
                md5 = md5 if isinstance(md5, str) else None
                self._notes[name] = Note(name=name, mark=mark, size=size, mtime_ns=mtime_ns, md5=md5)
            case {"name": str(name)}:
                self._notes.pop(name, None)


def is_same_content(path: Path, entry: Entry, note: Note | None) -> bool:
    """True when a local file of the same size has an entry's content, by the checksum noted or that of the etag."""
    if note is not None and note.mark == entry.mark and note.md5 is not None:
        return md5_of(path) == note.md5
    return is_content_of(path, entry)


@contextmanager
def notes_of(folder: Path, local: Path, address: Address, remark: Remark) -> Iterator[Notes]:
    """Give the notes on a local path and an address, kept in `folder`; waits for another transfer of the two."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = os.path.realpath(local)
    known_by = hashlib.sha256(os.fsencode(f"{place}\0{address}")).hexdigest()[:24]
    # Two transfers to one local path must not meet, whatever the addresses are.
    lock_name = hashlib.sha256(os.fsencode(place)).hexdigest()[:24]
    with (folder / f"{lock_name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remark(f"waiting: another transfer works on {local}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        notes = Notes(folder / f"{known_by}.jsonl")
        try:
            yield notes
        finally:
            notes.close()


def _plain(note: Note) -> dict[str, object]:
    return {"name": note.name, "mark": note.mark, "size": note.size, "mtime_ns": note.mtime_ns, "md5": note.md5}


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"


def _records(path: Path) -> Iterator[dict[str, object]]:
    """Yield the lines that are whole; one that was cut short says nothing."""
    try:
        with path.open("rb") as file:
            for line in file:
                with suppress(ValueError):
                    record = json.loads(line)
                    if isinstance(record, dict):
                        yield record
    except FileNotFoundError:
        return
