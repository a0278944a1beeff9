"""A list that stands in the config."""

from __future__ import annotations

from collections.abc import Iterator

from crude_link.errors import CannotStart
from crude_link.inputs.digest import digest_of
from crude_link.inputs.source import Asked
from crude_link.model.value import Plain


class Items:
    """The values of a list, with their types."""

    def __init__(self, asked: Asked) -> None:
        if isinstance(asked.value, str) or not isinstance(asked.value, (list, tuple)):
            raise CannotStart(f"the inputs are {asked.value!r}, which is no list")
        self._items: list[Plain] = list(asked.value)
        self._given = 0
        self.state = f"items {digest_of(self._items)}"

    def items(self) -> Iterator[Plain]:
        """Yield the values."""
        for item in self._items:
            self._given += 1
            yield item

    def share_read(self) -> float | None:
        """Return how much of the list was given."""
        return self._given / len(self._items) if self._items else None
