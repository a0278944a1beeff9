"""Paths that fit a pattern, in order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from crude_link.errors import CannotStart
from crude_link.inputs.source import Asked, InputSource
from crude_link.inputs.store_glob import StoreGlob
from crude_link.model.transfer import are_urls
from crude_link.model.value import Plain


def globbed(asked: Asked) -> InputSource:
    """Return the paths that fit, or the files of stores."""
    said = asked.value
    patterns = [said] if isinstance(said, str) else said
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(one, str) and one for one in patterns):
        raise CannotStart(f"the pattern of the inputs is {said!r}, which is no text")
    texts = [str(one) for one in patterns]
    try:
        is_remote = are_urls(texts)
    except ValueError as error:
        raise CannotStart(f"`glob` {error}") from error
    return StoreGlob(asked, texts) if is_remote else Globbed(asked, texts)


class Globbed:
    """Paths as the pattern writes them: from the project directory on, or absolute. `**` is any depth of folders."""

    def __init__(self, asked: Asked, patterns: Sequence[str]) -> None:
        found: set[str] = set()
        for pattern in patterns:
            wanted = os.path.expanduser(pattern)  # noqa: PTH111  # Path's raises for an unknown user
            # Path.glob neither takes absolute patterns nor leaves hidden files out.
            found.update(glob.iglob(wanted, root_dir=asked.project, recursive=True))  # noqa: PTH207  # as said
        self._paths = sorted(found - {""})
        self._given = 0
        digest = blake2b(digest_size=8)
        for path in self._paths:
            digest.update(path.encode("utf-8", "surrogateescape") + b"\0")
        self.state = f"glob {digest.hexdigest()}"

    def items(self) -> Iterator[Plain]:
        """Yield the paths."""
        for path in self._paths:
            self._given += 1
            yield path

    def share_read(self) -> float | None:
        """Return how many of them were given."""
        return self._given / len(self._paths) if self._paths else None
