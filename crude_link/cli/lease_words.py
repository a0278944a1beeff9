"""What a step holds of pools, for what it waits, and who has that, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from crude_link.app import Records
from crude_link.model.resources import FREE_DISK, Lease
from crude_link.model.words import moment_words
from crude_link.notifiers.look import one_line

#: So many items are named.
_MOST = 5


def lease_sentences(records: Records, run: int, step: str) -> list[str]:
    """Say what a step of a run holds now, and for what it waits; nothing where it does neither."""
    leases = records.store.leases.leases()
    ours = [lease for lease in leases if (lease.run, lease.step) == (run, step)]
    sentences = [
        f"It holds {_items([lease for lease in ours if lease.pool == pool])} of {pool}."
        for pool in dict.fromkeys(lease.pool for lease in ours)
    ]
    for wait in records.store.leases.waits():
        if (wait.run, wait.step) == (run, step):
            others = [lease for lease in leases if lease.pool == wait.pool and lease not in ours]
            who = "" if wait.pool == FREE_DISK else f"; {_holders(others)}"
            sentences.append(f"It waits for {wait.pool} since {moment_words(wait.since)}{who}.")
    return sentences


def _holders(leases: Sequence[Lease]) -> str:
    groups: dict[tuple[int, str], list[Lease]] = {}
    for lease in leases:
        groups.setdefault((lease.run, lease.step), []).append(lease)
    held = [f"{step} of run {run} holds {_items(some)}" for (run, step), some in groups.items()]
    return ", ".join(held) or "nobody else holds any of it"


def _items(leases: Sequence[Lease]) -> str:
    names = list(dict.fromkeys(one_line(lease.item) for lease in leases))
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
