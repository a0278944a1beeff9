"""Fan: a fan-out on this machine: a queue of tasks, slots in which they run, and reports of their ends in batches."""

from __future__ import annotations

import os
import time

from crude_link.agent.archive import End, start_line
from crude_link.agent.fan_reports import Reports
from crude_link.agent.launch import Launch, as_bytes
from crude_link.agent.lean import signal
from crude_link.agent.machine import NoRoom, is_want_of_room
from crude_link.agent.processes import marks_of, name_of
from crude_link.agent.slot import LONG_SECONDS, Slot
from crude_link.agent.spawn import CannotSpawn
from crude_link.agent.sweep import tell
from crude_link.agent.task_queue import TaskQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource
    from collections.abc import Sequence
    from typing import Any

    from crude_link.agent.fans import Fans
    from crude_link.agent.holds import Hold
    from crude_link.agent.protocol import Message
    from crude_link.agent.warm import Warm

_LINGER_SECONDS = 0.2
_CLEAR_SECONDS = 0.02
_HOPE_SECONDS = 5.0
_NEVER = float("inf")


class Fan:
    """Begins tasks in the order in which they came, each in the slot that is free first."""

    def __init__(self, order: Message, word: str, around: Fans) -> None:
        self.has_ended = False
        self._key: str = order["key"]
        self._order = order
        self._around = around
        #: The mark that all its tasks bear.
        self._word = word
        self._queue = TaskQueue(is_bound=order.get("bound", False))
        #: The numbers of the slots in which tasks may begin.
        self._wanted: Sequence[int] = range(1, order["slots"] + 1)
        self._slots: dict[int, Slot] = {}
        self._free: list[Slot] = []
        #: By their numbers, the oldest task first.
        self._running: dict[int, Slot] = {}
        self._stopping: list[Slot] = []
        #: Their process is dead, but something that it has left is not.
        self._clearing: list[Slot] = []
        self._reports = Reports(self._key, around.outbox)
        self._is_closed = False
        self._why = "exited"
        self._reason = ""
        self._began = time.monotonic()
        self._look_due = 0.0
        #: How many tasks had ended when there was no room for one more; -1: there is room.
        self._crowded_at = -1
        self._has_remarked = False
        self._serial = 0
        self._nothing = -1
        self._hold: Hold | None = None
        self._leaves_at = _NEVER
        self._leave_until = 0.0
        self._left_behind: dict[int, str] = {}
        self._warm: Warm | None = None
        self._prepare()

    def _prepare(self) -> None:
        order = self._order
        self._masks = [as_bytes(mask) for mask in order["masks"]]
        self.launch = Launch(order, self._around.machine.descriptors)
        self._has_values: bool = order.get("values", False)
        self._timeout: float | None = order["timeout"]
        #: Tells of the timeout where it was not that of the order.
        self._timeout_words = ""
        self._grace: float = order["grace"]
        self._stem = os.path.join(order["folder"], str(order["prefix"]))
        if order.get("warm"):
            from crude_link.agent import warm  # costs what only warm tasks need

            self._warm = warm.Warm(order["warm"], self._stem + "-warm", self, self._around)

    # --- orders ---

    def take(self, tasks: list[list[Any]]) -> None:
        """Queue tasks."""
        if not self._is_closed:
            self._queue.extend(tasks)

    def close(self, *, forget: bool) -> None:
        """No more tasks come; with `forget`, those that wait are not wanted any more."""
        self._is_closed = True
        if forget:
            self._queue.clear()

    def set_slots(self, slots: int, envs: list[dict[str, str] | None]) -> None:
        """Change the slots, and what the tasks of each are told beside what all are; None: nothing begins there."""
        self._wanted = self.launch.take_slots(slots, envs)
        self._note_slots()
        for slot in [slot for slot in self._free if slot.number not in self._wanted]:
            self._free.remove(slot)
            self._shut(slot)

    def set_timeout(self, seconds: float, words: str) -> None:
        """Change how long each task may take, also those that run."""
        self._timeout, self._timeout_words = seconds, words

    def stop(self, *, now: bool, patience: float | None = None) -> None:
        """Forget what waits and end what runs: with `now` at once, and with no more than so much patience."""
        moment = time.monotonic()
        self.close(forget=True)
        self._why = "stopped"
        for slot in self._running.values():
            self._stop_task(slot, "stopped", moment)
            if now and slot.stopping:
                slot.stopping.hurry(moment)
            elif patience is not None and slot.stopping:
                slot.stopping.shorten(patience, moment)

    # --- what happens by itself ---

    def bury(self, slot: Slot, status: int, usage: resource.struct_rusage, *, is_clear: bool) -> None:
        """The process of a slot's task was reaped."""
        del self._running[slot.number]
        self._around.forget(slot.pid)
        if slot.stopping:
            self._stopping.remove(slot)
        if slot.die(status, usage, is_clear=is_clear):
            self._settle(slot)
        else:
            self._clearing.append(slot)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if not self._hold and not self._open():
            return
        self._expire(now)
        for slot in [slot for slot in self._stopping if slot.step(now)]:
            self._stopping.remove(slot)
            del self._running[slot.number]
            self._around.forget(slot.pid)
            self._settle(slot)
        for slot in [slot for slot in self._clearing if now >= slot.clear_due]:
            if slot.clear(now):
                self._clearing.remove(slot)
                self._settle(slot)
        if now >= self._look_due:
            self._look(now)
        if self._warm:
            self._warm.tick(now)
        if self._queue:
            self._fill()
        self._reports.tick(now, self._running, at_once=not self._queue)
        if self._is_closed and not (self._queue or self._running or self._clearing):
            self._leave(now)

    def due(self) -> float:
        """Return the monotonic time at which `tick` has something to do."""
        if not self._hold:
            return _NEVER
        times = [self._reports.due(), self._leaves_at]
        if self._warm:
            times.append(self._warm.due())
        if self._running:
            times.append(self._look_due)
            if self._timeout is not None:
                oldest = next((slot.began for slot in self._running.values() if not slot.stopping), _NEVER)
                times.append(oldest + self._timeout)
        times += [slot.stopping.due for slot in self._stopping if slot.stopping]
        times += [slot.clear_due for slot in self._clearing]
        return min(times)

    def _open(self) -> bool:
        """Go on once the run is held; True when it is."""
        hold = self._around.holds.get(self._order["run"])
        if self._is_closed and self._why == "stopped":
            self._end()
        elif hold and hold.refusal:
            self._why, self._reason = "not started", hold.refusal
            self._end()
        elif hold and hold.is_held:
            self._hold = hold
            marks = (self._around.marks, hold.word, self._word, self._word + ".")
            self.launch.mark = as_bytes(" ".join([mark for mark in marks if mark]))
            self._nothing = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            os.makedirs(self._order["folder"], 0o700, exist_ok=True)
            self._began = time.monotonic()
            self._note_slots()
            return True
        return False

    def _expire(self, now: float) -> None:
        if self._timeout is None:
            return
        for slot in self._running.values():
            if now < slot.began + self._timeout:
                return
            if slot.end and not slot.stopping:
                slot.end.reason = self._timeout_words
            self._stop_task(slot, "timed out", now)

    def _stop_task(self, slot: Slot, why: str, now: float) -> None:
        if slot.stopping is None:
            slot.stop(why, self._grace, now)
            self._stopping.append(slot)

    def _look(self, now: float) -> None:
        """Once a second: put those that last into the list of the run's sessions."""
        self._look_due = now + LONG_SECONDS
        for slot in self._running.values():
            if now < slot.began + LONG_SECONDS:
                return
            if not slot.is_listed and self._hold:
                slot.is_listed = True
                self._hold.sessions.begin(slot.pid)

    # --- slots ---

    def _fill(self) -> None:
        if self._warm and self._warm.is_awaited(self._timeout):
            return
        while not self._is_crowded() and (number := self._queue.slot(self._free, self._slots, self._wanted)):
            if number in self._slots:
                self._free.remove(self._slots[number])
                self._go_on(self._slots[number])
            else:
                self._open_slot(number)

    def _open_slot(self, number: int) -> None:
        stem = f"{self._stem}-{number}"
        try:
            slot = Slot(number, stem, self._masks, self._around, self.remark, has_values=self._has_values)
            if self._around.machine.descriptors.is_near(max(slot.scratch.fds)):
                slot.close()
                raise NoRoom("too many open files")
        except NoRoom as error:
            self._be_crowded(str(error))
        except OSError as error:
            why = f"{error.strerror}".lower()
            self._be_crowded(why, f"the output of tasks cannot be kept in {self._order['folder']}: {why}", error)
        else:
            self._slots[number] = slot
            self._free.append(slot)

    def _be_crowded(self, why: str, words: str = "", error: OSError | None = None) -> None:
        """There is no room for one more: wait until something has ended, or let the next task end at once."""
        if (error is None or is_want_of_room(error)) and self._around.has_company:
            self._crowded_at = self._around.ended
            if not self._has_remarked:
                self._has_remarked = True
                self.remark(f"no room for more than {len(self._running)} tasks side by side ({why}): others wait")
            return
        task, number, digest = self._queue.first()[:3]
        end = End(task, number, digest)
        end.reason = words or f"the machine has no room for it: {why}"
        self._reports.add(end, 0, -1)
        self._around.ended += 1

    def _is_crowded(self) -> bool:
        if self._crowded_at == self._around.ended and self._around.has_company:
            return True
        self._crowded_at = -1
        return False

    def _settle(self, slot: Slot) -> None:
        """Nothing of the slot's task is to be waited for any more."""
        end = slot.end
        assert end
        self._around.done()
        slot.collect()
        self._around.given_up.update(end.survivors)
        self._reports.leave(slot.left_behind, end.survivors)
        if slot.is_listed and self._hold and not end.survivors:
            self._hold.sessions.end(slot.pid)
        self._go_on(slot)

    def _go_on(self, slot: Slot) -> None:
        """Write what has ended in a slot, and begin tasks in it until one runs."""
        while True:
            can = self._queue and slot.number in self._wanted and not slot.scratch.is_broken
            task = self._queue.next_for(slot.number) if can and not self._is_crowded() else None
            began_us = time.time_ns() // 1000
            offset = slot.archive.append(slot.end, start_line(task[0], task[1], began_us) if task else b"")
            if slot.end:
                self._reports.add(slot.end, slot.number, offset)
                slot.end = None
            if task is None:
                self._rest(slot)
                return
            end = End(task[0], task[1], task[2])
            end.began_us = began_us
            try:
                self._begin(slot, end, task)
            except CannotSpawn as error:
                end.reason = str(error)
            except NoRoom as error:
                if self._around.has_company:
                    self._queue.put_back(task)
                    self._be_crowded(str(error))
                    continue
                end.reason = f"the machine has no room for it: {error}"
            else:
                return
            end.err = end.reason.encode("utf-8", "surrogateescape")
            end.sizes = (0, len(end.err))
            slot.end = end
            self._around.ended += 1

    def _rest(self, slot: Slot) -> None:
        if slot.number not in self._wanted or slot.scratch.is_broken:
            self._shut(slot)
        else:
            self._free.append(slot)

    def _shut(self, slot: Slot) -> None:
        del self._slots[slot.number]
        slot.close()
        if slot.number not in self._wanted:
            self._note_slots()

    def _note_slots(self) -> None:
        self._reports.note_slots({*self._wanted, *self._slots})

    def _begin(self, slot: Slot, end: End, task: list[Any]) -> None:
        """Start the process of a task. CannotSpawn, NoRoom."""
        argv: list[str] = task[3]
        self._serial += 1
        env, path = self.launch.env_for(slot.number, self._serial, task[4])
        word = f"{self._word}.{self._serial}"
        env.update(slot.env)
        pid = -1
        warm = self._warm if self._warm and self._warm.can_begin(argv, task[4]) else None
        if warm:
            warm.begin(self._serial, slot, task, env)
        else:
            pid = self.launch.spawn(argv, env, path, (self._nothing, *slot.scratch.fds))
        slot.begin(end, pid, word, self._around.kills_now())
        slot.forked_by = (warm, self._serial) if warm else None
        self._running[slot.number] = slot
        self._around.began(pid, slot, self)

    # --- what a zygote asks and tells ---

    def forked(self, slot: Slot, pid: int) -> None:
        """The task of a slot has a process."""
        slot.pid = pid
        self._around.forked(pid, slot, self)

    def take_back(self, slot: Slot, task: list[Any], why: str) -> None:
        """The task of a slot has not begun: for want of room, if there is a reason."""
        del self._running[slot.number]
        self._around.done()
        if slot.stopping:
            self._stopping.remove(slot)
        slot.end = None
        if self._why != "stopped":
            self._queue.put_back(task)
            if why:
                self._be_crowded(why)
        self._rest(slot)

    def remark(self, text: str) -> None:
        """Tell people something."""
        self._around.outbox.put({"is": "remarked", "key": self._key, "text": text})

    # --- the end ---

    def _leave(self, now: float) -> None:
        """End what short tasks have left, and then the whole."""
        if self._warm:
            self._warm.close()
        if self._leaves_at == _NEVER:
            self._leave_until = now + _HOPE_SECONDS
        around = self._around
        left = [pid for pid in around.orphans() if around.is_only_fan or self._word in marks_of(pid)]
        if left and now < self._leave_until:
            if now >= self._leave_until - _HOPE_SECONDS + _LINGER_SECONDS:
                for pid in left:
                    self._left_behind.setdefault(pid, name_of(pid))
                    tell(pid, signal.SIGKILL)
            self._leaves_at = now + _CLEAR_SECONDS
            return
        self._around.given_up.update(left)
        self._reports.leave(self._left_behind, left)
        self._end()

    def _end(self) -> None:
        os.chdir("/")
        for slot in list(self._slots.values()):
            self._shut(slot)
        if self._nothing >= 0:
            os.close(self._nothing)
        self._reports.finish(self._why, self._reason, time.monotonic() - self._began)
        self.has_ended = True
