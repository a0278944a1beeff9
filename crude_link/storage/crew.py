"""Crew: many pieces of work at once in threads, tried again when they fail for a reason that passes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from crude_link.storage.failures import CannotReach, DiskIsFull, Passing, TransferError

Work = Callable[[], None]
#: How often somebody is told how far the work is, in seconds.
_TICK = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Tries:
    """How often a piece of work is tried, and how long to wait in between, in seconds, growing twofold."""

    most: int = 6
    first_delay: float = 0.4
    longest_delay: float = 15.0

    def delay(self, tried: int) -> float:
        """Return how long to wait after so many tries; spread, so that not all come back at once."""
        return min(self.longest_delay, self.first_delay * 2.0 ** (tried - 1)) * random.uniform(0.5, 1.0)


def persist(work: Work, tries: Tries, remark: Callable[[str], None]) -> None:
    """Do some work, again and again while it fails for a reason that passes. Raises the last failure."""
    for tried in range(1, tries.most):
        try:
            work()
        except Passing as error:
            remark(f"trying again: {error}")
            time.sleep(tries.delay(tried))
        else:
            return
    work()


class Crew:
    """Threads that do work; `tick` is called in between, from the thread that waits for them."""

    def __init__(self, at_once: int, tick: Callable[[], None]) -> None:
        self._at_once = at_once
        self._tick = tick

    def do(self, works: Iterable[Work]) -> None:
        """Do all works; returns when they are done. What one raises is raised at once, and nothing more is begun."""
        threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="transfer")
        under_way: set[Future[None]] = set()
        try:
            for work in works:
                under_way.add(threads.submit(work))
                while len(under_way) >= 2 * self._at_once:
                    under_way = self._wait(under_way)
            while under_way:
                under_way = self._wait(under_way)
        finally:
            # What is under way after a failure is left behind: the program ends.
            threads.shutdown(wait=False, cancel_futures=True)

    def _wait(self, under_way: set[Future[None]]) -> set[Future[None]]:
        done, rest = wait(under_way, timeout=_TICK, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        self._tick()
        return rest


class Losses:
    """The files that could not be transferred. After many in a row without one that could, it is given up."""

    MOST_IN_A_ROW = 20

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self.failed: dict[str, str] = {}

    def guard(self, name: str, work: Work) -> None:
        """Do the work on one file; let others go on when it fails, unless they would fail as well."""
        if name in self.failed:
            return
        try:
            work()
        except (CannotReach, DiskIsFull):
            raise
        except TransferError as error:
            with self._lock:
                # Many parts of a large file may fail at once, and are one file.
                self._in_a_row += name not in self.failed
                self.failed[name] = str(error)
            if self._in_a_row >= self.MOST_IN_A_ROW:
                raise TransferError(f"given up after many failures in a row:\n{self._words()}") from error

    def note_success(self) -> None:
        """Note that a file went well."""
        with self._lock:
            self._in_a_row = 0

    def settle(self, all_files: int, what: str) -> None:
        """Raise TransferError when files failed, saying which, and why."""
        if self.failed:
            raise TransferError(f"{len(self.failed):,} of {all_files:,} files could not be {what}:\n{self._words()}")

    def _words(self, most: int = 10) -> str:
        lines = [f"  {name}: {why}" for name, why in list(self.failed.items())[:most]]
        more = len(self.failed) - len(lines)
        return "\n".join([*lines, f"  and {more:,} more"] if more else lines)
