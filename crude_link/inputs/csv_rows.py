"""The rows of a CSV file, by the names in its header."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from crude_link.inputs.source import Asked
from crude_link.inputs.text_file import TextFile, file_of
from crude_link.model.value import Plain


class CsvRows:
    """Mappings of texts. A file that ends in `.tsv` is separated by tabs; fields in quotes may hold line ends."""

    def __init__(self, asked: Asked) -> None:
        name = file_of(asked.value)
        self._file = TextFile(asked.file(name), name)
        self._separator = "\t" if name.lower().endswith(".tsv") else ","
        self.state = self._file.state

    def items(self) -> Iterator[Plain]:
        """Yield the rows; blank ones are left out. CannotStart for one that the header does not fit."""
        rows = csv.reader(self._file.texts(), delimiter=self._separator)
        try:
            header = self._checked(next(rows, []))
            for row in rows:
                if len(row) == len(header):
                    yield dict(zip(header, row, strict=True))
                elif row:
                    raise self._file.problem(f"this row has {len(row)} fields, but the header {len(header)}")
        except csv.Error as error:
            raise self._file.problem(f"this is no CSV: {error}") from error

    def share_read(self) -> float | None:
        """Return how much of the file was read."""
        return self._file.share_read()

    def _checked(self, header: list[str]) -> list[str]:
        for name in header:
            if not name.strip():
                raise self._file.problem("a field has no name in the header")
            if header.count(name) > 1:
                raise self._file.problem(f"the header has two fields of the name {name!r}")
        return header
