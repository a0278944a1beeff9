"""Fan-out: which tasks of a step are handed out next, what follows from their ends, and how the whole ends.

Nothing here starts, writes or waits; `fans.py` does. Nothing here grows with the number of tasks but one bit for
each that is done: the source is a stream, and only what is handed out, or waits for another try, is kept.
"""

from __future__ import annotations

import heapq
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from crude_link.engine.leases import FanLeases
from crude_link.engine.retry import wait_after
from crude_link.engine.time_limit import LearnedLimit
from crude_link.errors import CannotStart
from crude_link.interfaces import FanWork
from crude_link.model.pipeline import Step
from crude_link.model.resources import ANYWHERE, Place
from crude_link.model.run import AttemptKey, Ending, Outcome
from crude_link.model.status import Status
from crude_link.model.task import FanRecord, TaskCounts, TaskEnd, TaskOrder
from crude_link.model.value import Plain

#: So many tasks more than run at once are handed out, so that no slot waits for us: at 2,000 a second they last
#: 64 ms, longer than a turn of the loop.
AHEAD = 128
#: So many tasks may wait for another try before no new input is taken.
_MOST_WAITING = 10_000
#: After so many inputs in a row that are not wanted others get their turn.
_MOST_PASSED = 5_000
#: A share of failed tasks is not judged before so many have ended.
_LEAST_FOR_SHARE = 20


