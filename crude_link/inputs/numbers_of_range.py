"""Whole numbers, as Python's `range` counts them."""

from __future__ import annotations

from collections.abc import Iterator

from crude_link.errors import CannotStart
from crude_link.inputs.source import Asked
from crude_link.model.value import Plain


class Range:
    """A number, [start, stop] or [start, stop, step]."""

    def __init__(self, asked: Asked) -> None:
        said = asked.value if isinstance(asked.value, (list, tuple)) else [asked.value]
        numbers = [number for number in said if isinstance(number, int)]
        if len(numbers) != len(said) or not 1 <= len(numbers) <= 3:
            raise CannotStart(f"the range of the inputs is {asked.value!r}; it is one to three whole numbers")
        self._range = range(*numbers)
        self._given = 0
        self.state = f"{self._range}"

    def items(self) -> Iterator[Plain]:
        """Yield the numbers."""
        for number in self._range:
            self._given += 1
            yield number

    def share_read(self) -> float | None:
        """Return how much of the range was given."""
        return self._given / len(self._range) if self._range else None
