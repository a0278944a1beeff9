"""FanLeases: what the slots and the tasks of one fan-out hold, and what they want. It decides; `fans.py` asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from crude_link.engine.quarantine import Granted, Quarantine
from crude_link.model.order import FanOrder
from crude_link.model.pipeline import Step
from crude_link.model.resources import Budget, Claim, Held, Holder, Need, Place, Scope, Want
from crude_link.model.task import TaskEnd

#: A task that begins in a slot within so many microseconds after that got another item may have the former one.
_SETTLING_US = 50_000


class FanLeases:
    """Every item is known by its name in the store; what stands behind a name is told to tasks only."""

    def __init__(self, step: Step, order: FanOrder, aside: Iterable[tuple[str, str]] = ()) -> None:
        self.slots_wanted = order.slots
        self.budgets = order.budgets
        #: The holders that have ended, and whose leases are still recorded.
        self.freed: list[Holder] = []
        self.quarantine = Quarantine(order.quarantine, aside)
        self._pools = order.pools
        self._of_slots = [need for need in step.holds if need.scope is Scope.SLOT]
        self._of_tasks = [need for need in step.holds if need.scope is Scope.TASK]
        self._is_bound = order.is_bound
        #: What each open slot holds.
        self._slots: dict[int, Granted] = {}
        #: Slots that were closed because of what they held; for those that are open again, when tasks must have begun
        #: to tell of what the slot holds now, in microseconds since the epoch.
        self._bad: set[int] = set()
        self._known_from: dict[int, int] = {}
        #: What each task that was begun holds for itself.
        self._tasks: dict[int, Granted] = {}
        #: The slot of each task that is bound to one.
        self._busy: dict[int, int] = {}

    @property
    def has_task_needs(self) -> bool:
        """Tasks are handed out one by one, as they get what they hold."""
        return bool(self._of_tasks) or self._is_bound or any(budget.left for budget in self.budgets)

    @property
    def slots(self) -> int:
        """How many slots have got what they hold."""
        return len(self._slots)

    def slot_claims(self, most: int) -> list[Claim]:
        """Return what the slots want that are not open yet, as far as budgets allow `most` in all."""
        wants = self._wants(self._of_slots)
        closed = [number for number in range(1, self.slots_wanted + 1) if number not in self._slots]
        return [Claim(Holder(slot=number), wants) for number in closed[: max(0, most - self.slots)]]

    def open_slots(self, claims: Sequence[Claim], granted: Sequence[Granted | None], now: datetime) -> bool:
        """Take note of what was granted to slots; True when any of them is open now."""
        opened = {claim.holder.slot: items for claim, items in zip(claims, granted, strict=True) if items is not None}
        self._slots.update(opened)
        for number in opened.keys() & self._bad:
            self._known_from[number] = round(now.timestamp() * 1_000_000) + _SETTLING_US
        return bool(opened)

    def slot_environments(self) -> list[dict[str, str] | None]:
        """Return what the environment of each slot tells its tasks, from the first on; None: it is not open."""
        return [self._slot_environment(number) for number in range(1, max(self._slots, default=0) + 1)]

    def _slot_environment(self, number: int) -> dict[str, str] | None:
        if number not in self._slots:
            return None
        held = self._values(self._slots[number])
        return {need.variable: held[need.pool] for need in self._of_slots}

    def task_claims(self, ready: Sequence[tuple[int, int]]) -> list[Claim]:
        """Return what tries at tasks, (task, number), want."""
        wants = self._wants(self._of_tasks)
        return [Claim(Holder(task=task, number=number), wants) for task, number in ready]

    def lacking(self, tasks: int, all_here: Collection[FanLeases]) -> Budget | None:
        """Return the budget, as it is now, of which not enough is left for so many further tasks; None: there is.

        Nobody knows how much of theirs those that run have taken already: it is kept free for them in full.
        """
        measured = [
            replace(budget, total=max(0.0, budget.left() - sum(one.promised(budget.name) for one in all_here)))
            for budget in self.budgets
            if budget.left
        ]
        return min((budget for budget in measured if budget.tasks < tasks), key=lambda one: one.tasks, default=None)

    def promised(self, name: str) -> float:
        """Return how much of a budget the tasks take that run."""
        return sum(len(self._tasks) * budget.each for budget in self.budgets if budget.name == name)

    def place_of(self, task: int, items: Granted) -> Place:
        """Return where a task runs that was granted these items."""
        held = self._values(items)
        self._tasks[task] = items
        if not self._is_bound:
            return Place(0, held)
        taken = set(self._busy.values())
        slot = next(number for number in self._slots if number not in taken)
        self._busy[task] = slot
        return Place(slot, {**self._values(self._slots[slot]), **held})

    def note_ends(self, ends: Sequence[TaskEnd]) -> None:
        """Take note that tasks have ended."""
        for end in ends:
            self._busy.pop(end.task, None)
            own = self._tasks.pop(end.task, {})
            if self.quarantine.is_wanted:
                of_slot = self._slots.get(end.slot, {}) if end.began_us > self._known_from.get(end.slot, 0) else {}
                self.quarantine.judge({**of_slot, **own}, end.status)
            if self._of_tasks:
                self.freed.append(Holder(task=end.task, number=end.number))

    def close_all_slots(self) -> None:
        """Close every slot; none has a task."""
        self._slots.clear()

    def close_bad_slots(self) -> bool:
        """Close the slots whose items were put aside, until they get others; True when there were such."""
        bad = [number for number, items in self._slots.items() if self.quarantine.has_any_of(items)]
        for number in bad:
            del self._slots[number]
        self._bad.update(bad)
        return bool(bad)

    @property
    def is_hopeless(self) -> str:
        """The pool of which too much was put aside for any task to run; empty: none."""
        for need in (*self._of_slots, *self._of_tasks):
            if not need.holders(len(self.quarantine.left(need.pool, self._pools[need.pool]))):
                return need.pool
        return ""

    def _wants(self, needs: Sequence[Need]) -> list[Want]:
        return [
            Want(need.pool, self.quarantine.left(need.pool, self._pools[need.pool]), need.pieces, need.share)
            for need in needs
        ]

    def _values(self, items: Granted) -> Held:
        return {pool: ",".join(self._pools[pool][name] for name in names) for pool, names in items.items()}
