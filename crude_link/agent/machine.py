"""Machine: what the agent tells of the machine it is on."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crude_link.agent.protocol import Message


def greeting() -> Message:
    """Return the first message of an agent."""
    return {
        "is": "hello",
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "platform": sys.platform,
        "python": sys.version.split()[0],
        "cores": _cores(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class OutOfMemory:
    """Counts the kernel's kills for want of memory, on the machine and in our own control group."""

    def __init__(self) -> None:
        self._fds: list[int] | None = None

    def count(self) -> int:
        """Return the count so far; only its rise means anything. Always 0 where the kernel does not tell."""
        if self._fds is None:
            self._fds = [fd for fd in map(_open_counter, [*_cgroup_files(), "/proc/vmstat"]) if fd >= 0]
        return sum([_count_in(fd) for fd in self._fds])


def _cgroup_files() -> list[str]:
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    files = []
    for number, controllers, path in lines:
        if number == "0":
            files.append(f"/sys/fs/cgroup{path}/memory.events")
        elif "memory" in controllers.split(","):
            files.append(f"/sys/fs/cgroup/memory{path}/memory.oom_control")
    return files


def _open_counter(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _count_in(fd: int) -> int:
    try:
        text = b"\n" + os.pread(fd, 1 << 16, 0)
    except OSError:
        return 0
    at = text.find(b"\noom_kill ")
    return int(text[at + 10 :].split(None, 1)[0]) if at >= 0 else 0
