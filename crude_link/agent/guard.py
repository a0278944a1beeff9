"""Guard: a small process that outlives a killed agent long enough to end what the agent had started."""

from __future__ import annotations

import os
import time

from crude_link.agent.lean import signal
from crude_link.agent.sessions import listed_sessions
from crude_link.agent.sweep import Sweep

_MOST_DESCRIPTORS = 1 << 16


class Guard:
    """Knows of the agent's death by the end of a pipe; an agent that ends well says so through it first."""

    def __init__(self, word: str) -> None:
        self.pid = -1
        self._word = word
        self._sink = -1
        #: The locks that the agent holds: beside them stand the sessions of its steps.
        self._locks: set[str] = set()

    def start(self) -> None:
        """Fork the guard, or another in the place of one that died."""
        if self._sink >= 0:
            os.close(self._sink)
        source, self._sink = os.pipe()
        os.set_blocking(self._sink, False)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _watch(source, self._word, self._locks)
            finally:
                os._exit(0)
        os.close(source)

    def note(self, lock: str) -> None:
        """Tell the guard of a lock that is held from now on."""
        self._locks.add(lock)
        self._say(f"+{lock.encode('utf-8', 'surrogateescape').hex()}")

    def forget(self, lock: str) -> None:
        """Tell the guard of a lock that is not held any more."""
        self._locks.discard(lock)
        self._say(f"-{lock.encode('utf-8', 'surrogateescape').hex()}")

    def dismiss(self) -> None:
        """Tell the guard that nothing is left to be ended."""
        self._say(".")

    def _say(self, line: str) -> None:
        try:
            os.write(self._sink, f"{line}\n".encode("ascii"))
        except OSError:
            pass


def _watch(source: int, word: str, locks: set[str]) -> None:
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
    with open(source, "rb") as lines:
        for line in lines:
            if line == b".\n":
                return
            lock = bytes.fromhex(line[1:].decode("ascii")).decode("utf-8", "surrogateescape")
            (locks.add if line[:1] == b"+" else locks.discard)(lock)
    sessions: dict[int, int] = {}
    for lock in locks:
        sessions.update(listed_sessions(lock, word))
    sweep = Sweep(word, sessions)
    while not sweep.step(time.monotonic()):
        time.sleep(max(0.0, sweep.due - time.monotonic()))
