"""Agent link: the pipes to one agent, and our wishes in its language."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.agent.protocol import Inbox, Outbox, encode
from crude_link.model.order import Order, Screen
from crude_link.model.wish import CloseFan, Hold, Keyboard, Release, Resize, SetSlots, SetTimeout, Stop, Wish

if TYPE_CHECKING:
    from crude_link.agent.protocol import Message

#: An agent that nobody talks to any more ends its steps within INT, 2 s, TERM, 2 s, KILL, 5 s.
_LONGEST_GOODBYE_MILLISECONDS = 12_000
#: An agent reads all the time; one that does not is suspended, and gets the rest later.
_LONGEST_SEND_MILLISECONDS = 200
_LONGEST_COMPLAINT = 1 << 16


class AgentLink:
    """One agent, reached through three pipes; `pid` is the process at our end of them."""

    def __init__(self, *, pid: int, orders: int, facts: int, complaints: int) -> None:
        self.pid = pid
        self._orders = Outbox(orders)
        self._facts = Inbox(facts)
        self._complaints = complaints
        self._is_closed = False
        os.set_blocking(complaints, False)

    def fileno(self) -> int:
        """Readable when the agent has said something, or is gone."""
        return self._facts.fd

    @property
    def has_ended(self) -> bool:
        """True when the agent is gone."""
        return self._facts.has_ended

    def send(self, message: Message) -> None:
        """Say something; waits for no more than the agent needs to read what does not fit into the pipe."""
        self.send_line(encode(message))

    def send_line(self, line: bytes) -> None:
        """Say something that is encoded already."""
        self._orders.put_line(line)
        self._orders.flush()
        if self._orders.size:
            room = select.poll()
            room.register(self._orders.fd, select.POLLOUT)
            while self._orders.size and room.poll(_LONGEST_SEND_MILLISECONDS):
                self._orders.flush()

    def messages(self) -> Sequence[Message]:
        """Return what the agent has said, without waiting."""
        self._orders.flush()
        return self._facts.read()

    def last_words(self) -> str:
        """Return what an agent that failed wrote on its stderr."""
        with contextlib.suppress(OSError):
            return os.read(self._complaints, _LONGEST_COMPLAINT).decode(errors="replace").strip()
        return ""

    def close(self) -> None:
        """Hang up, wait until the agent has ended what it had begun, and reap it. Repeating it is harmless."""
        if self._is_closed:
            return
        os.close(self._orders.fd)
        waiting = select.poll()
        waiting.register(self._facts.fd, select.POLLIN)
        while not self._facts.has_ended and waiting.poll(_LONGEST_GOODBYE_MILLISECONDS):
            self._facts.read()
        self._reap()

    def _reap(self) -> None:
        self._is_closed = True
        # Gone already, or stuck: then its guard ends what it had begun.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self._facts.fd)
        os.close(self._complaints)


def order_message(order: Order) -> Message:
    """Put an order into the agent's language."""
    return {
        "do": "start",
        "run": order.key.run,
        "key": str(order.key),
        "argv": order.argv,
        "env": dict(order.env),
        "cwd": whole_path(order.cwd),
        "stdout": whole_path(order.log.stdout),
        "stderr": whole_path(order.log.stderr),
        "index": whole_path(order.log.index),
        "stdin": order.stdin.value,
        "timeout": order.timeout.total_seconds() if order.timeout is not None else None,
        "grace": order.stop_grace.total_seconds(),
        "masks": order.masks,
        "screens": {"stdout": _size(order.view.stdout), "stderr": _size(order.view.stderr)},
    }


def wish_message(wish: Wish) -> Message:
    """Put a wish into the agent's language."""
    match wish:
        case Hold(run=run, lock=lock, sweep=sweep):
            return {"do": "hold", "run": run, "lock": whole_path(lock), "sweep": sweep}
        case Release(run=run):
            return {"do": "release", "run": run}
        case CloseFan(key=key, forget=forget):
            return {"do": "close", "key": str(key), "forget": forget}
        case SetSlots(key=key, slots=slots, environments=environments):
            return {"do": "slots", "key": str(key), "slots": slots, "envs": environments}
        case SetTimeout(key=key, timeout=timeout, words=words):
            return {"do": "timeout", "key": str(key), "seconds": timeout.total_seconds(), "words": words}
        case Stop(key=key, now=now):
            return {"do": "stop", "key": str(key), "now": now}
        case Resize(screen=screen):
            return {"do": "resize", "rows": screen.rows, "columns": screen.columns}
        case Keyboard(key=key, data=data):
            return {"do": "keyboard", "key": str(key), "data": data.decode("latin-1")}
        case _:
            raise AssertionError(wish)


def _size(screen: Screen | None) -> list[int] | None:
    return [screen.rows, screen.columns] if screen else None


def whole_path(path: Path) -> str:
    return str(Path.cwd() / path)
