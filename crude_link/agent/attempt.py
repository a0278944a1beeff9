"""Attempt: one try at a task, from its order to the facts of its end."""

from __future__ import annotations

import os
import sys
import time

from crude_link.agent.channels import Channels
from crude_link.agent.lean import signal
from crude_link.agent.machine import NoRoom
from crude_link.agent.output import Index, Output, pack_size
from crude_link.agent.processes import MARK, descendants, name_of, session_memory
from crude_link.agent.spawn import CannotSpawn, spawn
from crude_link.agent.stopping import Stopping
from crude_link.agent.streams import Streams
from crude_link.agent.sweep import tell, tell_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource
    from collections.abc import Callable
    from typing import Any

    from crude_link.agent.arrivals import Arrivals
    from crude_link.agent.loop import Loop
    from crude_link.agent.machine import Machine, OutOfMemory
    from crude_link.agent.protocol import Message

_SAMPLE_SECONDS = 5.0
_CLEAR_SECONDS = 0.02
#: What a process has started may take so long to notice its end and to end by itself: `tee`, helpers of Python.
_LINGER_SECONDS = 0.2
_HOPE_SECONDS = 5.0
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Attempt:
    """Knows its process, its outputs and how it is to be stopped; the agent tells it when something is due."""

    def __init__(self, order: Message, word: str, loop: Loop, say: Callable[[Message], None]) -> None:
        self.key: str = order["key"]
        self.run: int = order["run"]
        #: The mark that this attempt alone bears.
        self.word = word
        self.pid = -1
        #: True when `facts` may be asked for.
        self.has_ended = False
        self._order = order
        self._loop = loop
        self._say = say
        self._began = time.monotonic()
        self._ended_at = self._began
        self._stopping: Stopping | None = None
        self._reason = ""
        #: Why it ended, where no process ever was.
        self._ending = "not started"
        self._status: int | None = None
        self._usage: tuple[float, int] = (0.0, 0)
        self._group_peak = 0
        self._sample_due = self._began + _SAMPLE_SECONDS
        self._out_of_memory = False
        self._kills_before = 0
        self._channels: Channels | None = None
        self._outputs: tuple[Output, ...] = ()
        self._streams: Streams | None = None
        self._index: Index | None = None
        self._escapees: Callable[[Attempt], list[int]] = lambda _: []
        self._linger_until = 0.0
        self._clear_due = 0.0
        self._clear_until = 0.0
        self._survivors: list[int] = []
        #: Names of what had to be ended after the process had ended by itself.
        self._left_behind: dict[int, str] = {}
        self._seen: dict[int, str] = {}

    @property
    def is_dead(self) -> bool:
        """True when its process was reaped, or never was."""
        return self._status is not None or self.pid < 0

    # --- its life, in order ---

    def start(self, marks: str, machine: Machine, escapees: Callable[[Attempt], list[int]]) -> None:
        """Start the process and say so, or end at once with the reason. `escapees` finds what left its group.

        NoRoom: it has ended without a trace, and may be tried again as another Attempt.
        """
        order = self._order
        self._escapees = escapees
        self._kills_before = machine.memory.count()
        env = dict(order["env"])
        env[MARK] = marks
        has_keyboard = order["stdin"] == "terminal"
        try:
            self._channels = Channels(order["screens"], has_keyboard)
            if machine.descriptors.is_near(max(self._channels.inner)):
                raise NoRoom("too many open files")
            streams = self._open_files(machine.arrivals)
            streams.expect(self._channels.inner[1:])
            with machine.descriptors:
                inner = machine.descriptors.low(self._channels.inner)
                self.pid = spawn(order["argv"], env, order["cwd"], inner, has_keyboard)
        except CannotSpawn as error:
            self._give_up(str(error))
            return
        except NoRoom:
            self._end()
            raise
        self._channels.connect(streams)
        self._tell("started", pid=self.pid)

    def refuse(self, reason: str, why: str = "not started") -> None:
        """End it before it began."""
        self._reason = reason
        self._ending = why
        self._ended_at = time.monotonic()
        self.has_ended = True

    def stop(self, why: str, *, now: bool) -> None:
        """Begin to end it; with `now`, KILL at once. Harmless when repeated or too late."""
        if self._status is not None:
            return
        moment = time.monotonic()
        if self._stopping is None:
            self._stopping = Stopping(why, self._order["grace"], moment)
        if now:
            self._stopping.hurry(moment)
        self.tick(moment)

    def stop_soon(self, grace: float) -> None:
        """Nobody waits for it any more: end it with no more than so much grace."""
        self.stop("stopped", now=False)
        if self._stopping:
            self._stopping.shorten(grace, time.monotonic())

    def die(self, memory: OutOfMemory) -> None:
        """Its process is a zombie: reap it, and end what it has left.

        The group is ended at once, while the zombie still reserves its number, unless something in it may linger.
        """
        has_ended_itself = self._stopping is None
        left = self._left() if has_ended_itself else []
        if left:
            self._linger_until = time.monotonic() + _LINGER_SECONDS
        else:
            tell_group(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        self._bury(status, usage, memory)
        if has_ended_itself and not left:
            self._end()
        else:
            self._clear(self._ended_at)

    def look(self, memory: OutOfMemory) -> None:
        """Where a zombie cannot be seen without reaping it: reap the process if it is dead, then end its group."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid:
            tell_group(self.pid, signal.SIGKILL)
            self._bury(status, usage, memory)
            self._clear(self._ended_at)

    def _bury(self, status: int, usage: resource.struct_rusage, memory: OutOfMemory) -> None:
        self._status = status
        self._ended_at = time.monotonic()
        self._usage = (usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _RSS_UNIT)
        has_killed = self._stopping is not None and self._stopping.has_killed
        self._out_of_memory = status != 0 and not has_killed and memory.count() > self._kills_before
        self._clear_until = self._ended_at + _HOPE_SECONDS

    def tick(self, now: float) -> None:
        """Do what is due."""
        for output in self._outputs:
            output.tick(now)
        if self._index:
            self._index.tick(now)
        if self._status is not None:
            if not self.has_ended and now >= self._clear_due:
                self._clear(now)
            return
        timeout = self._order["timeout"]
        if timeout is not None and self._stopping is None and now >= self._began + timeout:
            self._stopping = Stopping("timed out", self._order["grace"], now)
        if self._stopping and now >= self._stopping.due:
            self._signal(self._stopping.step(now))
        if now >= self._sample_due:
            self._sample_due = now + _SAMPLE_SECONDS
            self._group_peak = max(self._group_peak, session_memory(self.pid))

    def due(self) -> float:
        """Return the monotonic time at which `tick` has something to do."""
        if self.has_ended:
            return 0.0
        times = [moment for moment in [output.due() for output in self._outputs] if moment is not None]
        if self._status is not None:
            return min([self._clear_due, *times])
        times.append(self._sample_due)
        if self._stopping:
            times.append(self._stopping.due)
        elif self._order["timeout"] is not None:
            times.append(self._began + self._order["timeout"])
        return min(times)

    # --- what a person does ---

    def press(self, data: bytes) -> None:
        """Hand keys to the process."""
        if self._channels:
            self._channels.press(data)

    def resize(self, rows: int, columns: int) -> None:
        """Tell the process of the new size of the person's terminal."""
        size = pack_size(rows, columns)
        for output in self._outputs:
            output.resize(size)
        if self._channels:
            self._channels.resize(size)
        if self.pid > 0 and self._status is None:
            tell_group(self.pid, signal.SIGWINCH)

    def pause(self) -> None:
        """Take no output for now."""
        if self._streams:
            self._streams.pause()

    def go_on(self) -> None:
        """Take output again."""
        if self._streams:
            self._streams.go_on()

    # --- its end ---

    def facts(self, floor: int) -> Message:
        """Return all that is known of its end; `floor` is the agent's own peak memory, which children inherit."""
        status = self._status
        stopping = self._stopping
        cpu, peak = self._usage
        failed = bool(status) or status is None
        return {
            "is": "ended",
            "key": self.key,
            "pid": self.pid,
            "why": self._ending if self.pid < 0 else stopping.why if stopping else "exited",
            "reason": self._reason,
            "exit": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            "killed": stopping is not None and stopping.has_killed,
            "out_of_memory": self._out_of_memory,
            "wall": self._ended_at - self._began,
            "cpu": cpu,
            "peak": max(peak, self._group_peak) or None,
            "peak_is_bound": 0 < peak <= floor and self._group_peak <= peak,
            "stdout_bytes": self._outputs[0].file.size if self._outputs else 0,
            "stderr_bytes": self._outputs[1].file.size if self._outputs else 0,
            "survivors": self._survivors,
            "left": list(self._left_behind.values()),
            "trouble": next((output.file.trouble for output in self._outputs if output.file.trouble), ""),
            "tail": self._outputs[1].tail.decode("latin-1") if failed and self._outputs else "",
        }

    def _open_files(self, arrivals: Arrivals) -> Streams:
        order = self._order
        masks = [mask.encode("utf-8", "surrogateescape") for mask in order["masks"]]
        index = Index(order["index"], self._began, lambda text: self._tell("remarked", text=text))
        self._index = index
        for name in ("stdout", "stderr"):
            self._outputs += (Output(name, order[name], masks, index, self._tell),)
        self._streams = Streams(self._outputs, arrivals, self._loop)
        return self._streams

    def _give_up(self, reason: str) -> None:
        self._reason = reason
        self._end()

    def _signal(self, number: int | None) -> None:
        if sys.platform != "linux":
            self._seen.update(descendants(self.pid))
        if number is None:
            self._ended_at = time.monotonic()
            self._survivors = [self.pid, *self._left()]
            self._end()
        elif self.pid > 0:
            tell_group(self.pid, number)

    def _clear(self, now: float) -> None:
        """End what left the group; over when none of it is found any more, or when KILL does not help."""
        left = self._left()
        if left and now < self._clear_until:
            if now >= self._linger_until:
                self._kill(left)
            self._clear_due = now + _CLEAR_SECONDS
            return
        self._survivors = left
        self._end()

    def _kill(self, left: list[int]) -> None:
        for pid in left:
            if self._stopping is None:
                self._left_behind.setdefault(pid, name_of(pid))
            tell(pid, signal.SIGKILL)

    def _left(self) -> list[int]:
        left = self._escapees(self)
        if self._seen:
            present = descendants(1)
            left += [pid for pid, start in self._seen.items() if present.get(pid) == start and pid != self.pid]
        return left

    def _end(self) -> None:
        if self._streams:
            self._streams.finish()
        for output in self._outputs:
            output.finish()
        if self._index:
            self._index.finish()
        if self._channels:
            self._channels.close()
        self.has_ended = True

    def _tell(self, kind: str, **facts: Any) -> None:
        message: Message = {"is": kind, "key": self.key}
        message.update(facts)
        self._say(message)
