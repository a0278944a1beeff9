"""Guard: a small process that outlives a killed agent long enough to end what the agent had started."""

from __future__ import annotations

import os
import time

from crude_link.agent.lean import signal
from crude_link.agent.sweep import Sweep

_MOST_DESCRIPTORS = 1 << 16


class Guard:
    """Knows of the agent's death by the end of a pipe; an agent that ends well says so through it first."""

    def __init__(self, word: str) -> None:
        self.pid = -1
        self._word = word
        self._sink = -1

    def start(self) -> None:
        """Fork the guard, or another in the place of one that died."""
        if self._sink >= 0:
            os.close(self._sink)
        source, self._sink = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _watch(source, self._word)
            finally:
                os._exit(0)
        os.close(source)

    def dismiss(self) -> None:
        """Tell the guard that nothing is left to be ended."""
        try:
            os.write(self._sink, b".")
        except OSError:
            pass


def _watch(source: int, word: str) -> None:
    for ignored in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    # Locks and the ends of pipes must not live on in here.
    os.closerange(3, source)
    os.closerange(source + 1, _MOST_DESCRIPTORS)
    if os.read(source, 1):
        return
    sweep = Sweep(word)
    while not sweep.step(time.monotonic()):
        time.sleep(max(0.0, sweep.due - time.monotonic()))
