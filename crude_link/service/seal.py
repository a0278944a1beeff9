"""Seal: the line by which a file is known as written by us, and as not edited since."""

from __future__ import annotations

import hashlib
import re

_LINE = re.compile(r"^.*Written by `crude-link schedule install` \(checksum ([0-9a-f]{16})\).*\n", re.M)


def sealed(text: str, comment: str, after: str = "") -> str:
    """Return a text with its seal, in a `comment` ("# {}"), at the beginning or behind the line `after`."""
    words = f"Written by `crude-link schedule install` (checksum {_checksum(text)}); `schedule uninstall` removes it."
    head, line, rest = text.partition(after) if after else ("", "", text)
    return f"{head}{line}{comment.format(words)}\n{rest}"


def has_seal(text: str) -> bool:
    """True when we wrote it."""
    return _LINE.search(text) is not None


def is_edited(text: str) -> bool:
    """True when it is not as it was written, whoever wrote it."""
    found = _LINE.search(text)
    return found is None or found[1] != _checksum(_LINE.sub("", text, count=1))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
