"""Whether a Task is tried again, and when: pure decisions over its attempts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crude_link.model.policy import FailureKind, RetryPolicy
from crude_link.model.run import Attempt, Ending, Outcome
from crude_link.model.status import Status

if TYPE_CHECKING:
    from crude_link.model.task import TaskEnd

#: A lost attempt uses up no retry; this many in one sitting mean that something kills them.
MOST_LOST = 3
#: A function that asks for another try gets so many where the config says nothing of retries: it knows best, but
#: one that always asks must come to an end.
MOST_ASKED = 20

_KINDS = {
    Ending.SIGNALLED: FailureKind.SIGNAL,
    Ending.TIMED_OUT: FailureKind.TIMEOUT,
    Ending.LOST: FailureKind.LOST,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NextTry:
    """A further try: its number in the run, and the moment from which on it may start."""

    number: int
    due: datetime


def next_try(policy: RetryPolicy, attempts: Sequence[Attempt]) -> NextTry | None:
    """Return the try that follows these ended attempts of one sitting, or None when there is none.

    `attempts` is not empty, in order, and its last one has an outcome that is not success.
    """
    last = attempts[-1]
    outcome = last.outcome
    if outcome is None or outcome.status is Status.CANCELLED:
        return None
    number = last.key.number + 1
    if outcome.status is Status.LOST:
        lost = sum(1 for attempt in attempts if attempt.status is Status.LOST)
        return NextTry(number=number, due=outcome.ended) if lost < MOST_LOST else None
    failures = sum(1 for attempt in attempts if attempt.status is Status.FAILED)
    wait = wait_after(policy, outcome, failures, str(last.key))
    return None if wait is None else NextTry(number=number, due=outcome.ended + wait)


def wait_after(policy: RetryPolicy, end: Outcome | TaskEnd, failures: int, seed: str) -> timedelta | None:
    """Return how long to wait after this many failures, the last of which ended so; None: it is not tried again."""
    asked = end.another_try
    if failures > (policy.max or (MOST_ASKED if asked else 0)):
        return None
    if asked:
        return _delay(policy, failures, seed) if asked.after is None else asked.after
    if policy.only and end.exit_status not in policy.only and _KINDS.get(end.ending) not in policy.only:
        return None
    return _delay(policy, failures, seed)


def _delay(policy: RetryPolicy, failures: int, seed: str) -> timedelta:
    """Return the wait after this many failures; its random share follows from the attempt, so asking again agrees."""
    growth = min(policy.backoff ** (failures - 1), 1e9)
    seconds = min(policy.delay.total_seconds() * growth, policy.longest_delay.total_seconds())
    share = zlib.crc32(seed.encode()) / 2**32
    return timedelta(seconds=seconds * (1 + policy.jitter * share))
