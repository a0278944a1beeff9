"""Machine: what the agent tells of the machine it is on, and how much of it it may use."""

from __future__ import annotations

import errno
import os
import resource
import sys

from crude_link.agent.arrivals import Arrivals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crude_link.agent.protocol import Message

#: Each attempt needs seven.
_MANY_DESCRIPTORS = 1 << 16
#: For the files of the attempt that is beginning, and for our looks into /proc.
_SPARE_DESCRIPTORS = 24
#: What passes as soon as others have ended: too many open files, processes, or too much memory in use.
_PASSING = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


class NoRoom(Exception):
    """The machine has no room for one more attempt just now; the text says for want of what."""


def is_want_of_room(error: OSError) -> bool:
    """True for an error that may not come again when others have ended."""
    return error.errno in _PASSING


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


class DescriptorLimit:
    """How many descriptors a process may have: many for the agent, and, while it is entered, the usual number."""

    def __init__(self) -> None:
        self._usual = resource.getrlimit(resource.RLIMIT_NOFILE)
        soft, hard = self._usual
        self._many = (_MANY_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MANY_DESCRIPTORS), hard)
        self._is_raised = soft != resource.RLIM_INFINITY and soft < self._many[0] and self._set(self._many)
        self._nothing, *self._low = [os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC) for _ in range(4)]
        self._has_lent = False

    def is_near(self, fd: int) -> bool:
        """True when a descriptor just opened leaves few: the lowest free number is always the next."""
        soft = (self._many if self._is_raised else self._usual)[0]
        return soft != resource.RLIM_INFINITY and fd >= soft - _SPARE_DESCRIPTORS

    def low(self, fds: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return descriptors for the same, until `__exit__`: posix_spawn takes none above the limit that is set."""
        if not self._is_raised or max(fds) < self._usual[0]:
            return fds
        self._has_lent = True
        first, second, third = (
            os.dup2(fd, low, inheritable=False) if fd >= 0 else fd for fd, low in zip(fds, self._low)
        )
        return first, second, third

    def __enter__(self) -> None:
        if self._is_raised:
            self._set(self._usual)

    def __exit__(self, *_: object) -> None:
        if self._is_raised:
            self._set(self._many)
        if self._has_lent:
            self._has_lent = False
            for low in self._low:
                os.dup2(self._nothing, low, inheritable=False)

    def _set(self, limits: tuple[int, int]) -> bool:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except (OSError, ValueError):
            return False
        return True


class Machine:
    """What all attempts share of the machine."""

    def __init__(self) -> None:
        self.memory = OutOfMemory()
        self.arrivals = Arrivals()
        self.descriptors = DescriptorLimit()
