"""Deaths: wakes a loop when a child has died, without the detour over a signal handler (Linux: signalfd)."""

from __future__ import annotations

import os
import sys

from crude_link.agent.lean import call_c, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crude_link.agent.loop import Loop

_SET_BYTES = 128  # sigset_t of any C library
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_PIECE = 4096


def watch_deaths(loop: Loop) -> None:
    """Worth its start only where many die: half of what a turn of the loop costs; without it handlers do it."""
    if sys.platform != "linux" or sys.byteorder != "little":
        return
    mask = (1 << (signal.SIGCHLD - 1)).to_bytes(_SET_BYTES, "little")
    fd = call_c("signalfd", -1, mask, _FLAGS)
    if fd < 0:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])

    def drain() -> None:
        try:
            os.read(fd, _PIECE)
        except OSError:
            pass

    loop.watch(fd, drain)
