"""Upload: bring files to a store, and verify that they are there."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from itertools import islice
from pathlib import Path

from crude_link.storage.checksums import md5_of
from crude_link.storage.compare import Standing, standing
from crude_link.storage.crew import Crew, Losses, Work, persist
from crude_link.storage.download import Means
from crude_link.storage.failures import NoBucket, Passing, TransferError
from crude_link.storage.landing import disk_errors
from crude_link.storage.local import LocalFile
from crude_link.storage.notes import Note, is_same_content
from crude_link.storage.remote import Entry, Written

#: A file that readers wait for: it is written when all others are there.
MANIFEST = "crude-link-manifest.json"
#: So few names are asked for one by one; for more, the folder is listed, as long as it holds no more than so many
#: times as many: a thousand of them come with one request, but where all tasks bring files there may be millions.
_FEW = 20
_WORTH = 50
#: Files above this are not all sent side by side, for each takes memory for its parts.
_LARGE = 8 << 20
_LARGE_AT_ONCE = 2


class Upload:
    """Brings the files of a folder to a store. `folder` is where the names begin."""

    def __init__(self, means: Means, folder: Path, *, reads_back: bool = False) -> None:
        self._means = means
        self._store = means.store
        self._progress = means.progress
        self._folder = folder
        self._reads_back = reads_back
        self._losses = Losses()
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        self._expected: dict[str, Written] = {}
        #: Names and MD5s; none of what was sent in parts.
        self.sent: dict[str, str | None] = {}
        self.kept: list[str] = []

    def carry_out(self, files: Mapping[str, LocalFile], *, manifest: bool = False) -> None:
        """Bring the files that are not there yet, verify them, and write the manifest last."""
        there = self._there(files)
        works = list(self._works(files, there))
        if manifest and works:
            persist(partial(self._store.delete, MANIFEST), self._means.tries, self._progress.remark)
        Crew(self._store.traits.at_once, self._progress.tick).do(works)
        self._losses.settle(len(files), "brought")
        self._verify()
        if manifest:
            self._write_manifest(files)

    def _works(self, files: Mapping[str, LocalFile], there: Mapping[str, Entry]) -> Iterator[Work]:
        notes = self._means.notes.all if self._means.notes is not None else {}
        for name, file in files.items():
            entry = there.get(name)
            found = Standing.DIFFERENT if entry is None else standing(entry, file, notes)
            if found is Standing.EQUAL:
                self.kept.append(name)
            elif found is Standing.UNKNOWN and entry is not None:
                yield partial(self._losses.guard, name, partial(self._look, name, file, entry))
            else:
                self._progress.expect(1, file.size)
                yield partial(self._losses.guard, name, partial(self._send, name, file))

    def _look(self, name: str, file: LocalFile, entry: Entry) -> None:
        path = self._folder / name
        note = self._means.notes.all.get(name) if self._means.notes is not None else None
        with disk_errors(path):
            is_equal = is_same_content(path, entry, note)
        if is_equal:
            self._note(name, file, entry.mark, entry.md5 or (note.md5 if note else None))
            self.kept.append(name)
            return
        self._progress.expect(1, file.size)
        self._send(name, file)

    def _send(self, name: str, file: LocalFile) -> None:
        if file.size <= _LARGE:
            persist(partial(self._send_once, name, file), self._means.tries, self._progress.remark)
            return
        with self._large:
            persist(partial(self._send_once, name, file), self._means.tries, self._progress.remark)

    def _send_once(self, name: str, file: LocalFile) -> None:
        path = self._folder / name
        moved = [0]

        def sent(size: int) -> None:
            moved[0] += size
            self._progress.moved(size)

        try:
            with disk_errors(path):
                written = self._store.write(name, path, sent)
                now = LocalFile.of(path.stat())
            if now != file or written.size != file.size:
                raise TransferError(f"{path} was written to while it was brought to the store")
            if written.is_confirmed is False or (written.is_confirmed is None and self._reads_back):
                self._read_back(name, written)
        except TransferError:
            self._progress.moved(-moved[0])
            raise
        self._expected[name] = written
        entry = Entry(name=name, size=written.size, etag=written.etag) if written.etag else self._store.entry(name)
        if entry is not None:
            # Should we die before all is verified, what is there is known by its mark.
            self._note(name, file, entry.mark, written.md5)
        self.sent[name] = written.md5
        self._losses.note_success()
        self._progress.finished()

    def _read_back(self, name: str, written: Written) -> None:
        """Compare what is there byte for byte, since its etag is not the checksum of what was sent."""
        entry = self._store.entry(name)
        digest = hashlib.md5(usedforsecurity=False)
        for piece in self._store.read(entry, 0, entry.size) if entry is not None else ():
            digest.update(piece)
        if digest.hexdigest() != (written.md5 or md5_of(self._folder / name)):
            raise Passing(f"{name}: what the store has is not what was sent")

    def _verify(self) -> None:
        """Look at what the store lists now. What is not as it was sent is forgotten, so that it is sent again."""
        there = self._there(self._expected)
        wrong = []
        for name, written in self._expected.items():
            entry = there.get(name)
            if entry is None or entry.size != written.size or (written.etag and entry.etag != written.etag):
                size = "nothing" if entry is None else f"{entry.size:,} bytes with the etag {entry.etag}"
                if self._means.notes is not None:
                    self._means.notes.forget(name)
                wrong.append(f"  {name}: {written.size:,} bytes were sent, and the store has {size}")
        if wrong:
            raise TransferError("not all is in the store that was sent there:\n" + "\n".join(wrong[:10]))

    def _there(self, names: Collection[str]) -> dict[str, Entry]:
        """Return what the store has of some names."""
        if len(names) > _FEW and (listed := self._listed(names)) is not None:
            return listed
        found: dict[str, Entry] = {}

        def ask(name: str) -> None:
            entry = self._store.entry(name)
            if entry is not None:
                found[name] = entry

        works = [partial(persist, partial(ask, name), self._means.tries, self._progress.remark) for name in names]
        Crew(self._store.traits.at_once, self._progress.tick).do(works)
        return found

    def _listed(self, names: Collection[str]) -> dict[str, Entry] | None:
        """Return what the store lists of some names; None where it holds so much more that asking is less."""
        found: dict[str, Entry] = {}
        most, is_all = _WORTH * len(names), [False]

        def listing() -> None:
            entries = self._store.entries()
            is_all[0] = True
            # The first file makes a folder. That a bucket is not there, the first words with the store have told.
            with suppress(NoBucket):
                found.update({entry.name: entry for entry in islice(entries, most) if entry.name in names})
                is_all[0] = next(entries, None) is None

        persist(listing, self._means.tries, self._progress.remark)
        return found if is_all[0] else None

    def _note(self, name: str, file: LocalFile, mark: str, md5: str | None) -> None:
        if self._means.notes is not None:
            self._means.notes.add(Note(name=name, mark=mark, size=file.size, mtime_ns=file.mtime_ns, md5=md5))

    def _write_manifest(self, files: Mapping[str, LocalFile]) -> None:
        notes = self._means.notes.all if self._means.notes is not None else {}
        md5s = {name: note.md5 for name, note in notes.items()} | self.sent
        listed = [
            {"name": name, "size": file.size, "md5": md5s.get(name) or md5_of(self._folder / name)}
            for name, file in sorted(files.items())
        ]
        made = datetime.now(timezone.utc).isoformat(timespec="seconds")
        text = json.dumps({"made": made, "files": listed}, indent=1)
        descriptor, path = tempfile.mkstemp(prefix="crude-link-")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            persist(partial(self._put, MANIFEST, Path(path)), self._means.tries, self._progress.remark)
        finally:
            Path(path).unlink()

    def _put(self, name: str, path: Path) -> None:
        self._store.write(name, path, lambda _: None)
