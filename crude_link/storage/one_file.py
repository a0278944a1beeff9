"""One file: a store whose address is that of a file, shown as a folder that holds only this file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from crude_link.storage.failures import NoBucket
from crude_link.storage.remote import Entry, RemoteStore, Traits, Written


class OneFile:
    """A RemoteStore in which the file of an address has a name of our choice, that of the file here."""

    def __init__(self, store: RemoteStore, name: str) -> None:
        self._store = store
        self._name = name

    @property
    def traits(self) -> Traits:
        """See RemoteStore."""
        return self._store.traits

    def entries(self) -> Iterator[Entry]:
        """See RemoteStore."""
        entry = self.entry(self._name)
        if entry is not None:
            yield entry

    def entry(self, name: str) -> Entry | None:
        """See RemoteStore."""
        found = self._store.entry("") if name == self._name else None
        return None if found is None else replace(found, name=name)

    def read(self, entry: Entry, start: int, stop: int) -> Iterator[bytes]:
        """See RemoteStore."""
        return self._store.read(replace(entry, name=""), start, stop)

    def write(self, name: str, path: Path, sent: Callable[[int], None]) -> Written:
        """See RemoteStore."""
        if name != self._name:
            raise NoBucket(f"{name} cannot be written beside {self._name}, which is one file")
        return self._store.write("", path, sent)

    def delete(self, name: str) -> None:
        """See RemoteStore."""
        if name == self._name:
            self._store.delete("")
