"""Download: carry out a plan: many files at once, large ones in parts, each verified before it takes its place."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crude_link.storage.checksums import md5_of
from crude_link.storage.compare import Plan
from crude_link.storage.crew import Crew, Losses, Tries, Work, persist
from crude_link.storage.failures import Gone, Passing, TransferError
from crude_link.storage.landing import Landing, disk_errors
from crude_link.storage.notes import Note, Notes, is_same_content
from crude_link.storage.progress import Progress
from crude_link.storage.remote import Entry, RemoteStore

#: A file above two parts comes in parts, side by side.
PART = 8 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What a transfer works with."""

    store: RemoteStore
    progress: Progress
    notes: Notes | None = None
    tries: Tries = Tries()


class Download:
    """Fetches what a plan says into a folder."""

    def __init__(self, means: Means, landing: Landing) -> None:
        self._store = means.store
        self._progress = means.progress
        self._notes = means.notes
        self._tries = means.tries
        self._landing = landing
        self._numbers = itertools.count(1)
        self._trust = _Trust()
        self._losses = Losses()
        #: What is in place now, by name.
        self.kept: list[Entry] = []
        self.fetched: list[Entry] = []

    def carry_out(self, plan: Plan) -> None:
        """Do what the plan says. TransferError when some files failed; the others are in their places."""
        size = sum(entry.size for entry in plan.fetch)
        self._landing.need_room(size)
        self._progress.expect(len(plan.fetch), size)
        self.kept += plan.keep
        for name in plan.remove:
            self._landing.remove(name)
            if self._notes is not None:
                self._notes.forget(name)
        Crew(self._store.traits.at_once, self._progress.tick).do(self._works(plan))
        self._losses.settle(plan.wanted, "fetched")

    def _works(self, plan: Plan) -> Iterator[Work]:
        for entry in plan.look:
            yield partial(self._losses.guard, entry.name, partial(self._look, entry))
        for entry in plan.fetch:
            if self._store.traits.has_ranges and entry.size > 2 * PART:
                large = _LargeFile(entry, self._landing, next(self._numbers), self._finish_large)
                for start in range(0, entry.size, PART):
                    stop = min(start + PART, entry.size)
                    yield partial(self._losses.guard, entry.name, partial(self._fetch_part, large, start, stop))
            else:
                yield partial(self._losses.guard, entry.name, partial(self._fetch, entry))

    # --- whole files --------------------------------------------------------------------------------------

    def _look(self, entry: Entry) -> None:
        path = self._landing.folder / entry.name
        note = self._notes.all.get(entry.name) if self._notes is not None else None
        with disk_errors(path):
            if is_same_content(path, entry, note):
                status = path.stat()
                self._note(entry, status.st_mtime_ns, entry.md5 or (note.md5 if note else None))
                self.kept.append(entry)
                return
        self._progress.expect(1, entry.size)
        self._fetch(entry)

    def _fetch(self, entry: Entry) -> None:
        part = self._landing.part(next(self._numbers))
        found = [entry]
        md5s: list[str] = []
        tried: list[bool] = []

        def once() -> None:
            if tried:
                # What was listed may have been replaced meanwhile.
                found[0] = self._store.entry(entry.name) or entry
            tried.append(True)
            md5s.append(self._fetch_whole(found[0], part))
            self._trust.check(found[0], md5s)

        try:
            persist(once, self._tries, self._progress.remark)
        except Gone:
            if entry.size:
                raise
            self._landing.make_folder(entry.name)
            return
        self._finish(found[0], part, md5s[-1])

    def _fetch_whole(self, entry: Entry, part: Path) -> str:
        """Write a file aside; return its MD5."""
        digest, size = hashlib.md5(usedforsecurity=False), 0
        try:
            with disk_errors(self._landing.folder / entry.name), part.open("wb") as file:
                for piece in self._store.read(entry, 0, entry.size):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    self._progress.moved(len(piece))
                file.flush()
                os.fsync(file.fileno())
            if size != entry.size:
                raise Passing(f"{entry.name}: it ended after {size:,} of {entry.size:,} bytes")
        except TransferError:
            self._progress.moved(-size)
            raise
        return digest.hexdigest()

    # --- large files --------------------------------------------------------------------------------------

    def _fetch_part(self, large: _LargeFile, start: int, stop: int) -> None:
        persist(partial(self._fetch_range, large, start, stop), self._tries, self._progress.remark)
        large.is_done_by_one()

    def _fetch_range(self, large: _LargeFile, start: int, stop: int) -> None:
        at = start
        try:
            with disk_errors(self._landing.folder / large.entry.name):
                for piece in self._store.read(large.entry, start, stop):
                    at += os.pwrite(large.file, piece[: stop - at], at)
                    self._progress.moved(len(piece))
            large.begin_flush(start, stop)
            if at != stop:
                raise Passing(f"{large.entry.name}: a part ended after {at - start:,} of {stop - start:,} bytes")
        except TransferError:
            self._progress.moved(start - at)
            raise

    def _finish_large(self, large: _LargeFile) -> None:
        entry = large.entry
        with disk_errors(self._landing.folder / entry.name):
            os.fsync(large.file)
            os.close(large.file)
            md5 = md5_of(large.path) if self._trust.wants_md5(entry) else None
        if md5 is not None and md5 != entry.md5:
            # Two fetches that agree mean that the etag is none; `_fetch` finds that out.
            self._progress.remark(f"trying again: {entry.name} is not what its checksum says")
            self._progress.moved(-entry.size)
            self._fetch(entry)
            return
        self._finish(entry, large.path, md5)

    # --- both ---------------------------------------------------------------------------------------------

    def _finish(self, entry: Entry, part: Path, md5: str | None) -> None:
        file = self._landing.place(part, entry.name)
        self._note(entry, file.mtime_ns, md5)
        self.fetched.append(entry)
        self._losses.note_success()
        self._progress.finished()

    def _note(self, entry: Entry, mtime_ns: int, md5: str | None) -> None:
        if self._notes is not None:
            self._notes.add(Note(name=entry.name, mark=entry.mark, size=entry.size, mtime_ns=mtime_ns, md5=md5))


