"""Fans: the fan-outs of an agent, and what they share; empty, and cheap, where there is none."""

from __future__ import annotations

import os
import resource
import sys
import time

from crude_link.agent.lean import signal
from crude_link.agent.processes import mark_word
from crude_link.agent.sweep import PATIENCE_SECONDS, tell_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crude_link.agent.fan import Fan
    from crude_link.agent.holds import Hold
    from crude_link.agent.loop import Loop
    from crude_link.agent.machine import Machine
    from crude_link.agent.protocol import Message, Outbox
    from crude_link.agent.slot import Slot
    from crude_link.agent.warm import Warm

_NEVER = float("inf")
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Fans:
    """Passes on orders, deaths and time; `orphans` finds children that are neither an attempt's nor a task's."""

    def __init__(
        self, name: str, outbox: Outbox, machine: Machine, holds: dict[int, Hold], orphans: Callable[[], list[int]]
    ) -> None:
        self.outbox = outbox
        self.machine = machine
        self.holds = holds
        self.orphans = orphans
        #: What every process that we start bears: the marks of an outer crude-link, and the agent's.
        self.marks = ""
        #: The slots whose task runs, by its process.
        self.by_pid: dict[int, Slot] = {}
        #: What KILL did not end.
        self.given_up: set[int] = set()
        #: How many tasks and attempts have ended: there may be room again.
        self.ended = 0
        #: True when orphans become our children, so that what a task leaves can be seen.
        self.is_reaper = False
        #: Says whether attempts live beside our tasks.
        self.has_attempts: Callable[[], bool] = lambda: False
        #: How many tasks have begun, and are not done with.
        self.busy = 0
        self.loop: Loop | None = None
        #: The zygotes that live, by process.
        self.zygotes: dict[int, Warm] = {}
        self._name = name
        self._count = 0
        self._fans: dict[str, Fan] = {}
        self._owners: dict[int, Fan] = {}
        self._floor = 0
        self._kills = (0.0, 0)

    def __bool__(self) -> bool:
        return bool(self._fans)

    @property
    def has_company(self) -> bool:
        """True while anything lives that may end and leave room."""
        return bool(self.by_pid) or self.has_attempts()

    @property
    def is_only_fan(self) -> bool:
        """True when what is left of anybody can only be of the one fan-out that there is."""
        return len(self._fans) == 1 and not self.has_attempts()

    @property
    def is_only_task(self) -> bool:
        """True when what is left of anybody can only be of the one task that there is."""
        return self.busy == 1 and not self.has_attempts()

    # --- orders ---

    def open(self, order: Message) -> None:
        """Begin a fan-out, once its run is held."""
        from crude_link.agent.deaths import watch_deaths
        from crude_link.agent.fan import Fan  # costs what only fan-outs need

        if not self._count and self.loop:
            watch_deaths(self.loop)
        self._count += 1
        self._fans[order["key"]] = Fan(order, mark_word("fan", f"{self._name}.{self._count}"), self)

    def take(self, message: Message) -> None:
        """Queue tasks."""
        if message["key"] in self._fans:
            self._fans[message["key"]].take(message["tasks"])

    def close(self, message: Message) -> None:
        """No more tasks come for a fan-out."""
        if message["key"] in self._fans:
            self._fans[message["key"]].close(forget=message.get("forget", False))

    def set_slots(self, message: Message) -> None:
        """Change the number of a fan-out's slots."""
        if message["key"] in self._fans:
            self._fans[message["key"]].set_slots(message["slots"], message.get("envs", []))

    def set_timeout(self, message: Message) -> None:
        """Change how long the tasks of a fan-out may take."""
        if message["key"] in self._fans:
            self._fans[message["key"]].set_timeout(message["seconds"], message["words"])

    def stop(self, key: str, *, now: bool) -> None:
        """End a fan-out; harmless when there is none of that name."""
        if key in self._fans:
            self._fans[key].stop(now=now)

    def stop_soon(self) -> None:
        """Nobody waits for them any more."""
        for fan in self._fans.values():
            fan.stop(now=False, patience=PATIENCE_SECONDS)

    # --- what happens by itself ---

    def began(self, pid: int, slot: Slot, fan: Fan) -> None:
        """A task runs."""
        self.busy += 1
        if pid > 0:
            self.forked(pid, slot, fan)

    def done(self) -> None:
        """Nothing of a task is waited for any more."""
        self.busy -= 1
        self.ended += 1

    def opened(self, zygote: Warm, link: int, read: Callable[[], None]) -> None:
        """A zygote lives."""
        self.zygotes[zygote.pid] = zygote
        if self.loop:
            self.loop.watch(link, read)

    def closed(self, pid: int, link: int) -> None:
        """A zygote is dead."""
        self.zygotes.pop(pid, None)
        if self.loop:
            self.loop.forget(link)

    def forked(self, pid: int, slot: Slot, fan: Fan) -> None:
        """A zygote has forked a task: it becomes our child should the zygote die."""
        self.by_pid[pid] = slot
        self._owners[pid] = fan

    def is_clear(self, pid: int) -> bool:
        """True when nothing is left of the group of a dead process, as far as that can be seen."""
        return not self.is_reaper or not _has_members(pid)

    def forget(self, pid: int) -> None:
        """A task has no process any more, or one that will not go."""
        self.by_pid.pop(pid, None)
        self._owners.pop(pid, None)

    def die(self, pid: int) -> bool:
        """Reap a zombie; False when it is none of ours.

        What is left of its group is ended while its number cannot be another's: before the zombie is reaped, or,
        where it becomes our child and so cannot be missed, after it was given time to end by itself.
        """
        slot = self.by_pid.get(pid)
        if slot is None and pid in self.zygotes:
            self.zygotes[pid].died(os.waitpid(pid, 0)[1])
            return True
        if slot is None:
            return False
        if slot.stopping is not None or not self.is_reaper:
            tell_group(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        self._owners[pid].bury(slot, status, usage, is_clear=not self.is_reaper or not _has_members(pid))
        return True

    def reap(self) -> list[int]:
        """Reap all zombies, where no attempt lives that must do that itself; return those that are not ours."""
        others: list[int] = []
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return others
            if not pid:
                return others
            slot = self.by_pid.get(pid)
            if slot is None:
                if pid in self.zygotes:
                    self.zygotes[pid].died(status)
                others.append(pid)
                continue
            has_members = _has_members(pid)
            if has_members and slot.stopping is not None:
                tell_group(pid, signal.SIGKILL)
            self._owners[pid].bury(slot, status, usage, is_clear=not has_members)

    def look(self) -> None:
        """Where a zombie cannot be seen without reaping it: reap what is dead, then end its group."""
        for pid, slot in list(self.by_pid.items()):
            dead, status, usage = os.wait4(pid, os.WNOHANG)
            if dead:
                tell_group(pid, signal.SIGKILL)
                self._owners[pid].bury(slot, status, usage, is_clear=True)

    def tick(self, now: float) -> None:
        """Do what is due."""
        for key, fan in list(self._fans.items()):
            fan.tick(now)
            if fan.has_ended:
                del self._fans[key]

    def due(self) -> list[float]:
        """Return the monotonic times at which `tick` has something to do."""
        return [due for due in [fan.due() for fan in self._fans.values()] if due < _NEVER]

    def kills_now(self) -> int:
        """Return how many processes the kernel had killed for want of memory, a second ago at most."""
        now = time.monotonic()
        if now >= self._kills[0]:
            self._kills = (now + 1.0, self.machine.memory.count())
        return self._kills[1]

    def peak(self, peak: int) -> int:
        """Return the peak memory of a process, 0 where it is below our own, with which all children begin."""
        if peak > self._floor:
            self._floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
        return peak if peak > self._floor else 0


def _has_members(group: int) -> bool:
    """True while a child of ours is in a group: its number cannot be another's."""
    try:
        os.waitid(os.P_PGID, group, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
