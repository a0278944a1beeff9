"""Object stores and web servers, through obstore."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crude_link.storage.address import WEB, Address
from crude_link.storage.checksums import PartsReader
from crude_link.storage.failures import Gone
from crude_link.storage.obstore_errors import told_apart
from crude_link.storage.raw_listing import RawList
from crude_link.storage.remote import Entry, Traits, Written

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

#: Files above this go in parts.
_WHOLE = 8 << 20
_PART = 8 << 20
#: S3 takes 10,000 parts.
_MOST_PARTS = 9_000
_PARTS_AT_ONCE = 6
_PIECE = 1 << 20


class ObstoreStore:
    """A RemoteStore over one of obstore's stores."""

    def __init__(self, store: ObjectStore, address: Address, raw_list: RawList | None = None) -> None:
        """`raw_list` lists the same where obstore cannot, for it holds names that are no paths."""
        self._store = store
        self._raw_list = raw_list
        self._address = address
        self._traits = Traits(at_once=32, has_ranges=True, can_write=address.scheme not in WEB)

    @property
    def traits(self) -> Traits:
        """See RemoteStore."""
        return self._traits

    def entries(self) -> Iterator[Entry]:
        """See RemoteStore."""
        prefix = self._address.prefix
        skip = len(prefix) + 1 if prefix else 0
        seen = 0
        try:
            for batch in self._store.list(prefix=prefix or None, chunk_size=1000):
                seen += len(batch)
                for meta in batch:
                    if meta["path"] != prefix:
                        yield _entry(meta["path"][skip:], meta)
        except Exception as error:
            if self._raw_list is None or type(error).__name__ != "InvalidPathError":
                raise self._said(error, "", is_listing=True) from error
        else:
            return
        # The store lists in the same order as before; what obstore has told is not told again.
        for entry in islice(self._raw_list(), seen, None):
            name = entry.name[skip:]
            # Of a name with a slash at its end obstore would know no more than what stands before it.
            if shown := name.removesuffix("/") if not entry.size else name:
                yield replace(entry, name=shown)

    def entry(self, name: str) -> Entry | None:
        """See RemoteStore."""
        try:
            return _entry(name, self._store.head(self._key(name)))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._said(error, name) from error

    def read(self, entry: Entry, start: int, stop: int) -> Iterator[bytes]:
        """See RemoteStore."""
        if start >= stop:
            # The empty object `a/`, with which some programs show an empty folder, is listed as `a`: no file.
            if self.entry(entry.name) is None:
                raise Gone(f"{self._address.below(entry.name)} cannot be found, although it was listed")
            return
        options: Any = {} if (start, stop) == (0, entry.size) else {"range": (start, stop)}
        if entry.etag is not None and self._address.scheme not in WEB:
            options["if_match"] = f'"{entry.etag}"'
        try:
            answer = self._store.get(self._key(entry.name), options=options)
            for piece in answer.stream(min_chunk_size=_PIECE):
                yield bytes(piece)
        except Exception as error:
            raise self._said(error, entry.name) from error

    def write(self, name: str, path: Path, sent: Callable[[int], None]) -> Written:
        """See RemoteStore."""
        with path.open("rb") as file:
            size = path.stat().st_size
            try:
                if size <= _WHOLE:
                    data = file.read()
                    answer = self._store.put(self._key(name), data, use_multipart=False)
                    sent(len(data))
                    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
                    return Written(size=len(data), md5=md5, etag=_etag(answer["e_tag"]))
                part = max(_PART, -(-size // _MOST_PARTS))
                reader = PartsReader(file, part, sent)
                answer = self._store.put(
                    self._key(name),
                    reader.pieces(_PIECE),
                    use_multipart=True,
                    chunk_size=part,
                    max_concurrency=_PARTS_AT_ONCE,
                )
            except Exception as error:
                raise self._said(error, name) from error
        return Written(size=reader.size, md5_of_parts=reader.md5_of_parts, etag=_etag(answer["e_tag"]))

    def delete(self, name: str) -> None:
        """See RemoteStore."""
        try:
            self._store.delete(self._key(name))
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._said(error, name) from error

    def _key(self, name: str) -> str:
        return "/".join(part for part in (self._address.prefix, name) if part)

    def _said(self, error: Exception, name: str, *, is_listing: bool = False) -> Exception:
        return told_apart(error, self._address.below(name) if name else self._address, is_listing=is_listing)


def _entry(name: str, meta: ObjectMeta) -> Entry:
    return Entry(name=name, size=meta["size"], etag=_etag(meta["e_tag"]), modified=meta["last_modified"])


def _etag(text: str | None) -> str | None:
    return text.strip('"') or None if text else None
