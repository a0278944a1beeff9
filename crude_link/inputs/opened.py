"""Inputs: the numbered stream of a fan-out, with those left out that a config does not want."""

from __future__ import annotations

from collections.abc import Iterator

from crude_link.inputs.digest import digest_of
from crude_link.inputs.source import Asked
from crude_link.inputs.table import source_of
from crude_link.model.foreach import ForEach, Input
from crude_link.model.value import Plain

#: By what the tasks of a task file are known unless the config says otherwise.
_KEYS = {"task_file": "task_id"}


class Inputs:
    """The inputs of one `foreach`. What it does may raise CannotStart."""

    def __init__(self, foreach: ForEach, asked: Asked) -> None:
        self._source = source_of(foreach.source, asked)
        self._key = foreach.key or _KEYS.get(foreach.source)
        self._limit = foreach.limit
        self._is_deduped = bool(foreach.options.get("dedupe"))
        self._given = 0

    @property
    def state(self) -> str:
        """What tells the source, and how its inputs are numbered, from any other."""
        return f"{self._source.state} dedupe {self._key or ''}" if self._is_deduped else self._source.state

    def stream(self) -> Iterator[Input]:
        """Yield the inputs with their numbers, from 1."""
        limit = self._limit
        if self._is_deduped:
            items = self._distinct(self._source.items())
        else:
            items = self._source.items()
        for number, item in enumerate(items, start=1):
            self._given = number
            yield Input(number, item)
            if number == limit:
                return

    def share_read(self) -> float | None:
        """Return how much of what is wanted was yielded, from 0 to 1; None where nobody can know."""
        share = self._source.share_read()
        by_limit = self._given / self._limit if self._limit else None
        return max((one for one in (share, by_limit) if one is not None), default=None)

    def digest(self, item: Plain) -> str:
        """Return 16 hex digits that identify an input."""
        return digest_of(item, self._key)

    def _distinct(self, items: Iterator[Plain]) -> Iterator[Plain]:
        """Leave out what came before; eight bytes of each input are remembered."""
        seen: set[bytes] = set()
        for item in items:
            digest = bytes.fromhex(self.digest(item))
            if digest not in seen:
                seen.add(digest)
                yield item
