"""FanLeases: what the slots of one fan-out hold, for themselves or for their tasks. It decides; `lending.py` asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import count, islice

from crude_link.engine.quarantine import Granted, Quarantine
from crude_link.model.order import FanOrder
from crude_link.model.pipeline import Step
from crude_link.model.resources import Budget, Claim, Held, Place, Scope, Want, room_for
from crude_link.model.task import TaskEnd


class FanLeases:
    """Every item is known by its name in the store; what stands behind a name is told to tasks only.

    What a task holds its slot holds for it, and hands it on to its next task, as long as nobody else waits for that.
    A slot is open, closing, or closed. One that is to be closed gives back what it holds when its executor says that
    nothing runs there any more; until then its number is not used again.
    """

    def __init__(self, step: Step, order: FanOrder, aside: Iterable[tuple[str, str]] = ()) -> None:
        self.slots_wanted = order.slots
        #: The pool or budget that allows no more slots; empty: it is as many as were asked for.
        self.limit = order.limit
        self.budgets = order.budgets
        #: The slots that are closed, and whose leases are still recorded.
        self.freed: list[int] = []
        #: The executor has not been told which slots there are now.
        self.is_news = False
        self.quarantine = Quarantine(order.quarantine, aside)
        self._pools = order.pools
        #: Each task is handed out for a slot, in which no other runs.
        self.is_bound = order.is_bound
        #: The pools of which tasks hold something, for as long as they run.
        self.lent = frozenset(need.pool for need in step.holds if need.scope is Scope.TASK)
        self._needs = step.holds
        #: What each open slot holds, and what each that is closing does.
        self._slots: dict[int, Granted] = {}
        self._closing: dict[int, Granted] = {}
        #: The slot of each task that is bound to one.
        self._busy: dict[int, int] = {}
        self._want_no_more_than_is_left()

    @property
    def slots(self) -> int:
        """How many slots have got what they hold."""
        return len(self._slots)

    @property
    def slots_in_use(self) -> int:
        """How many slots are open, or closing."""
        return len(self._slots) + len(self._closing)

    def set_slots(self, asked: int) -> None:
        """Want so many slots, or as many as pools and budgets have room for; close those that are too many."""
        self.slots_wanted, self.limit = asked, ""
        self._want_no_more_than_is_left()
        self._close(sorted(self._slots)[self.slots_wanted :])

    def slot_claims(self, most: int) -> list[Claim]:
        """Return what the slots want that are not open yet, as far as budgets allow `most` in all."""
        wants = [
            Want(need.pool, self.quarantine.left(need.pool, self._pools[need.pool]), need.pieces, need.share)
            for need in self._needs
        ]
        used = self._slots.keys() | self._closing.keys()
        # What was put aside, and is held as yet by a slot that is closing, is in nobody's way.
        in_the_way = [items for items in self._closing.values() if not self.quarantine.has_any_of(items)]
        room = min(self.slots_wanted - len(self._slots) - len(in_the_way), most - len(used))
        unused = (number for number in count(1) if number not in used)
        return [Claim(number, wants) for number in islice(unused, max(0, room))]

    def open_slots(self, claims: Sequence[Claim], granted: Sequence[Granted | None]) -> None:
        """Take note of what was granted to slots."""
        for claim, items in zip(claims, granted, strict=True):
            if items is not None:
                self._slots[claim.slot] = items
                self.is_news = True

    def slot_environments(self) -> list[dict[str, str] | None]:
        """Return what the environment of each slot tells its tasks, from the first on; None: nothing begins there.

        A slot that is closing is there for the task that was handed out for it, which may not have begun.
        """
        awaited = {number: self._closing[number] for number in self._busy.values() if number in self._closing}
        slots = self._slots | awaited
        return [self._slot_environment(slots.get(number)) for number in range(1, max(slots, default=0) + 1)]

    def _slot_environment(self, items: Granted | None) -> dict[str, str] | None:
        if items is None:
            return None
        held = self._values(items)
        return {need.variable: held[need.pool] for need in self._needs}

    def place_of(self, task: int) -> Place:
        """Return where a task runs that is bound to its slot."""
        taken = set(self._busy.values())
        slot = next(number for number in self._slots if number not in taken)
        self._busy[task] = slot
        return Place(slot, self._values(self._slots[slot]))

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
        """Return how much of a budget the tasks take that run and are bound to their slots."""
        return sum(len(self._busy) * budget.each for budget in self.budgets if budget.name == name)

    def note_ends(self, ends: Sequence[TaskEnd]) -> None:
        """Take note that tasks have ended."""
        for end in ends:
            self.is_news |= self._busy.pop(end.task, 0) in self._closing
            if self.quarantine.is_wanted:
                self.quarantine.judge(self._slots.get(end.slot) or self._closing.get(end.slot) or {}, end.status)

    def note_shut(self, slots: Iterable[int]) -> None:
        """Take note that nothing runs any more in slots that were to be closed."""
        for number in slots:
            if self._closing.pop(number, None):
                self.freed.append(number)

    def close_bad_slots(self) -> None:
        """Close the slots whose items were put aside; they are opened again when they get others."""
        self._close([number for number, items in self._slots.items() if self.quarantine.has_any_of(items)])
        self._want_no_more_than_is_left()

    def yield_to(self, pools: Collection[str]) -> None:
        """Close all slots, should tasks hold something for which others wait; then it is asked for anew."""
        if not self.lent.isdisjoint(pools):
            self._close(list(self._slots))

    @property
    def is_hopeless(self) -> str:
        """The pool of which too much was put aside for any task to run; empty: none."""
        for need in self._needs:
            if not need.holders(len(self.quarantine.left(need.pool, self._pools[need.pool]))):
                return need.pool
        return ""

    def _want_no_more_than_is_left(self) -> None:
        sizes = {name: len(self.quarantine.left(name, items)) for name, items in self._pools.items()}
        self.slots_wanted, limit = room_for(self.slots_wanted, self._needs, sizes, self.budgets)
        self.limit = limit or self.limit

    def _close(self, slots: Sequence[int]) -> None:
        for number in slots:
            self._closing[number] = self._slots.pop(number)
            self.is_news = True

    def _values(self, items: Granted) -> Held:
        return {pool: ",".join(self._pools[pool][name] for name in names) for pool, names in items.items()}
