"""Inputs: the numbered stream of a fan-out, with those left out that a config does not want."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from crude_link.inputs.digest import digest_of
from crude_link.inputs.source import Asked, CanSkip
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

    def stream(self, skip: int = 0) -> Iterator[Input]:
        """Yield the inputs behind the first `skip` with their numbers, which count from 1."""
        limit = self._limit
        if limit is not None and skip >= limit:
            return
        for number, item in enumerate(self._behind(skip), start=skip + 1):
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

    def _behind(self, skip: int) -> Iterator[Plain]:
        if self._is_deduped:
            return islice(self._distinct(self._source.items()), skip, None)
        if isinstance(self._source, CanSkip):
            self._source.skip(skip)
            return self._source.items()
        return islice(self._source.items(), skip, None)

    def _distinct(self, items: Iterator[Plain]) -> Iterator[Plain]:
        """Leave out what came before; eight bytes of each input are remembered."""
        seen: set[bytes] = set()
        for item in items:
            digest = bytes.fromhex(self.digest(item))
            if digest not in seen:
                seen.add(digest)
                yield item
