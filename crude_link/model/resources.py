"""Pools, needs and leases: named things of which each is in one pair of hands at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from crude_link.model.value import Value

#: The names of the sources that the items of a pool come from.
POOL_SOURCES = ("items", "lines", "range", "command")
#: The pool that `gpus` asks for. It is found on the machine, unless the config gives it by hand.
GPU = "GPU"
#: The source of a pool that is found on the machine.
FOUND = "found"
#: No pool, but what a step waits for by this name: that a disk has room for its next task.
FREE_DISK = "free disk space"


class Scope(Enum):
    """How long an item is held: by a slot for all its tasks, or for one try at one task."""

    SLOT = "per slot"
    TASK = "per task"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """Named things that slots and tasks hold: proxies, licences, GPUs. Equal items are one."""

    name: str
    #: What the items come from, and what stands behind that name in the config.
    source: str
    value: Value = None
    #: An item is put aside after so many failures in a row; None: never.
    quarantine: int | None = None
    #: The items are masked, and the store knows them by a digest.
    is_secret: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What each slot or task of a step holds of a pool: `pieces` items, and of each of them `share`."""

    pool: str
    scope: Scope
    pieces: int = 1
    share: float = 1.0

    @property
    def variable(self) -> str:
        """The environment variable that tells what is held."""
        if self.pool == GPU:
            return "CUDA_VISIBLE_DEVICES"
        return f"{'WORKER' if self.scope is Scope.SLOT else 'TASK'}_RESOURCE_{self.pool}"

    def holders(self, items: int) -> int:
        """Return how many can hold theirs at the same time, of so many items."""
        return items * int(1 / self.share + 1e-9) if self.share < 1 else items // self.pieces


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Something of which there is only so much for all tasks that run here: cores, memory, disk."""

    #: The key under which a step says how much of it each task takes.
    name: str
    each: float
    total: float
    #: What is left of it now, where that also changes by others' doing: no task begins for which it is not enough.
    left: Callable[[], float] | None = field(default=None, compare=False)

    @property
    def tasks(self) -> int:
        """How many tasks it is enough for."""
        return int(self.total / self.each + 1e-9)


def room_for(
    slots: int, needs: Sequence[Need], sizes: Mapping[str, int], budgets: Sequence[Budget]
) -> tuple[int, str]:
    """Return how many of so many slots there is room for, and the pool or budget that allows no more; empty: none."""
    rooms = {budget.name: budget.tasks for budget in budgets}
    for need in needs:
        rooms[need.pool] = min(need.holders(sizes[need.pool]), rooms.get(need.pool, slots))
    limit = min(rooms, key=rooms.__getitem__, default="")
    return (rooms[limit], limit) if limit and rooms[limit] < slots else (slots, "")


#: What is held, by the names of pools: the items' values, several joined by commas.
Held = Mapping[str, str]
NOTHING: Held = MappingProxyType({})


class Place(NamedTuple):
    """Where a task runs, as far as that was settled before: its slot (0: any), and what slot and task hold."""

    slot: int = 0
    held: Held = NOTHING


#: The place of a task that runs in whatever slot is free, and holds nothing.
ANYWHERE = Place()


class Want(NamedTuple):
    """Items of a pool that are wanted, out of `items`, the names by which the store knows them."""

    pool: str
    items: Sequence[str]
    pieces: int = 1
    share: float = 1.0


class Claim(NamedTuple):
    """All that a slot wants; it gets all of it or nothing."""

    slot: int
    wants: Sequence[Want]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """An item, or a share of it, that a slot of a step holds."""

    pool: str
    item: str
    share: float
    run: int
    step: str
    slot: int
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseWait:
    """A step that wants more of a pool than is free."""

    pool: str
    run: int
    step: str
    since: datetime
