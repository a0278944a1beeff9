"""FakeLeases: who holds what, in memory; whoever asks is alive."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from crude_link.model.resources import Claim, Lease, LeaseWait


class FakeLeases:
    """Grants whole items and shares of them as a store does, without queues."""

    def __init__(self) -> None:
        self.held: list[Lease] = []
        self._waits: list[LeaseWait] = []
        #: What steps do without.
        self.without: dict[tuple[int, str], list[tuple[str, str]]] = {}

    def exchange(
        self, run: int, step: str, freed: Sequence[int], claims: Sequence[Claim], at: datetime
    ) -> Sequence[Mapping[str, Sequence[str]] | None]:
        self.held = [one for one in self.held if (one.run, one.step) != (run, step) or one.slot not in freed]
        granted = [self._granted(run, step, claim, at) for claim in claims]
        self._waits = [
            *(one for one in self._waits if (one.run, one.step) != (run, step)),
            *(
                LeaseWait(pool=want.pool, run=run, step=step, since=at)
                for claim, items in zip(claims, granted, strict=True)
                for want in claim.wants
                if items is None
            ),
        ]
        return granted

    def release(self, run: int, step: str | None = None) -> None:
        self.held = [one for one in self.held if one.run != run or step not in (None, one.step)]

    def leases(self) -> Sequence[Lease]:
        return sorted(self.held, key=lambda lease: lease.pool)

    def waits(self) -> Sequence[LeaseWait]:
        return self._waits

    def put_aside(self, run: int, step: str, items: Collection[tuple[str, str]]) -> None:
        self.without[run, step] = sorted(items)

    def aside(self, run: int, step: str) -> Sequence[tuple[str, str]]:
        return self.without.get((run, step), [])

    def _granted(self, run: int, step: str, claim: Claim, at: datetime) -> Mapping[str, Sequence[str]] | None:
        granted: dict[str, Sequence[str]] = {}
        for want in claim.wants:
            free = [item for item in want.items if self._used(want.pool, item) + want.share <= 1.000001]
            if len(free) < want.pieces:
                return None
            granted[want.pool] = free[: want.pieces]
        for want in claim.wants:
            self.held += [
                Lease(pool=want.pool, item=item, share=want.share, run=run, step=step, slot=claim.slot, since=at)
                for item in granted[want.pool]
            ]
        return granted

    def _used(self, pool: str, item: str) -> float:
        return sum(lease.share for lease in self.held if (lease.pool, lease.item) == (pool, item))
