"""An executor on a bench: what tests of executors and of the agent share."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

from crude_link.interfaces import Executor
from crude_link.model.event import Ended, ExecutorEvent, Started
from crude_link.model.order import LogPlace, Order
from crude_link.model.run import AttemptKey, Outcome
from crude_link.model.wish import Hold


class Bench:
    """An executor under test, with a run held on it and a folder for its files."""

    def __init__(self, executor: Executor, folder: Path) -> None:
        self.executor = executor
        self.folder = folder
        self.seen: list[ExecutorEvent] = []
        self._unread: list[ExecutorEvent] = []

    def order(self, step: str, *argv: str, run: int = 1, **changes: object) -> Order:
        place = {name: self.folder / f"{run}-{step}.{name}" for name in ("stdout", "stderr", "index")}
        fields: dict[str, object] = {
            "key": AttemptKey(run, step, 1, 1),
            "argv": argv,
            "env": {"PATH": os.environ["PATH"]},
            "cwd": self.folder,
            "log": LogPlace(**place),
            "stop_grace": timedelta(seconds=1),
        }
        return Order(**{**fields, **changes})  # type: ignore[arg-type]  # the test gives the right ones

    def hold(self, run: int = 1, *, sweep: bool = False) -> None:
        self.executor.tell(Hold(run=run, lock=self.folder / f"lock-{run}", sweep=sweep))

    def wait_for(self, is_it: Callable[[ExecutorEvent], bool], seconds: float = 30) -> ExecutorEvent:
        """Take events until one is it; those behind it are for the next call."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            patience = 0.0 if self._unread else 0.2
            ready, _, _ = select.select([self.executor.fileno()], [], [], patience)
            events = self.executor.events() if ready else []
            self.seen.extend(events)
            self._unread.extend(events)
            while self._unread:
                event = self._unread.pop(0)
                if is_it(event):
                    return event
        raise AssertionError(f"it did not come; seen: {self.seen}")

    def outcome(self, order: Order) -> Outcome:
        """Start an order and wait for its end."""
        self.executor.start(order)
        return self.end_of(order)

    def end_of(self, order: Order) -> Outcome:
        event = self.wait_for(lambda event: isinstance(event, Ended) and event.key == order.key)
        assert isinstance(event, Ended)
        return event.outcome

    def started(self, order: Order) -> int:
        event = self.wait_for(lambda event: isinstance(event, Started) and event.key == order.key)
        assert isinstance(event, Started)
        return event.pid


def is_running(pid: int) -> bool:
    """True while the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "it did not come true"
        sleep(0.02)