class _Handed(NamedTuple):
    """A task that was handed out, or waits to be again."""

    item: Plain
    number: int
    #: How often it has failed in this attempt at the whole.
    failures: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What is to be handed out, and the ends of tasks that can never be."""

    orders: list[TaskOrder] = field(default_factory=list)
    refused: list[TaskEnd] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """What follows from ends: those of tasks that have failed for good, and of those that are tried again."""

    failed: Sequence[TaskEnd]
    retried: Sequence[TaskEnd]


class FanOut:
    """One attempt at all the tasks of a step that are not done."""

    def __init__(
        self,
        step: Step,
        key: AttemptKey,
        work: FanWork,
        record: FanRecord,
        *,
        slots: int,
        only_failed: bool = False,
    ) -> None:
        self.step = step
        self.key = key
        self.work = work
        #: How many tasks run at once: as many as there are slots that have got what they hold.
        self.slots = slots
        #: What its slots and tasks hold; None: nothing.
        self.leases: FanLeases | None = None
        #: No more tasks are wanted: they are stopped, or no more may fail.
        self.is_stopped = False
        #: The executor was told that no more tasks come.
        self.is_closed = False
        self._record = record
        self._only_failed = only_failed
        self._is_once = step.foreach is not None and step.foreach.once
        factor = step.timeout_medians
        #: How long its tasks may take, where that is learned.
        self.time_limit = LearnedLimit(factor, record.walls_us) if factor is not None else None
        self._numbers = self._wanted(self._by_position())
        self._handed: dict[int, _Handed] = {}
        #: The next ones, where each waits for its slot.
        self._ready: deque[tuple[int, _Handed]] = deque()
        self._retries: list[tuple[datetime, int]] = []
        self._waiting: dict[int, _Handed] = {}
        self._seen = 0
        self._succeeded = len(record.done)
        self._failed = 0
        #: Tasks that are not done and are not wanted now, and inputs that other runs have done.
        self._postponed = 0
        self._left_out = 0
        #: Since when it is to go on at once, for inputs were passed over for a while.
        self._passing: datetime | None = None
        self._is_exhausted = False
        self._trouble = ""
        self._given_up = ""

    def number_by_digest(self, known: Mapping[str, Sequence[int]]) -> None:
        """Number the inputs by what they are: the source is not what it was when the tasks in `known` ended."""
        self._numbers = self._wanted(self._by_digest(known))

    @property
    def is_drained(self) -> bool:
        """Nothing is left to be handed out, and nothing that was handed out has not ended."""
        left = self._ready or self._retries or not self._is_exhausted
        return not self._handed and (self.is_stopped or not left)

    @property
    def due(self) -> datetime | None:
        """When there is something to be handed out again: at once, or when the next try is due."""
        if self._passing and not self.is_stopped:
            return self._passing
        return self._retries[0][0] if self._retries and not self.is_stopped else None

    @property
    def gives_up(self) -> bool:
        """More tasks have failed than is allowed, or what they need is put aside."""
        return bool(self._given_up)

    def give_up(self, reason: str) -> None:
        """Begin no further task: none could succeed."""
        self._given_up = self._given_up or reason

    @property
    def counts(self) -> TaskCounts:
        """How its tasks stand."""
        share = None if self._is_exhausted else self.work.share_read()
        guess = round(self._seen / share) if share else None
        total = self._seen if self._is_exhausted else guess
        return TaskCounts(
            succeeded=self._succeeded,
            failed=self._failed,
            running=min(len(self._handed), self.leases.slots_in_use if self.leases else self.slots),
            total=total - self._left_out if total is not None else None,
            total_is_guess=not self._is_exhausted,
            limit=self.leases.limit if self.leases else self.work.order.limit,
            left_out=self._left_out,
        )

    def most_slots(self, now: datetime) -> int:
        """Return how many slots have something to do now."""
        has_more = not self._is_exhausted or (self._retries and self._retries[0][0] <= now)
        return sys.maxsize if has_more else len(self._handed) + len(self._ready)

    def take(self, now: datetime) -> Taken:
        """Return what is to be handed out now: tries that are due, then new inputs."""
        room = self.slots + max(AHEAD, 2 * self.slots) - len(self._handed)
        if self.is_stopped or room <= AHEAD // 2 or self._is_idle(now):
            return Taken()
        taken = Taken()
        while len(taken.orders) < room and len(taken.refused) < room:
            found = self._next(now)
            if found is None:
                break
            self._hand_out(*found, ANYWHERE, taken, now)
        return taken

    def ready(self, now: datetime) -> Sequence[int]:
        """Return the tasks that could begin at once, in order, where each is handed out for a slot of its own."""
        room = 0 if self.is_stopped else self.slots - len(self._handed)
        while len(self._ready) < room and (found := self._next(now)):
            self._ready.append(found)
        return [task for task, _ in islice(self._ready, max(room, 0))]

    def take_ready(self, places: Sequence[Place], now: datetime) -> Taken:
        """Return those that are ready as they are to be handed out, each with its place."""
        taken = Taken()
        for place in places:
            self._hand_out(*self._ready.popleft(), place, taken, now)
        return taken

    def follow(self, ends: Sequence[TaskEnd], now: datetime) -> Followed:
        """Take note of ends."""
        failed: list[TaskEnd] = []
        retried: list[TaskEnd] = []
        for end in ends:
            handed = self._handed.pop(end.task)
            status = end.status
            if status is Status.SUCCEEDED:
                self._succeeded += 1
                if self.time_limit:
                    self.time_limit.note(end.wall_us)
            elif status is Status.FAILED:
                (retried if self._is_tried_again(end, handed, now) else failed).append(end)
        self._failed += len(failed)
        if failed:
            self._judge()
        return Followed(failed=failed, retried=retried)

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return the outcome of the whole from what its executor says of it."""
        if self._given_up:
            return replace(outcome, ending=Ending.EXITED, exit_status=1, reason=self._given_up)
        if outcome.ending is not Ending.EXITED:
            return outcome
        reason = self._trouble
        ended = self._succeeded + self._failed
        if not reason and self._failed > self.step.allow_failed.of(ended):
            reason = f"{self._failed:,} of {ended:,} tasks failed"
        if not reason and self._postponed:
            reason = f"{self._postponed:,} tasks are not done yet: resume without --failed"
        if not reason and self._left_out:
            words = f"{self._left_out:,} done by earlier runs"
            return replace(outcome, exit_status=0, reason=words if ended else f"nothing left to do: {words}")
        return replace(outcome, exit_status=1 if reason else 0, reason=reason)

    # --- which task is next ---

    def _hand_out(self, task: int, handed: _Handed, place: Place, taken: Taken, now: datetime) -> None:
        self._handed[task] = handed
        try:
            taken.orders.append(self.work.task(handed.item, task, handed.number, place))
        except CannotStart as error:
            taken.refused.append(self._refused(task, handed, str(error), now))

    def _is_idle(self, now: datetime) -> bool:
        return self._is_exhausted and not (self._retries and self._retries[0][0] <= now)

    def _next(self, now: datetime) -> tuple[int, _Handed] | None:
        if self._retries and self._retries[0][0] <= now:
            _, task = heapq.heappop(self._retries)
            return task, self._waiting.pop(task)
        if self._is_exhausted or len(self._waiting) >= _MOST_WAITING:
            return None
        self._passing = None
        try:
            found = next(self._numbers)
        except StopIteration:
            self._is_exhausted = True
            return None
        except CannotStart as error:
            self._is_exhausted = True
            self._trouble = f"its inputs broke off after {self._seen:,}: {error}"
            return None
        if found is None:
            self._passing = now
            return None
        task, item = found
        return task, _Handed(item, self._record.tries.get(task, 0) + 1, 0)

    def _wanted(self, numbered: Iterator[tuple[int, Plain]]) -> Iterator[tuple[int, Plain] | None]:
        """Yield the tasks that are wanted; None now and then where many are not, so that nobody waits for us."""
        passed = 0
        for task, item in numbered:
            self._seen += 1
            if self._is_wanted(task, item):
                passed = 0
                yield task, item
                continue
            passed += 1
            if passed % _MOST_PASSED == 0:
                yield None

    def _is_wanted(self, task: int, item: Plain) -> bool:
        if task in self._record.done:
            return False
        if self._is_once and self._record.remembers(self.work.digest(item)):
            self._left_out += 1
            return False
        is_wanted = not self._only_failed or task in self._record.failed
        self._postponed += not is_wanted
        return is_wanted

    def _by_position(self) -> Iterator[tuple[int, Plain]]:
        self._seen = self._record.done.leading
        yield from self.work.inputs(self._seen)

    def _by_digest(self, known: Mapping[str, Sequence[int]]) -> Iterator[tuple[int, Plain]]:
        used: dict[str, int] = {}
        highest = self._record.highest
        for _, item in self.work.inputs(0):
            digest = self.work.digest(item)
            tasks, place = known.get(digest, ()), used.get(digest, 0)
            if place < len(tasks):  # equal inputs are separate tasks
                used[digest] = place + 1
                task = tasks[place]
            else:
                highest += 1
                task = highest
            yield task, item

    # --- what follows from an end ---

    def _is_tried_again(self, end: TaskEnd, handed: _Handed, now: datetime) -> bool:
        failures = handed.failures + 1
        seed = f"{self.key.run}/{self.key.step}/{end.task}/{end.number}"
        wait = wait_after(self.step.retries, end, failures, seed)
        if wait is None or self.is_stopped:
            return False
        self._waiting[end.task] = _Handed(handed.item, end.number + 1, failures)
        heapq.heappush(self._retries, (now + wait, end.task))
        return True

    def _judge(self) -> None:
        most, ended = self.step.stop_after_failed, self._succeeded + self._failed
        if most is None or self.is_stopped or (most.is_share and ended < _LEAST_FOR_SHARE):
            return
        if self._failed >= most.of(ended):
            self._given_up = f"given up: {self._failed:,} of {ended:,} tasks failed (stop_after_failed: {most})"

    def _refused(self, task: int, handed: _Handed, reason: str, now: datetime) -> TaskEnd:
        return TaskEnd(
            task=task,
            number=handed.number,
            digest=self.work.digest(handed.item),
            slot=0,
            ending=Ending.NOT_STARTED,
            exit_status=None,
            signal=None,
            began_us=round(now.timestamp() * 1_000_000),
            wall_us=0,
            cpu_us=0,
            peak_memory=None,
            stdout_bytes=0,
            stderr_bytes=0,
            offset=-1,
            reason=reason,
        )
