"""SqliteLeases: who holds which item of which pool, across all runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from crude_link.interfaces import RunLocks
from crude_link.model.resources import Claim, Lease, LeaseWait, Want
from crude_link.store.database import Database, Row
from crude_link.store.rows import moment_text, text

#: Shares that are added up may miss a whole by so much.
_HAIR = 1e-9

_Usage = dict[str, dict[str, float]]


class SqliteLeases:
    """Gives and takes leases, each time in one transaction, so that nobody has what another has.

    A lease is worth as much as the hold of its run: what a run that nobody holds has left is given to others. Nothing
    is flushed to the disk: no lease outlives the machine.
    """

    def __init__(self, database: Database, locks: RunLocks) -> None:
        self._database = database
        self._locks = locks

    def exchange(
        self, run: int, step: str, freed: Sequence[int], claims: Sequence[Claim], at: datetime
    ) -> Sequence[Mapping[str, Sequence[str]] | None]:
        """Free what some slots had, and grant claims; see `LeaseStore`."""
        with self._database.write(durable=False):
            yielded = self._free(run, step, freed)
            wants = {want.pool: want for claim in claims for want in claim.wants}
            waiting = {pool: self._others_wait(pool, run, step) for pool in wants}
            usage = {pool: self._usage(pool, run) for pool in wants}
            for pool, items in yielded.items():
                if waiting.get(pool):
                    for item in items:  # whoever waits shall find it
                        usage[pool][item] = 1.0
            granted = [_granted(claim, usage) for claim in claims]
            for claim, given in zip(claims, granted, strict=True):
                self._insert(run, step, claim, given or {}, at)
            self._note_waits(run, step, claims, granted, at)
        return granted

    def release(self, run: int, step: str | None = None) -> None:
        """Free all that a run, or one step of it, holds."""
        with self._database.write(durable=False):
            for query in ("delete_leases", "delete_lease_waits"):
                self._database.change(f"{query}_of_step" if step is not None else query, run=run, **_named(step))

    def leases(self) -> Sequence[Lease]:
        """Return what is held by runs that somebody holds."""
        rows = self._database.rows("leases")
        held = {run: self._locks.is_held(run) for run in {row["run"] for row in rows}}
        return [_lease_of(row) for row in rows if held[row["run"]]]

    def waits(self) -> Sequence[LeaseWait]:
        """Return who waits, the longest first."""
        return [
            LeaseWait(
                pool=text(row["pool"]),
                run=row["run"],
                step=text(row["step"]),
                since=datetime.fromisoformat(row["since"]),
            )
            for row in self._database.rows("lease_waits")
            if self._locks.is_held(row["run"])
        ]

    def put_aside(self, run: int, step: str, items: Collection[tuple[str, str]]) -> None:
        """Record which items a step does without, in place of what was recorded before."""
        with self._database.write(durable=False):
            self._database.change("delete_put_aside", run=run, step=step)
            for pool, item in items:
                self._database.change("insert_put_aside", run=run, step=step, pool=pool, item=item)

    def aside(self, run: int, step: str) -> Sequence[tuple[str, str]]:
        """Return which items a step does without."""
        return [
            (text(row["pool"]), text(row["item"])) for row in self._database.rows("put_aside", run=run, step=step)
        ]

    def _free(self, run: int, step: str, freed: Sequence[int]) -> Mapping[str, list[str]]:
        """Return the items that were freed, by pool."""
        items: dict[str, list[str]] = {}
        for slot in freed:
            for row in self._database.rows("leases_of_slot", run=run, step=step, slot=slot):
                items.setdefault(text(row["pool"]), []).append(text(row["item"]))
            self._database.change("delete_leases_of_slot", run=run, step=step, slot=slot)
        return items

    def _usage(self, pool: str, run: int) -> dict[str, float]:
        """Return how much of each item is in use."""
        used: dict[str, float] = {}
        dead: set[int] = set()
        alive = {run}
        for row in self._database.rows("leases_of_pool", pool=pool):
            other = row["run"]
            if other not in alive and other not in dead:
                (alive if self._locks.is_held(other) else dead).add(other)
            if other in alive:
                item = text(row["item"])
                used[item] = used.get(item, 0.0) + row["share"]
        for other in dead:
            self._bury(other)
        return used

    def _others_wait(self, pool: str, run: int, step: str) -> bool:
        found = False
        for row in self._database.rows("lease_waits_of_pool", pool=pool):
            if row["run"] != run and not self._locks.is_held(row["run"]):
                self._bury(row["run"])
            elif (row["run"], text(row["step"])) != (run, step):
                found = True
        return found

    def _bury(self, run: int) -> None:
        self._database.change("delete_leases", run=run)
        self._database.change("delete_lease_waits", run=run)

    def _insert(self, run: int, step: str, claim: Claim, given: Mapping[str, Sequence[str]], at: datetime) -> None:
        shares = {want.pool: want.share for want in claim.wants}
        for pool, items in given.items():
            for item in items:
                self._database.change(
                    "insert_lease",
                    pool=pool,
                    item=item,
                    share=shares[pool],
                    run=run,
                    step=step,
                    since=moment_text(at),
                    slot=claim.slot,
                )

    def _note_waits(
        self,
        run: int,
        step: str,
        claims: Sequence[Claim],
        granted: Sequence[Mapping[str, Sequence[str]] | None],
        at: datetime,
    ) -> None:
        """Keep in mind for which pools a step waits."""
        if not claims:
            self._database.change("delete_lease_waits_of_step", run=run, step=step)
            return
        asked = {want.pool for claim in claims for want in claim.wants}
        lacking = {
            want.pool for claim, given in zip(claims, granted, strict=True) if given is None for want in claim.wants
        }
        waits = {text(row["pool"]) for row in self._database.rows("lease_waits_of_step", run=run, step=step)}
        for pool in lacking - waits:
            self._database.change("insert_lease_wait", pool=pool, run=run, step=step, since=moment_text(at))
        for pool in (waits & asked) - lacking:
            self._database.change("delete_lease_wait", pool=pool, run=run, step=step)


def _named(step: str | None) -> dict[str, str]:
    return {} if step is None else {"step": step}


def _granted(claim: Claim, usage: _Usage) -> Mapping[str, Sequence[str]] | None:
    """Return the items for a claim, and note their use; None when not all of them are free."""
    chosen: dict[str, Sequence[str]] = {}
    for want in claim.wants:
        items = _free_items(want, usage[want.pool])
        if len(items) < want.pieces:
            return None
        chosen[want.pool] = items[: want.pieces]
    for want in claim.wants:
        used = usage[want.pool]
        for item in chosen[want.pool]:
            used[item] = used.get(item, 0.0) + want.share
    return chosen


def _free_items(want: Want, used: Mapping[str, float]) -> Sequence[str]:
    """Return the items that have room for the share, those that are used least first."""
    free = [item for item in want.items if used.get(item, 0.0) + want.share <= 1.0 + _HAIR]
    return sorted(free, key=lambda item: used.get(item, 0.0)) if want.share < 1.0 else free


def _lease_of(row: Row) -> Lease:
    return Lease(
        pool=text(row["pool"]),
        item=text(row["item"]),
        share=row["share"],
        run=row["run"],
        step=text(row["step"]),
        slot=row["slot"],
        since=datetime.fromisoformat(row["since"]),
    )
