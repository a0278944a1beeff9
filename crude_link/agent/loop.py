"""Loop: waits for descriptors and tells whoever watches them."""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """One `poll` for everything; handlers are called from `turn`."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}

    def watch(self, fd: int, handler: Callable[[], None], *, writing: bool = False) -> None:
        """Call `handler` whenever `fd` can be read (or written), or has hung up."""
        self._handlers[fd] = handler
        self._poll.register(fd, select.POLLOUT if writing else select.POLLIN)

    def forget(self, fd: int) -> None:
        """Watch `fd` no more; call it before `fd` is closed. Harmless when it is not watched."""
        if self._handlers.pop(fd, None):
            self._poll.unregister(fd)

    def turn(self, seconds: float | None) -> None:
        """Wait until something is ready, at most so long, and call the handlers."""
        wait = None if seconds is None else max(0, int(seconds * 1000 + 0.999))
        for fd, _ in self._poll.poll(wait):
            handler = self._handlers.get(fd)
            if handler:
                handler()
