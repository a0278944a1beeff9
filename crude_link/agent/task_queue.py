"""Task queue: the tasks of a fan-out that wait for their slot."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from crude_link.agent.slot import Slot

#: Where in a task the only slot stands in which it may run.
_SLOT = 5


class TaskQueue:
    """Gives them back in the order in which they came. `is_bound`: each of them may run in one slot only."""

    def __init__(self, *, is_bound: bool) -> None:
        self._tasks: deque[list[Any]] = deque()
        self._is_bound = is_bound

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def extend(self, tasks: list[list[Any]]) -> None:
        """Take more."""
        self._tasks.extend(tasks)

    def clear(self) -> None:
        """Forget them all."""
        self._tasks.clear()

    def put_back(self, task: list[Any]) -> None:
        """Take one again that could not be begun."""
        self._tasks.appendleft(task)

    def first(self) -> list[Any]:
        """Remove and return the first, whatever its slot."""
        return self._tasks.popleft()

    def next_for(self, slot: int) -> list[Any] | None:
        """Remove and return the first that may run in a slot."""
        if not self._is_bound:
            return self._tasks.popleft()
        task = next((task for task in self._tasks if task[_SLOT] == slot), None)
        if task:
            self._tasks.remove(task)
        return task

    def slot(self, free: Sequence[Slot], opened: dict[int, Slot], wanted: Sequence[int]) -> int:
        """Return the slot in which a task can be begun: one that is free, else one to be opened; 0: for none."""
        if not self._tasks:
            return 0
        if not self._is_bound:
            return free[-1].number if free else next((n for n in wanted if n not in opened), 0)
        numbers = {slot.number for slot in free}
        return next((task[_SLOT] for task in self._tasks if task[_SLOT] in numbers or task[_SLOT] not in opened), 0)
