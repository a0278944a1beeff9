"""Spool: any number of entries, put in order; beyond some they lie in a file, so that memory does not grow."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from typing import IO

from crude_link.storage.remote import Entry

#: So many are sorted at once.
_PIECE = 50_000


class Spool:
    """Entries by their names. They are added first, then read, as often as is wanted."""

    def __init__(self, piece: int = _PIECE) -> None:
        self._piece = piece
        self._recent: list[Entry] = []
        #: Sorted runs of lines, each in a file of its own that has no name.
        self._runs: list[IO[str]] = []
        self._last = ""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        self._recent.sort(key=_name)
        return merge(*(_read(run) for run in self._runs), iter(self._recent), key=_name)

    def clear(self) -> None:
        """Forget all entries."""
        for run in self._runs:
            run.close()
        self._runs.clear()
        self._recent.clear()
        self._count = 0

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add entries, in whatever order they come."""
        for entry in entries:
            self._recent.append(entry)
            self._count += 1
            if len(self._recent) >= self._piece:
                self._put_away()

    def _put_away(self) -> None:
        self._recent.sort(key=_name)
        # Stores that list in order make one long run, and nothing is to be merged.
        if not self._runs or self._recent[0].name < self._last:
            self._runs.append(tempfile.TemporaryFile("w+", encoding="ascii"))  # noqa: SIM115  # closed by `clear`
        self._last = self._recent[-1].name
        run = self._runs[-1]
        for entry in self._recent:
            modified = entry.modified.isoformat() if entry.modified else None
            run.write(json.dumps((entry.name, entry.size, entry.etag, modified)) + "\n")
        self._recent.clear()


def _name(entry: Entry) -> str:
    return entry.name


def _read(run: IO[str]) -> Iterator[Entry]:
    run.seek(0)
    for line in run:
        name, size, etag, modified = json.loads(line)
        yield Entry(name=name, size=size, etag=etag, modified=datetime.fromisoformat(modified) if modified else None)
