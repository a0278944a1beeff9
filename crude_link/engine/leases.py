"""FanLeases: what the slots and the tasks of one fan-out hold, and what they want. It decides; `fans.py` asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crude_link.model.order import FanOrder
from crude_link.model.pipeline import Step
from crude_link.model.resources import Claim, Held, Holder, Need, Place, Scope, Want
from crude_link.model.task import TaskEnd

#: What a claim was granted: names of items by pool.
Granted = Mapping[str, Sequence[str]]


class FanLeases:
    """Every item is known by its name in the store; what stands behind a name is told to tasks only."""

    def __init__(self, step: Step, order: FanOrder) -> None:
        self.slots_wanted = order.slots
        self.budgets = order.budgets
        #: The holders that have ended, and whose leases are still recorded.
        self.freed: list[Holder] = []
        #: The pools of which more is wanted than was free when it was last asked for.
        self.lacking: tuple[str, ...] = ()
        self._pools = order.pools
        self._of_slots = [need for need in step.holds if need.scope is Scope.SLOT]
        self._of_tasks = [need for need in step.holds if need.scope is Scope.TASK]
        self._is_bound = order.is_bound
        self._slots: dict[int, Held] = {}
        #: The slot of each task that is bound to one.
        self._busy: dict[int, int] = {}

    @property
    def has_task_needs(self) -> bool:
        """Tasks are handed out one by one, as they get what they hold."""
        return bool(self._of_tasks) or self._is_bound

    @property
    def slots(self) -> int:
        """How many slots have got what they hold."""
        return len(self._slots)

    def slot_claims(self, most: int) -> list[Claim]:
        """Return what the slots want that are not open yet, as far as budgets allow `most` in all."""
        wants = self._wants(self._of_slots)
        last = min(self.slots_wanted, most)
        return [Claim(Holder(slot=number), wants) for number in range(self.slots + 1, last + 1)]

    def open_slots(self, granted: Iterable[Granted | None]) -> None:
        """Take note of what was granted to the slots that asked, in their order."""
        for items in granted:
            if items is not None:
                self._slots[self.slots + 1] = self._values(items)

    def slot_environments(self) -> list[dict[str, str]]:
        """Return what the environment of each open slot tells its tasks, from the first on."""
        return [{need.variable: held[need.pool] for need in self._of_slots} for held in self._slots.values()]

    def task_claims(self, ready: Sequence[tuple[int, int]]) -> list[Claim]:
        """Return what tries at tasks, (task, number), want."""
        wants = self._wants(self._of_tasks)
        return [Claim(Holder(task=task, number=number), wants) for task, number in ready]

    def place_of(self, task: int, items: Granted) -> Place:
        """Return where a task runs that was granted these items."""
        held = self._values(items)
        if not self._is_bound:
            return Place(0, held)
        taken = set(self._busy.values())
        slot = next(number for number in self._slots if number not in taken)
        self._busy[task] = slot
        return Place(slot, {**self._slots[slot], **held})

    def note_ends(self, ends: Sequence[TaskEnd]) -> None:
        """Take note that tasks have ended."""
        for end in ends:
            self._busy.pop(end.task, None)
            if self._of_tasks:
                self.freed.append(Holder(task=end.task, number=end.number))

    def _wants(self, needs: Sequence[Need]) -> list[Want]:
        return [Want(need.pool, list(self._pools[need.pool]), need.pieces, need.share) for need in needs]

    def _values(self, items: Granted) -> Held:
        return {pool: ",".join(self._pools[pool][name] for name in names) for pool, names in items.items()}
