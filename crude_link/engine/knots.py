"""Knots: fan-outs that wait for one another, each holding for its slots what another wants for its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crude_link.model.resources import Lease, LeaseWait

#: A step of a run.
Party = tuple[int, str]


def knot_of(party: Party, leases: Iterable[Lease], waits: Iterable[LeaseWait]) -> Sequence[Party]:
    """Return who waits for whom in a circle back to `party`, which is first; nothing when there is no circle.

    Only circles among earlier parties count: so of those in a circle one alone, the last, finds itself in it.
    """
    holders: dict[str, set[Party]] = {}
    for lease in leases:
        holders.setdefault(lease.pool, set()).add((lease.run, lease.step))
    wanted: dict[Party, set[Party]] = {}
    for wait in waits:
        waiting = (wait.run, wait.step)
        wanted.setdefault(waiting, set()).update(holders.get(wait.pool, set()) - {waiting})
    ways: list[tuple[Party, ...]] = [(party,)]
    seen = {party}
    while ways:
        way = ways.pop()
        for other in sorted(wanted.get(way[-1], ())):
            if other == party:
                return way
            if other < party and other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()
