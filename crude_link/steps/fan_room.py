"""Fan room: what the slots and tasks of a fan-out can hold, and how many slots that leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.inputs.source import Asked
from crude_link.model.foreach import PLACE_HEADS
from crude_link.model.pipeline import Command, Step
from crude_link.model.resources import FOUND, Budget, Pool, Scope, room_for
from crude_link.model.value import Placeholder, Plain, Template, Value, references_in
from crude_link.model.words import size_words
from crude_link.resources.machine import cores, free_disk, memory
from crude_link.resources.pools import items_of
from crude_link.steps.fan_work import slots_of
from crude_link.steps.item_values import pool_of
from crude_link.steps.references import LookUp, fill, fill_shell

#: The items of each pool, by the names under which the store knows them.
Pools = Mapping[str, Mapping[str, str]]


def pools_of(step: Step, pools: Sequence[Pool]) -> Iterator[Pool]:
    """Yield the pools of which a step needs something."""
    needed = {need.pool for need in step.holds}
    yield from (pool for pool in pools if pool.name in needed)


def filled_pool(pool: Pool, look_up: LookUp) -> Pool:
    """Return a pool with its late references put in."""
    if pool.source == "command" and isinstance(pool.value, (str, Template)):
        return replace(pool, value=str(fill_shell(pool.value, look_up)))
    return replace(pool, value=fill(pool.value, look_up))


def read_pools(
    pools: Iterable[Pool], look_up: LookUp, asked: Callable[[Plain], Asked], find_gpus: Callable[[], Sequence[str]]
) -> Pools:
    """Return the items of pools. CannotStart when one is empty."""
    found: dict[str, Mapping[str, str]] = {}
    for pool in pools:
        if pool.source == FOUND:
            found[pool.name] = {gpu: gpu for gpu in find_gpus()}
            continue
        filled = filled_pool(pool, look_up)
        found[pool.name] = items_of(filled, asked(fill(filled.value, look_up)))
    return found


def is_bound(step: Step) -> bool:
    """True when what a task is given depends on its slot."""
    held = {need.pool for need in step.holds}
    action = step.action
    values: list[Value] = [*step.arguments.values(), *step.env.values()]
    if isinstance(action, Command):
        values += [action.text or "", *action.argv]
    values += [text for each in step.transfers for text in each.texts]
    found = (one for value in values for one in references_in(value) if isinstance(one, Placeholder))
    return any(one.path == "slot" or (one.head in PLACE_HEADS and pool_of(one) in held) for one in found)


def budgets_of(step: Step, project: Path) -> list[Budget]:
    """Return what the tasks of a step take of what this machine has, and of the disk where the project lies."""
    budgets = []
    if step.cpus is not None:
        budgets.append(Budget(name="cpus", each=step.cpus, total=cores()))
    if step.memory is not None:
        budgets.append(Budget(name="memory", each=step.memory, total=memory()))
    if step.disk is not None:
        left = partial(free_disk, project)
        budgets.append(Budget(name="disk", each=step.disk, total=left(), left=left))
    return budgets


def room_of(step: Step, pools: Pools, budgets: Sequence[Budget]) -> tuple[int, str]:
    """Return how many tasks can run at once, and what limits it: a pool, a budget; nothing: `parallel` does.

    CannotStart when not even one can.
    """
    for budget in budgets:
        if not budget.tasks:
            raise CannotStart(f"one task takes more than there is: `{budget.name}`, and {_total_words(budget)}")
    for need in step.holds:
        size = len(pools[need.pool])
        if not need.holders(size):
            whom = "slot" if need.scope is Scope.SLOT else "task"
            raise CannotStart(f"each {whom} needs {need.pieces} of {need.pool}, and there are {size}")
    return room_for(slots_of(step), step.holds, {pool: len(items) for pool, items in pools.items()}, budgets)


def _total_words(budget: Budget) -> str:
    if budget.name == "cpus":
        return f"this machine has {budget.total:g} cores"
    total = size_words(round(budget.total))
    return f"{total} are free where the project lies" if budget.name == "disk" else f"this machine has {total}"
