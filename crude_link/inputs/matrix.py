"""Every combination of some values, the last name varying fastest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

from crude_link.errors import CannotStart
from crude_link.inputs.digest import digest_of
from crude_link.inputs.source import Asked
from crude_link.model.value import Plain


class Matrix:
    """Mappings of names to one value each."""

    def __init__(self, asked: Asked) -> None:
        if not isinstance(asked.value, Mapping):
            raise CannotStart(f"the matrix of the inputs is {asked.value!r}; it is a mapping of names to lists")
        self._names = list(asked.value)
        self._values = [list(one) if isinstance(one, (list, tuple)) else [one] for one in asked.value.values()]
        self._given = 0
        self._size = prod(len(values) for values in self._values)
        self.state = f"matrix {digest_of([self._names, self._values])}"

    def items(self) -> Iterator[Plain]:
        """Yield the combinations."""
        for values in product(*self._values):
            self._given += 1
            yield dict(zip(self._names, values, strict=True))

    def share_read(self) -> float | None:
        """Return how much of them was given."""
        return self._given / self._size if self._size else None
