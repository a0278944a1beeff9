"""Arrivals: which of an attempt's streams was written to after which, as the kernel tells it (Linux: inotify)."""

from __future__ import annotations

import os
import sys

from crude_link.agent.lean import call_c

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# linux/inotify.h
_IN_MODIFY = 0x2
_EVENT_SIZE = 16
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_PIECE = 1 << 16


class Arrivals:
    """Watches the writing ends of pipes and terminals; where that is not to be had it tells nothing."""

    def __init__(self) -> None:
        self._fd = call_c("inotify_init1", _FLAGS) if os.path.exists("/proc/self/fd") else -1
        self._listeners: dict[int, Callable[[], None]] = {}

    def watch(self, fd: int, listener: Callable[[], None]) -> int:
        """Have `look` call `listener` for each row of writes to `fd`; return the number to forget it by."""
        if self._fd < 0:
            return -1
        number = call_c("inotify_add_watch", self._fd, b"/proc/self/fd/%d" % fd, _IN_MODIFY)
        if number >= 0:
            self._listeners[number] = listener
        return number

    def forget(self, number: int) -> None:
        """Watch no more."""
        if self._listeners.pop(number, None):
            call_c("inotify_rm_watch", self._fd, number)

    def look(self) -> None:
        """Tell of all writes since the last look, in order."""
        while self._fd >= 0:
            try:
                events = os.read(self._fd, _PIECE)
            except OSError:
                return
            for at in range(0, len(events), _EVENT_SIZE):
                # What is watched is no folder: its events bear no names, and are all of one size.
                number = int.from_bytes(events[at : at + 4], sys.byteorder)
                mask = int.from_bytes(events[at + 4 : at + 8], sys.byteorder)
                listener = self._listeners.get(number)
                if listener and mask & _IN_MODIFY:
                    listener()
            if len(events) < _PIECE:
                return
