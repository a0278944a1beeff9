"""Contact: the first words with a store, which tell whether it can be reached, and what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from crude_link.storage.address import WEB, Address, parse_address
from crude_link.storage.compare import without_markers
from crude_link.storage.crew import Tries, persist
from crude_link.storage.failures import BadAddress, Forbidden, NoBucket, Passing, Unreachable
from crude_link.storage.local import Remark
from crude_link.storage.opening import open_store
from crude_link.storage.options import options_for
from crude_link.storage.order import TransferOrder
from crude_link.storage.remote import Entry, RemoteStore

_FIRST_TRIES = Tries(most=2)


class Gathering(Protocol):
    """Where the entries of a store are gathered: a list, or what holds more of them than memory does."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Entry]: ...

    def clear(self) -> None:
        """Forget all: the store is listed anew."""

    def extend(self, entries: Iterable[Entry], /) -> None:
        """Add entries as they are listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A store that was reached. `entries` is what it holds; one nameless entry when the address is a file."""

    address: Address
    store: RemoteStore
    entries: Gathering
    #: The address is one file, not a folder.
    is_file: bool


def reach(order: TransferOrder, text: str, remark: Remark) -> tuple[Address, RemoteStore]:
    """Open the store of an address. CannotReach, BadAddress."""
    address = parse_address(text, Path.cwd())
    opened: list[RemoteStore] = []
    _insist(address, lambda: opened.append(open_store(address, options_for(order.storage, address))), remark)
    return address, opened[0]


def find(order: TransferOrder, text: str, remark: Remark, into: Gathering | None = None) -> Found:
    """Open the store of an address and list what it holds: a folder where there is one, else a file."""
    address, store = reach(order, text, remark)
    entries: Gathering = [] if into is None else into
    files: list[Entry] = []

    def look() -> None:
        if address.scheme not in WEB or address.is_folder or not address.prefix:
            entries.clear()
            try:
                entries.extend(without_markers(store.entries()))
            except Forbidden:
                # Who may not list a bucket may still read a file in it.
                if address.is_folder or not address.name:
                    raise
        if not len(entries) and not address.is_folder and address.name:
            entry = store.entry("")
            files[:] = [entry] if entry is not None else []
            if entry is None and address.scheme in WEB:
                raise NoBucket(f"there is no {address}")

    _insist(address, look, remark)
    entries.extend(files)
    return Found(address=address, store=store, entries=entries, is_file=bool(files))


def gather(order: TransferOrder, text: str, remark: Remark, into: Callable[[Address, Iterator[Entry]], None]) -> None:
    """Hand what a folder holds to `into`, from the first entry on each time that it is tried. CannotReach.

    A folder that is not there holds nothing; a bucket that is not there is an error.
    """
    address, store = reach(order, text, remark)

    def look() -> None:
        with suppress(*_no_folder(address)):
            into(address, without_markers(store.entries()))

    _insist(address, look, remark)


def look_at(order: TransferOrder, text: str, remark: Remark) -> tuple[Address, Entry | None]:
    """Return the file at an address; None where there is none. CannotReach."""
    address, store = reach(order, text, remark)
    found: list[Entry | None] = []
    _insist(address, lambda: found.append(store.entry("")), remark)
    return address, found[0]


def check(order: TransferOrder, text: str, remark: Remark) -> None:
    """Look whether an address can be read from. CannotReach, BadAddress."""
    address, store = reach(order, text, remark)

    def look() -> None:
        if address.scheme in WEB and not address.is_folder and address.prefix:
            if store.entry("") is None:
                raise NoBucket(f"there is no {address}")
            return
        try:
            list(islice(store.entries(), 1))
        except NoBucket:
            if store.entry("") is None:
                raise

    _insist(address, look, remark)


def reach_target(order: TransferOrder, text: str, remark: Remark) -> tuple[Address, RemoteStore]:
    """Open the store of an address that is to be written to, without writing. CannotReach, BadAddress."""
    address, store = reach(order, text, remark)
    if not store.traits.can_write:
        raise BadAddress(f"{address} can only be read from: name a store to upload to")

    def look() -> None:
        # A folder that is not there yet is made; a bucket is not.
        with suppress(*_no_folder(address)):
            list(islice(store.entries(), 1))

    _insist(address, look, remark)
    return address, store


def _no_folder(address: Address) -> tuple[type[NoBucket], ...]:
    """Return what is raised where nothing is missing but a folder: object stores have none, but buckets."""
    return () if address.scheme in ("s3", "gs", "az") else (NoBucket,)


def _insist(address: Address, look: Callable[[], None], remark: Remark) -> None:
    try:
        persist(look, _FIRST_TRIES, remark)
    except Passing as error:
        raise Unreachable(f"no answer from {address.root or address}: {error}") from error
