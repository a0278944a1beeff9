"""Schedule: when a Pipeline runs by itself, and what to do about slot times that come too soon or too late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from crude_link.model.policy import RetryPolicy
from crude_link.model.value import Scalar, Text, Value


class Overlap(Enum):
    """What is done with a slot time at which a run of the pipeline is still going."""

    SKIP = "skip"
    #: It begins when those before it have ended.
    QUEUE = "queue"
    #: The run that is going is stopped, and this one begins when it has ended.
    REPLACE = "replace"
    ALLOW = "allow"


class CatchUp(Enum):
    """Which of the slot times that were missed are run late."""

    LATEST = "latest"
    ALL = "all"
    NONE = "none"


class Missing(Enum):
    """What is done with a local time that a change of clocks leaves out."""

    #: It comes at the first moment after the gap, once however many times the gap holds.
    NEXT = "next"
    SKIP = "skip"


class Repeated(Enum):
    """Which of the two moments is meant by a local time that a change of clocks repeats."""

    FIRST = "first"
    BOTH = "both"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dst:
    """What a schedule wants on the days on which clocks change."""

    missing: Missing = Missing.NEXT
    repeated: Repeated = Repeated.FIRST


class AfterFailure(Enum):
    """What a failed run means for its schedule."""

    #: The pipeline's schedules end; with none left, the scheduler ends with exit status 1.
    STOP = "stop"
    KEEP = "keep"


@dataclass(frozen=True, kw_only=True, slots=True)
class FailurePolicy:
    """What failed runs mean for their schedule."""

    then: AfterFailure = AfterFailure.STOP
    #: After so many failed runs in a row the pipeline is paused; None: never.
    pause_after: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFiles:
    """Where an entry looks for files that it has not seen yet."""

    #: URLs or paths of folders, or of single files.
    places: tuple[str, ...]
    #: Patterns, as of a download.
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    #: Variables for the program that looks.
    env: Mapping[str, Value] = field(default_factory=dict)
    env_file: Text | None = None
    #: Options of stores, by scheme or bucket.
    storage: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"new files in {', '.join(self.places)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """One entry of a pipeline's schedule. Exactly one of `fields`, `crontab`, `every` and `at` is set.

    With `new_files` it is `every`: so often it looks, and a slot time is the time of a look that found some.
    """

    #: APScheduler's cron fields.
    fields: Mapping[str, str | int] = field(default_factory=dict)
    #: A crontab line, with crontab's meaning.
    crontab: str | None = None
    #: Slot times lie whole multiples of this after the midnight that began the year 2000 in the zone, in elapsed
    #: time: the same after every restart.
    every: timedelta | None = None
    #: The only slot time: a local time without an offset (ISO 8601, `2027-01-01 06:00`).
    at: str | None = None
    new_files: NewFiles | None = None
    #: An IANA name; None: the machine's own zone.
    timezone: str | None = None
    #: The entry's own name, as written; see `entry`.
    name: str | None = None
    #: Params that its runs are begun with.
    params: Mapping[str, Scalar] = field(default_factory=dict)
    dst: Dst = Dst()
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LATEST
    #: With `catch_up: all`, of the missed slot times only the newest so many; with `overlap: queue`, so many wait.
    max_catch_up: int = 10
    #: A slot time is run at most so late; None: however late.
    max_lateness: timedelta | None = None
    on_failure: FailurePolicy = FailurePolicy()
    #: How often, and when, a run that failed or was lost is gone on with.
    retries: RetryPolicy = RetryPolicy()

    @property
    def entry(self) -> str:
        """What names it among the entries of its pipeline, and in the ledger: its name, else when it fires.

        One that fires at other times is another schedule: it has missed nothing yet.
        """
        if self.name is not None:
            return self.name
        if self.new_files is not None:
            return str(self.new_files)  # looked for more or less often, it is the same
        zone = f" {self.timezone}" if self.timezone else ""
        return self.when + zone

    @property
    def timing(self) -> str:
        """All that says at which moments it fires; one with another timing is another schedule, whatever its name."""
        if self.new_files is not None:
            wanted = (self.new_files.include, self.new_files.exclude)
            return f"{self.new_files} · {self.every} · {wanted}"
        return f"{self.when} · {self.timezone or 'local'} · {self.dst.missing.value} · {self.dst.repeated.value}"

    @property
    def pace(self) -> str:
        """How often it fires, or looks for new files: `every 5m`; nothing where that is not what it says."""
        return f"every {_duration_text(self.every)}" if self.every is not None else ""

    @property
    def when(self) -> str:
        """When it fires, as text in the words of the config."""
        if self.crontab is not None:
            return self.crontab
        if self.every is not None:
            return self.pace
        if self.at is not None:
            return f"at {self.at}"
        return " ".join(f"{key}={value}" for key, value in self.fields.items())


def _duration_text(duration: timedelta) -> str:
    """Write a duration as a config does: the largest unit that has no remainder."""
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        if duration % size == timedelta(0):
            return f"{duration // size}{unit}"
    return f"{duration.total_seconds():g}s"
