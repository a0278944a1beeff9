"""Paths that fit a pattern, in order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from hashlib import blake2b

from crude_link.errors import CannotStart
from crude_link.inputs.source import Asked
from crude_link.model.value import Plain


class Globbed:
    """Paths as the pattern writes them: from the project directory on, or absolute. `**` is any depth of folders."""

    def __init__(self, asked: Asked) -> None:
        patterns = [asked.value] if isinstance(asked.value, str) else asked.value
        if not isinstance(patterns, (list, tuple)) or not all(isinstance(one, str) and one for one in patterns):
            raise CannotStart(f"the pattern of the inputs is {asked.value!r}, which is no text")
        found: set[str] = set()
        for pattern in patterns:
            wanted = os.path.expanduser(str(pattern))  # noqa: PTH111  # Path's raises for an unknown user
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
