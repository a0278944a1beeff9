"""Local: steps run on the machine on which crude-link itself runs."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path

import crude_link
from crude_link.errors import ExecutorError
from crude_link.executors.agent_executor import AgentExecutor
from crude_link.executors.agent_link import AgentLink
from crude_link.interfaces import Clock

#: The folder of our package comes last, so that nothing beside it can shadow the standard library.
_PROGRAM = "import sys; sys.path.append({!r}); from crude_link.agent.main import main; main()"

_DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)


class LocalExecutor(AgentExecutor):
    """Opens its agent at once, so that it gets ready while everything else is being read."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(open_local_agent, os.uname().nodename, clock)


def open_local_agent() -> AgentLink:
    """Start an agent in a session of its own. ExecutorError when the machine does not let us."""
    program = _PROGRAM.format(str(Path(crude_link.__file__).resolve().parent.parent))
    pipes = [_pipe() for _ in range(3)]
    (orders_source, orders), (facts, facts_sink), (complaints, complaints_sink) = pipes
    inner = (orders_source, facts_sink, complaints_sink)
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", program],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(inner)],
            setsid=True,
            setsigmask=[],
            setsigdef=_DEFAULT_SIGNALS,
        )
    except OSError as error:
        for fd in (orders, facts, complaints):
            os.close(fd)
        raise ExecutorError(f"cannot start an agent with {sys.executable}: {error.strerror}") from error
    finally:
        for fd in inner:
            os.close(fd)
    return AgentLink(pid=pid, orders=orders, facts=facts, complaints=complaints)


def _pipe() -> tuple[int, int]:
    """Open a pipe that keeps clear of 0, 1 and 2: whoever started us may have left them closed."""
    source, sink = os.pipe()
    return _high(source), _high(sink)


def _high(fd: int) -> int:
    if fd > 2:
        return fd
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return high
