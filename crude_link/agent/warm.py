"""Warm: a zygote as the agent sees it: a process that has done the imports, and whose forks run tasks.

Its forks are no children of ours: it tells when one begins and ends, and passes signals on. Should it die, they
become our children, and are reaped like any other. Where it cannot fork, tasks are started the ordinary way.
"""

from __future__ import annotations

import os
import resource
import time

from crude_link.agent.lean import quote_json, signal
from crude_link.agent.machine import NoRoom
from crude_link.agent.protocol import encode
from crude_link.agent.scratch import Scratch
from crude_link.agent.spawn import CannotSpawn
from crude_link.agent.sweep import tell_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from crude_link.agent.fan import Fan
    from crude_link.agent.fans import Fans
    from crude_link.agent.protocol import Message
    from crude_link.agent.slot import Slot

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zygote.py")
_NEVER = float("inf")
_PIECE = 1 << 16
_MOST_PIECES = 16
_AGAIN_SECONDS = 0.002
#: What an interpreter reads as it starts: with one of these of its own, a task is not started from ours.
_EARLY = ("PYTHON", "LD_", "DYLD_", "MALLOC_")


class Warm:
    """One zygote of one fan-out, opened with its first task."""

    def __init__(self, order: Message, stem: str, fan: Fan, around: Fans) -> None:
        #: Why tasks are started the ordinary way; empty while they need not be.
        self.cold = ""
        self.pid = -1
        self._argv: list[str] = order["argv"]
        self._files: list[str] = order["files"]
        self._turns: int = order["turns"]
        self._stem = stem
        self._fan = fan
        self._around = around
        self._env = fan.launch.env
        self._is_ready = False
        self._ready_due = _NEVER
        self._link = -1
        self._rest = b""
        self._unsaid = b""
        self._scratch: Scratch | None = None
        #: The tasks that it was told to begin and that have not ended, by their serial numbers.
        self._tasks: dict[int, tuple[Slot, list[Any]]] = {}

    def is_awaited(self, timeout: float | None) -> bool:
        """True while no task can be begun yet; opens the zygote when it is first asked."""
        if self.pid < 0 and not self.cold:
            self._open(timeout)
        return not self._is_ready and not self.cold

    def can_begin(self, argv: list[str], env: dict[str, str]) -> bool:
        """True for a task that it can fork."""
        head = self._argv
        return not self.cold and argv[: len(head)] == head and not any(name.startswith(_EARLY) for name in env)

    def begin(self, serial: int, slot: Slot, task: list[Any], env: dict[bytes, bytes]) -> None:
        """Let it fork a task; of `env` it is told what is not its own already."""
        self._tasks[serial] = (slot, task)
        own = {_text(name): _text(value) for name, value in env.items() if self._env.get(name) != value}
        words = ",".join([quote_json(word) for word in task[3][1:]])
        line = f"[{serial},{quote_json(slot.stem)},[{words}],{encode(own).decode('ascii').rstrip()}]\n"
        self._say(line.encode("ascii"))

    def tell(self, serial: int, number: int) -> None:
        """Send a signal to the group of a task."""
        if self.cold:  # its forks are our children now
            tell_group(self._tasks[serial][0].pid, number) if serial in self._tasks else None
            return
        self._say(b"[%d,%d]\n" % (serial, number))

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._flush()
        if now >= self._ready_due:
            self._be_cold("its imports took longer than a task may")
            self.close()

    def due(self) -> float:
        """Return the monotonic time at which `tick` has something to do."""
        return time.monotonic() + _AGAIN_SECONDS if self._unsaid else self._ready_due

    def close(self) -> None:
        """End it, and what its imports have started."""
        self.cold = self.cold or "it is not needed any more"
        if self.pid > 0:
            tell_group(self.pid, signal.SIGKILL)
            self._wait()

    def died(self, status: int) -> None:
        """It is dead, and was reaped."""
        if self.pid < 0:
            return
        if not self.cold:
            how = f"by signal {status & 0x7F}" if status & 0x7F else f"with exit status {status >> 8}"
            when = "in the midst of its tasks" if self._is_ready else "as it did its imports"
            self._be_cold(f"it ended {how} {when}")
        self._forget()
        self._inherit()

    # --- the zygote ---

    def _open(self, timeout: float | None) -> None:
        import _socket  # costs what only warm tasks need

        fan = self._fan
        try:
            self._scratch = Scratch(self._stem, [])
            ours, theirs = _socket.socketpair()
        except OSError as error:
            self._be_cold(f"no socket or file is to be had: {error.strerror}")
            return
        how = "orphans" if self._around.is_reaper else "groups"
        argv = [self._argv[0], _PROGRAM, how, str(self._turns), self._argv[1], *self._files]
        try:
            self.pid = fan.launch.spawn_beside(argv, (theirs.fileno(), *self._scratch.fds))
        except (CannotSpawn, NoRoom) as error:
            self._be_cold(str(error))
            return
        finally:
            theirs.close()
        self._link = ours.detach()
        os.set_blocking(self._link, False)
        self._around.opened(self, self._link, self._read)
        self._ready_due = time.monotonic() + timeout if timeout is not None else _NEVER

    def _forget(self) -> None:
        self._around.closed(self.pid, self._link)
        os.close(self._link)
        self.pid = self._link = -1
        self._unsaid = b""
        self._ready_due = _NEVER
        if self._scratch:
            self._scratch.close()
            self._scratch = None

    def _be_cold(self, why: str) -> None:
        self.cold = why
        self._ready_due = _NEVER
        self._fan.remark(f"tasks are started the ordinary way, not forked from a warm Python: {why}")

    def _inherit(self) -> None:
        """Its forks are our children: those that have begun go on, and are reaped by us; the others begin anew."""
        for serial, (slot, task) in list(self._tasks.items()):
            if slot.pid < 0:
                del self._tasks[serial]
                self._fan.take_back(slot, task, "")
            elif not _exists(slot.pid):
                del self._tasks[serial]
                self._fan.bury(slot, signal.SIGKILL, _usage(0.0, 0.0, 0), is_clear=False)

    def _wait(self) -> None:
        """It is about to be dead."""
        if self.pid > 0:
            try:
                _, status = os.waitpid(self.pid, 0)
            except ChildProcessError:
                status = 0
            self.died(status)

    # --- what is said ---

    def _say(self, line: bytes) -> None:
        self._unsaid += line
        self._flush()

    def _flush(self) -> None:
        """Send what it can take now; it is never waited for, as it may be waiting for us."""
        while self._unsaid and self._link >= 0:
            try:
                self._unsaid = self._unsaid[os.write(self._link, self._unsaid) :]
            except BlockingIOError:
                return
            except OSError:  # it is dead, of which we shall hear
                self._unsaid = b""

    def _read(self) -> None:
        for _ in range(_MOST_PIECES):
            try:
                data = os.read(self._link, _PIECE) if self._link >= 0 else b""
            except OSError:
                return
            if not data:
                self._wait()
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._hear(line.decode("ascii"))

    def _hear(self, line: str) -> None:
        what, _, rest = line.partition(" ")
        if what == "R":
            self._is_ready = True
            self._ready_due = _NEVER
        elif what == "C":
            self._be_cold(rest)
        elif what == "?":
            self._fan.remark(rest)
        elif what == "B":
            serial, pid = map(int, rest.split())
            self._fan.forked(self._tasks[serial][0], pid)
        elif what == "N":
            number, _, why = rest.partition(" ")
            self._fan.take_back(*self._tasks.pop(int(number)), why.lower())
        elif what == "E":
            words = rest.split()
            slot, _ = self._tasks.pop(int(words[0]))
            usage = _usage(float(words[2]), float(words[3]), int(words[4]))
            self._fan.bury(slot, int(words[1]), usage, is_clear=self._around.is_clear(slot.pid))


def _usage(user: float, system: float, peak: int) -> resource.struct_rusage:
    return resource.struct_rusage((user, system, peak, *[0] * 13))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
