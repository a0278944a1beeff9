"""Zygote reuse: processes that run one task after the other, as long as each leaves nothing but what it returns.

A worker that has done a task says so with a line, `USER SYSTEM PEAK`, of all it has used so far; an order to it is
the line that came from the agent. It ends, as any process of a task does, with a task that does not return, that
leaves a thread or a process behind, or that is signalled; and when its orders end, after so many tasks.
"""

from __future__ import annotations

import os
import resource
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn


class Worker:
    """A process for the tasks of one slot, and the pipes to and from it. OSError when there are none to be had."""

    def __init__(self, stem: str, turns: int) -> None:
        self.stem = stem
        #: How many more tasks it is to be given.
        self.left = turns - 1
        self.pid = -1
        #: The task that it runs; -1: none.
        self.serial = -1
        self.is_watched = False
        #: What it had used, and how large it had become, when its task began.
        self.used = (0.0, 0.0, 0)
        self._orders_end, self.orders = os.pipe()
        try:
            self.ends, self._ends_end = os.pipe()
        except OSError:
            os.close(self._orders_end)
            os.close(self.orders)
            raise
        os.set_blocking(self.ends, False)

    def begun(self, serial: int, pid: int) -> None:
        """It has been forked, with its first task."""
        self.serial, self.pid = serial, pid
        os.close(self._orders_end)
        os.close(self._ends_end)

    def give_up(self) -> None:
        """It could not be forked."""
        self.close()
        os.close(self._orders_end)
        os.close(self._ends_end)

    def close(self) -> None:
        """Let go of it: it ends once it has done what it does."""
        os.close(self.orders)
        os.close(self.ends)

    def since(self, user: float, system: float, peak: int) -> tuple[float, float, int]:
        """Return what its task alone has used; its peak, 0 where an earlier one had been higher."""
        before = self.used
        self.used = (user, system, max(peak, before[2]))
        return max(user - before[0], 0.0), max(system - before[1], 0.0), peak if peak > before[2] else 0

    # --- in the process itself ---

    def work(self, script: Any, argv: list[str], dress: Callable[[str, dict[str, str]], None]) -> NoReturn:
        """Do a task, and then those that come; `dress` takes on the files and the environment of one."""
        self.close()
        decode = sys.modules["_crude_link_lean"].decode_json
        own, here = os.getpid(), os.open(".", os.O_RDONLY)
        orders = open(self._orders_end, "rb", buffering=1 << 16)  # noqa: SIM115  # for as long as we live
        while True:
            script.do(argv)
            if os.getpid() != own or not _is_clean() or not self._tell():
                script.end()
            line = orders.readline()
            if not line:
                _write_nowhere()
                script.end()
            _, stem, argv, env = decode(line.decode("ascii"))
            os.fchdir(here)
            dress(stem, env)

    def _tell(self) -> bool:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        user, system = sum(each.ru_utime for each in used), sum(each.ru_stime for each in used)
        try:
            os.write(self._ends_end, b"%.6f %.6f %d\n" % (user, system, max(each.ru_maxrss for each in used)))
        except OSError:
            return False
        return True


class Workers:
    """All that live, by their processes."""

    def __init__(self, turns: int, watch: Any) -> None:
        """`watch` is a poll, in which a worker that has done its task is seen."""
        self._turns = turns
        self._watch = watch
        self._by_pid: dict[int, Worker] = {}

    def new(self, stem: str) -> Worker:
        """Return one that is to be forked. OSError."""
        return Worker(stem, self._turns)

    def add(self, worker: Worker) -> None:
        """One was forked."""
        self._by_pid[worker.pid] = worker
        self._watch.register(worker.ends, select.POLLIN)
        worker.is_watched = True

    def hand(self, serial: int, stem: str, line: bytes) -> int:
        """Give an order to the one of a slot that waits; return its process, 0: there is none."""
        for worker in self._by_pid.values():
            if worker.stem == stem and worker.serial < 0:
                worker.left -= 1
                try:
                    _write_all(worker.orders, line)
                except OSError:  # it is about to be reaped
                    return 0
                worker.serial = serial
                return worker.pid
        return 0

    def done(self, signalled: set[int]) -> list[tuple[int, tuple[float, float, int]]]:
        """Return the tasks that were done, and what each has used; those `signalled` were their processes' last."""
        found = []
        for worker in list(self._by_pid.values()):
            line = _read(worker.ends) if worker.serial >= 0 else None
            if line is None:
                continue
            if not line:  # it is about to be reaped
                self._stop_watching(worker)
                continue
            user, system, peak = line.split()
            serial, worker.serial = worker.serial, -1
            found.append((serial, worker.since(float(user), float(system), int(peak))))
            if not worker.left or serial in signalled:
                self._let_go(worker)
        return found

    def died(self, pid: int) -> Worker | None:
        """Forget one that was reaped."""
        worker = self._by_pid.pop(pid, None)
        if worker and worker.orders >= 0:
            self._let_go(worker)
        return worker

    def idle(self) -> list[int]:
        """Return the processes of those that do nothing."""
        return [worker.pid for worker in self._by_pid.values() if worker.serial < 0]

    def leave(self) -> None:
        """In another process: let go of all."""
        for worker in self._by_pid.values():
            if worker.orders >= 0:
                worker.close()

    def _let_go(self, worker: Worker) -> None:
        self._stop_watching(worker)
        worker.close()
        worker.orders = worker.ends = -1
        worker.stem = ""

    def _stop_watching(self, worker: Worker) -> None:
        if worker.is_watched:
            worker.is_watched = False
            self._watch.unregister(worker.ends)


def _is_clean() -> bool:
    """True when a task has left neither a thread nor a process behind, and all it has written is written."""
    threading = sys.modules.get("threading")
    if threading and any(not one.daemon and one is not threading.main_thread() for one in threading.enumerate()):
        return False
    try:
        if hasattr(os, "waitid"):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return False
    except ChildProcessError:
        pass
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True


def _write_nowhere() -> None:
    """Nobody listens any more."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in (1, 2):
        os.dup2(nothing, number)


def _read(fd: int) -> bytes | None:
    """Return what is there; None while there is nothing."""
    try:
        return os.read(fd, 200)
    except BlockingIOError:
        return None


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
