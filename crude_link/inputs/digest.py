"""Digests of inputs: what an input is known by when its source has changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b

from crude_link.model.value import Plain


def digest_of(item: Plain, key: str | None = None) -> str:
    """Return 16 hex digits of an input's key field, or of all of it where there is no such field."""
    if key is not None and isinstance(item, Mapping) and key in item:
        item = item[key]
    if isinstance(item, str):
        try:
            return blake2b(item.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        except UnicodeEncodeError:  # half of a surrogate pair, from JSON
            return blake2b(item.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    text = json.dumps(item, sort_keys=True, separators=(",", ":"), default=_as_plain)
    return blake2b(b"\0" + text.encode("ascii"), digest_size=8).hexdigest()


def _as_plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
