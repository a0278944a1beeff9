"""Guard: a small process that outlives a killed agent long enough to end what the agent had started.

It holds the agent's locks with it: nobody takes a run for dead, and gives what its steps use to others, before
nothing of it lives.
"""

from __future__ import annotations

import _socket
import os
import sys
import time

from crude_link.agent.lean import signal
from crude_link.agent.sessions import listed_sessions
from crude_link.agent.sweep import Sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_DESCRIPTORS = 1 << 16
_INT = 4


class Guard:
    """Knows of the agent's death by the end of a socket; an agent that ends well says so through it first."""

    def __init__(self, word: str) -> None:
        self.pid = -1
        self._word = word
        self._sink: _socket.socket | None = None
        #: The locks that the agent holds, each with its descriptor: beside them stand the sessions of its steps.
        self._locks: dict[str, int] = {}

    def start(self) -> None:
        """Fork the guard, or another in the place of one that died."""
        if self._sink:
            self._sink.close()
        source, self._sink = _socket.socketpair()
        self._sink.setblocking(False)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _watch(source, self._word)
            finally:
                os._exit(0)
        source.close()
        for lock, fd in self._locks.items():
            self._hand_over(lock, fd)

    def note(self, lock: str, fd: int) -> None:
        """Let the guard hold a lock too, from now on."""
        self._locks[lock] = fd
        self._hand_over(lock, fd)

    def forget(self, lock: str) -> None:
        """Tell the guard of a lock that is not held any more."""
        self._locks.pop(lock, None)
        self._say(f"-{_hex(lock)}")

    def dismiss(self) -> None:
        """Tell the guard that nothing is left to be ended."""
        self._say(".")

    def _hand_over(self, lock: str, fd: int) -> None:
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fd.to_bytes(_INT, sys.byteorder))
        self._say(f"+{_hex(lock)}", [rights])

    def _say(self, line: str, beside: list[tuple[int, int, bytes]] | None = None) -> None:
        try:
            if self._sink:
                self._sink.sendmsg([f"{line}\n".encode("ascii")], beside or [])
        except OSError:
            pass


def _watch(source: _socket.socket, word: str) -> None:
    for ignored in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    # The ends of pipes must not live on in here, nor locks of which we are not told that they are let go.
    os.closerange(3, source.fileno())
    os.closerange(source.fileno() + 1, _MOST_DESCRIPTORS)
    locks: dict[str, int] = {}
    for line, fd in _lines(source):
        if line == b".":
            return
        lock = bytes.fromhex(line[1:].decode("ascii")).decode("utf-8", "surrogateescape")
        if lock in locks:
            os.close(locks.pop(lock))
        if fd >= 0:
            locks[lock] = fd
    sessions: dict[int, int] = {}
    for lock in locks:
        sessions.update(listed_sessions(lock, word))
    sweep = Sweep(word, sessions)
    while not sweep.step(time.monotonic()):
        time.sleep(max(0.0, sweep.due - time.monotonic()))


def _lines(source: _socket.socket) -> Iterator[tuple[bytes, int]]:
    """Yield what the agent says until it dies, each line with the descriptor that came with it; -1: none."""
    text = b""
    fds: list[int] = []
    while True:
        try:
            data, beside, _, _ = source.recvmsg(4096, _socket.CMSG_SPACE(_INT))
        except OSError:
            return
        if not data:
            return
        fds += [int.from_bytes(rights[:_INT], sys.byteorder) for _, _, rights in beside]
        *lines, text = (text + data).split(b"\n")
        for line in lines:
            yield line, fds.pop(0) if line[:1] == b"+" and fds else -1


def _hex(lock: str) -> str:
    return lock.encode("utf-8", "surrogateescape").hex()
