"""The lines of a file."""

from __future__ import annotations

from collections.abc import Iterator

from crude_link.inputs.source import Asked
from crude_link.inputs.text_file import TextFile, file_of, stripped
from crude_link.model.value import Plain


class Lines:
    """Each line that is not blank, as text."""

    def __init__(self, asked: Asked) -> None:
        name = file_of(asked.value)
        self._file = TextFile(asked.file(name), name)
        self.state = self._file.state

    def items(self) -> Iterator[Plain]:
        """Yield the lines."""
        return stripped(self._file.texts())

    def skip(self, count: int) -> None:
        """Leave out the first lines."""
        self._file.skip(count)

    def share_read(self) -> float | None:
        """Return how much of the file was read."""
        return self._file.share_read()
