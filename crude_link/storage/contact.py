"""Contact: the first words with a store, which tell whether it can be reached, and what it holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A store that was reached. `entries` is what it holds; one nameless entry when the address is a file."""

    address: Address
    store: RemoteStore
    entries: list[Entry]

    @property
    def is_file(self) -> bool:
        """True when the address is one file, not a folder."""
        return len(self.entries) == 1 and not self.entries[0].name


def reach(order: TransferOrder, text: str, remark: Remark) -> tuple[Address, RemoteStore]:
    """Open the store of an address. CannotReach, BadAddress."""
    address = parse_address(text, Path.cwd())
    opened: list[RemoteStore] = []
    _insist(address, lambda: opened.append(open_store(address, options_for(order.storage, address))), remark)
    return address, opened[0]


def find(order: TransferOrder, text: str, remark: Remark) -> Found:
    """Open the store of an address and list what it holds: a folder where there is one, else a file."""
    address, store = reach(order, text, remark)
    found: list[Entry] = []

    def look() -> None:
        if address.scheme not in WEB or address.is_folder or not address.prefix:
            try:
                found[:] = without_markers(store.entries())
            except Forbidden:
                # Who may not list a bucket may still read a file in it.
                if address.is_folder or not address.name:
                    raise
        if not found and not address.is_folder and address.name:
            entry = store.entry("")
            found[:] = [entry] if entry is not None else []
            if entry is None and address.scheme in WEB:
                raise NoBucket(f"there is no {address}")

    _insist(address, look, remark)
    return Found(address=address, store=store, entries=found)


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
        with suppress(*((NoBucket,) if address.scheme not in ("s3", "gs", "az") else ())):
            list(islice(store.entries(), 1))

    _insist(address, look, remark)
    return address, store


def _insist(address: Address, look: Callable[[], None], remark: Remark) -> None:
    try:
        persist(look, _FIRST_TRIES, remark)
    except Passing as error:
        raise Unreachable(f"no answer from {address.root or address}: {error}") from error
