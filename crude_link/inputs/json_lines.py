"""The values of a file with one JSON value in each line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from crude_link.inputs.source import Asked
from crude_link.inputs.text_file import TextFile, file_of
from crude_link.model.value import Plain


class JsonLines:
    """Values with their types; blank lines are left out."""

    def __init__(self, asked: Asked) -> None:
        name = file_of(asked.value)
        self._file = TextFile(asked.file(name), name)
        self.state = self._file.state

    def items(self) -> Iterator[Plain]:
        """Yield the values. CannotStart for a line that is no JSON."""
        for text in self._file.texts():
            if text.isspace():
                continue
            try:
                item: Plain = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise self._file.problem(f"this line is no JSON: {error}") from error
            yield item

    def share_read(self) -> float | None:
        """Return how much of the file was read."""
        return self._file.share_read()