class _LargeFile:
    """A file that comes in parts, each written to its place in the one file."""

    def __init__(self, entry: Entry, landing: Landing, number: int, finish: Callable[[_LargeFile], None]) -> None:
        self.entry = entry
        self.path = landing.part(number)
        self._left = -(-entry.size // PART)
        self._lock = threading.Lock()
        self._finish = finish
        with disk_errors(landing.folder / entry.name):
            self.file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)

    def begin_flush(self, start: int, stop: int) -> None:
        """Let the disk begin with a part, so that there is little left to wait for when the last one is there."""
        if hasattr(os, "posix_fadvise"):
            # Linux writes out what is to leave its cache, and waits for none of it; what is dirty does not leave.
            os.posix_fadvise(self.file, start, stop - start, os.POSIX_FADV_DONTNEED)

    def is_done_by_one(self) -> None:
        """Note that one more part has come; with the last one the file is finished."""
        with self._lock:
            self._left -= 1
            is_last = not self._left
        if is_last:
            self._finish(self)


class _Trust:
    """Whether etags that look like MD5s are: with some encryptions they are not."""

    def __init__(self) -> None:
        self._is_betrayed = False

    def wants_md5(self, entry: Entry) -> bool:
        """True when an MD5 can verify this file."""
        return entry.md5 is not None and not self._is_betrayed

    def check(self, entry: Entry, md5s: list[str]) -> None:
        """Raise Passing when the file last fetched is not what its etag says; but believe two that are alike."""
        if not self.wants_md5(entry) or md5s[-1] == entry.md5:
            return
        if md5s.count(md5s[-1]) < 2:
            raise Passing(f"{entry.name}: its checksum is {md5s[-1]}, and the store says {entry.md5}")
        self._is_betrayed = True
