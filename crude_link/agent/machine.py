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
    """Counts the kernel's kills for want of memory: of our cgroup where it can be known, else of the machine."""

    def __init__(self) -> None:
        self._fd: int | None = None

    def count(self) -> int | None:
        """Return the count so far; None where the kernel does not tell."""
        if self._fd is None:
            self._fd = self._open()
        if self._fd < 0:
            return None
        try:
            return _count_in(os.pread(self._fd, 1 << 16, 0))
        except OSError:
            return None

    def _open(self) -> int:
        for path in [*_cgroup_files(), "/proc/vmstat"]:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
            if _count_in(os.pread(fd, 1 << 16, 0)) is not None:
                return fd
            os.close(fd)
        return -1


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


def _count_in(text: bytes) -> int | None:
    for line in text.split(b"\n"):
        if line.startswith(b"oom_kill "):
            return int(line.split()[1])
    return None
