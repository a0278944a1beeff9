"""Quarantine: items of pools with which tasks fail again and again are put aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crude_link.model.status import Status

#: What a claim was granted: names of items by pool.
Granted = Mapping[str, Sequence[str]]


class Quarantine:
    """`most` says, for each pool that has a limit, after how many failures in a row an item is put aside."""

    def __init__(self, most: Mapping[str, int], aside: Iterable[tuple[str, str]] = ()) -> None:
        self._most = most
        #: What is put aside: pools and items.
        self.aside = {(pool, item) for pool, item in aside if pool in most}
        self._failures: dict[tuple[str, str], int] = {}
        self._news: list[str] = []

    @property
    def is_wanted(self) -> bool:
        """Some pool has a limit."""
        return bool(self._most)

    def judge(self, held: Granted, status: Status) -> None:
        """Take note of how a task has ended that held these items."""
        if status not in (Status.SUCCEEDED, Status.FAILED):
            return
        for pool, items in held.items():
            most = self._most.get(pool)
            for item in items if most else ():
                self._note(pool, item, status, most or 0)

    def left(self, pool: str, items: Iterable[str]) -> list[str]:
        """Return the items that were not put aside."""
        return [item for item in items if (pool, item) not in self.aside]

    def has_any_of(self, held: Granted) -> bool:
        """True when one of these items was put aside."""
        return bool(self.aside) and any((pool, item) in self.aside for pool in held for item in held[pool])

    def news(self) -> list[str]:
        """Say what was put aside since this was asked last."""
        news, self._news = self._news, []
        return news

    def _note(self, pool: str, item: str, status: Status, most: int) -> None:
        place = pool, item
        if status is Status.SUCCEEDED:
            self._failures.pop(place, None)
            return
        self._failures[place] = self._failures.get(place, 0) + 1
        if self._failures[place] >= most and place not in self.aside:
            self.aside.add(place)
            self._news.append(f"{item} of {pool} is put aside after {most} failure{'s'[: most != 1]} in a row")
