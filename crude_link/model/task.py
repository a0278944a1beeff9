"""Task: one unit of work of a fan-out, from its hand-out to its end. Millions of these pass: they are tuples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from crude_link.model.another_try import AnotherTry
from crude_link.model.run import Ending
from crude_link.model.status import Status


class TaskOrder(NamedTuple):
    """What an Executor needs, beside the FanOrder, to start one try at one task. Holds secrets: never stored."""

    #: Number of the task within its step, from 1.
    task: int
    #: Number of the try, from 1.
    number: int
    #: 16 hex digits of what identifies the input when its source has changed.
    digest: str
    argv: tuple[str, ...]
    #: What the task's environment has beyond, or in place of, that of the FanOrder.
    env: Mapping[str, str]
    #: The only slot in which it may run; 0: any.
    slot: int = 0


class TaskEnd(NamedTuple):
    """How one try at one task ended, as its row in the store and its header in the archive have it."""

    task: int
    number: int
    digest: str
    #: The slot in which it ran, from 1; 0: it never ran.
    slot: int
    ending: Ending
    exit_status: int | None
    signal: int | None
    #: Microseconds since the epoch.
    began_us: int
    wall_us: int
    cpu_us: int
    #: Bytes; None: not known.
    peak_memory: int | None
    stdout_bytes: int
    stderr_bytes: int
    #: Where its stdout begins in the archive of its slot, stderr directly behind it; -1: in files of its own.
    offset: int
    #: Why it did not succeed; empty when it did.
    reason: str = ""
    #: The last line that it wrote on stderr, else on stdout; only of those that did not succeed.
    last_line: str = ""
    #: It asks for another try; in memory only.
    another_try: AnotherTry | None = None

    @property
    def status(self) -> Status:
        """The status that a task with this end has."""
        if self.ending is Ending.EXITED and self.exit_status == 0:
            return Status.SUCCEEDED
        if self.ending is Ending.STOPPED:
            return Status.CANCELLED
        return Status.LOST if self.ending is Ending.LOST else Status.FAILED


class TaskSet:
    """A set of task numbers in one bit each, up to the highest."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._size = 0

    def __contains__(self, task: int) -> bool:
        place = task >> 3
        return place < len(self._bits) and bool(self._bits[place] & (1 << (task & 7)))

    def __len__(self) -> int:
        return self._size

    @property
    def leading(self) -> int:
        """How many tasks there are from task 1 on without a gap."""
        whole = len(self._bits) - 1 - len(self._bits[1:].lstrip(b"\xff"))  # bytes behind the first, which has bit 0
        task = 8 * (whole + 1) if whole > 0 and all(first in self for first in range(1, 8)) else 1
        while task in self:
            task += 1
        return task - 1

    def add(self, task: int) -> None:
        """Put a task in; harmless when it is there."""
        place, bit = task >> 3, 1 << (task & 7)
        if place >= len(self._bits):
            self._bits.extend(bytes(max(place + 1 - len(self._bits), len(self._bits))))
        if not self._bits[place] & bit:
            self._bits[place] |= bit
            self._size += 1

    def take(self, first: int, bits: bytes) -> None:
        """Put many tasks in: `first`, a multiple of 8, is the lowest bit of the first byte of `bits`."""
        start, end = first >> 3, (first >> 3) + len(bits)
        if end > len(self._bits):
            self._bits.extend(bytes(end - len(self._bits)))
        before = int.from_bytes(self._bits[start:end], "little")
        after = before | int.from_bytes(bits, "little")
        self._bits[start:end] = after.to_bytes(len(bits), "little")
        self._size += after.bit_count() - before.bit_count()


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCounts:
    """How the tasks of a fan-out stand; those that were never begun are in none of these."""

    succeeded: int = 0
    failed: int = 0
    #: Handed out and not ended.
    running: int = 0
    #: How many there are in all; None while the source is not read to its end.
    total: int | None = None
    #: True when `total` is worked out from how far the source has been read.
    total_is_guess: bool = False
    #: The pool or budget that allows no more of them side by side, where that is known.
    limit: str = ""
    #: Inputs that were left out because other runs have done them (`once`); they are not part of `total`.
    left_out: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FanRecord:
    """What the store knows of a fan-out when an attempt at it begins."""

    #: Tasks that have succeeded and are never run again.
    done: TaskSet = field(default_factory=TaskSet)
    #: Tasks whose newest end is a failure.
    failed: TaskSet = field(default_factory=TaskSet)
    #: How often those that were begun, and are not done, were tried, by task.
    tries: Mapping[int, int] = field(default_factory=dict)
    #: The highest task number that was ever given; 0: none.
    highest: int = 0
    #: How long the last tasks took that succeeded, in microseconds; a sample where there are many.
    walls_us: Sequence[int] = ()
    #: The source is what it was when the tasks were numbered: the input at position n is task n.
    is_same_source: bool = True
    #: Says of a digest whether another run has done that input, where the step is to do each `once`.
    remembers: Callable[[str], bool] = field(default=lambda _digest: False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRecord:
    """A task as the store has it: its newest end."""

    end: TaskEnd
    #: Number of the fan-out's attempt in which it ended; with the slot it names the archive.
    attempt: int

    @property
    def wall(self) -> timedelta:
        """How long it took."""
        return timedelta(microseconds=self.end.wall_us)


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureGroup:
    """Failed tasks that ended with the same words."""

    count: int
    #: The last line on stderr with its numbers made alike, or the reason where it wrote nothing.
    words: str
    #: Some of the tasks, lowest first.
    tasks: tuple[int, ...]
