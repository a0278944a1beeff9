"""Fan link: a fan-out in the language of an agent, and what the agent tells of its tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crude_link.executors.agent_link import whole_path
from crude_link.executors.outcome import ending_of
from crude_link.model.another_try import AnotherTry
from crude_link.model.event import TasksEnded
from crude_link.model.order import FanOrder, WarmStart
from crude_link.model.run import Ending
from crude_link.model.task import TaskEnd, TaskOrder

if TYPE_CHECKING:
    from crude_link.agent.protocol import Message

# The encoder of the standard library is written in C; ours is for agents, which do without its import.
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class FanLink:
    """One fan-out; remembers of the tasks that have not ended what their ends are put into words with."""

    def __init__(self, order: FanOrder) -> None:
        self._order = order
        self._key = str(order.whole.key)
        self._programs: dict[int, str] = {}

    def message(self) -> Message:
        """Put its order into the agent's language."""
        whole = self._order.whole
        return {
            "do": "fan",
            "run": whole.key.run,
            "key": self._key,
            "env": dict(whole.env),
            "cwd": whole_path(whole.cwd),
            "folder": whole_path(self._order.folder),
            "prefix": whole.key.number,
            "bound": self._order.is_bound,
            "slots": 0 if self._order.has_slot_needs else self._order.slots,
            "timeout": whole.timeout.total_seconds() if whole.timeout is not None else None,
            "values": self._order.has_values,
            "warm": _warm(self._order.warm),
            "grace": whole.stop_grace.total_seconds(),
            "masks": whole.masks,
        }

    def tasks_line(self, tasks: Sequence[TaskOrder]) -> bytes:
        """Put tasks into the agent's language, as a whole line."""
        self._programs.update((order.task, order.argv[0] if order.argv else "") for order in tasks)
        return (_encode({"do": "tasks", "key": self._key, "tasks": tasks}) + "\n").encode("ascii")

    def ended(self, message: Message) -> TasksEnded:
        """Return what the agent's message tells."""
        running = [(task, seconds) for task, seconds in message["running"]]
        return TasksEnded(
            key=self._order.whole.key,
            ends=[self._end(row) for row in message["ended"]],
            running=running,
            shut=message["shut"],
        )

    def _end(self, row: Sequence[Any]) -> TaskEnd:
        (task, number, digest, slot, why, exit_status, signal, began, wall, cpu, peak, out, err, offset, *words) = row
        program = self._programs.pop(task, "")
        if exit_status == 0 and why == "exited":
            return TaskEnd(
                task, number, digest, slot, Ending.EXITED, 0, None, began, wall, cpu, peak, out, err, offset
            )
        out_of_memory, last_line, more = words
        facts: Mapping[str, Any] = {
            "why": why, "exit": exit_status, "signal": signal, "out_of_memory": out_of_memory, **more
        }  # fmt: skip
        ending, reason = ending_of(facts, self._order.whole.timeout, (program,))
        asked = AnotherTry.read(more["retry"]) if more["retry"] else None
        if asked:
            reason = asked.reason
        last_line = last_line.encode("latin-1").decode(errors="replace")
        return TaskEnd(
            task, number, digest, slot, ending, exit_status, signal, began, wall, cpu, peak, out, err, offset,
            reason, last_line, asked,
        )  # fmt: skip


def _warm(warm: WarmStart | None) -> Message | None:
    return {"argv": warm.argv, "files": warm.files, "turns": warm.turns} if warm else None
