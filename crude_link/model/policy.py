"""Policies: what a Pipeline wants to happen when things take long, fail or pile up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class FailureKind(Enum):
    """Ways to end that a retry policy can single out, beside exit statuses."""

    SIGNAL = "signal"
    TIMEOUT = "timeout"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """Whether and when a failed Task is tried again.

    The wait before try n+1 is `delay * backoff**(n-1)`, at most `longest_delay`, plus a random share of up to
    `jitter` of it. `only` empty means every failure; otherwise exit statuses and FailureKinds that are retried.
    """

    max: int = 0
    delay: timedelta = timedelta(0)
    backoff: float = 1.0
    jitter: float = 0.0
    longest_delay: timedelta = timedelta(hours=1)
    only: tuple[int | FailureKind, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How many finished runs of a pipeline are kept; None is no limit. A live run is never touched.

    `runs` counts runs that are not failed; `days` is the age at which any run goes; `size_bytes` is for all of
    the pipeline's runs together; `failed_days` is the age up to which failed runs are kept whatever `runs` says.
    """

    runs: int | None = None
    days: float | None = None
    size_bytes: int | None = None
    failed_days: float | None = None


#: Source: the contract's "last 500 per pipeline, failures 90 days" for runs that a schedule began.
SCHEDULED_RETENTION = Retention(runs=500, failed_days=90)
