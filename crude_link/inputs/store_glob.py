"""Files of stores whose URLs fit a pattern, in order.

The stores are listed once for each attempt at the whole, by a program of its own, and to their end: a bucket that
cannot be listed gives no inputs at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from crude_link.inputs.source import Asked
from crude_link.inputs.text_file import TextFile
from crude_link.model.value import Plain


class StoreGlob:
    """URLs such as `gs://team/scans/a b#.tif`, with names as they are."""

    def __init__(self, asked: Asked, patterns: Sequence[str]) -> None:
        asked.list_stores(patterns, asked.scratch)
        self._file = TextFile(asked.scratch, "the list of the store")
        self.state = f"glob {self._file.hold()}"

    def items(self) -> Iterator[Plain]:
        """Yield the URLs."""
        return (json.loads(line) for line in self._file.texts())

    def skip(self, count: int) -> None:
        """Leave out the first URLs."""
        self._file.skip(count)

    def share_read(self) -> float | None:
        """Return how much of the list was read."""
        return self._file.share_read()
