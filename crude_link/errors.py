"""The tree of errors; each knows the exit status with which the program ends.

    CrudeLinkError                     1
    ├── UsageError                     2   wrong option, unknown run, nothing to resume
    │   ├── ConfigError                2   one or more Problems in a config file, or found by pre-flight
    │   └── UnknownRun                 2
    ├── StoreError                     3   the store cannot be opened, read or written
    │   ├── DiskFull                   3
    │   ├── StoreTooNew                3   written by a newer crude-link
    │   ├── StoreDamaged               3
    │   ├── StoreGone                  3   somebody removed or replaced it
    │   ├── RunIsHeld                  3   somebody else works on this run
    │   ├── SlotTaken                  3   this slot time has begun a run already
    │   └── SchedulerRuns              3   this project has a scheduler already
    ├── ExecutorError                  4   an executor that could not even start
    └── CannotStart                    1   an attempt that cannot be started; becomes an Outcome, never ends a program

A failing step is no exception: it is an `Outcome`. `NotYet` is no error: it never leaves the loop.
"""

from __future__ import annotations

from dataclasses import dataclass


class CrudeLinkError(Exception):
    """Base of all errors that crude-link shows as one paragraph."""

    exit_status = 1


class UsageError(CrudeLinkError):
    """What was asked for cannot be done as it was asked."""

    exit_status = 2


class UnknownRun(UsageError):
    """No run bears this id in the store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong in a config file: where, what, what to do.

    `line` and `column` count from 1; both are None when the place is not in a file (a `--set`, a run's record).
    `message` says what is wrong and what to do in one or two sentences, and names the step where there is one.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.message}" if place else self.message


class ConfigError(UsageError):
    """All that is wrong with a config, at once, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @classmethod
    def of(cls, message: str) -> ConfigError:
        """Return the error for one problem without a place."""
        return cls([Problem(message=message)])


class StoreError(CrudeLinkError):
    """The store cannot be opened, read or written."""

    exit_status = 3


class DiskFull(StoreError):
    """No room is left where the store lives."""


class StoreTooNew(StoreError):
    """The store was written by a newer crude-link."""


class StoreDamaged(StoreError):
    """SQLite says that the store is not a database, or is malformed."""


class StoreGone(StoreError):
    """The store was removed or replaced while it was in use; what is written to it now, nobody reads."""


class RunIsHeld(StoreError):
    """Another process works on this run, or its last steps are still being ended."""


class SlotTaken(StoreError):
    """A slot time has begun a run already: another scheduler was faster, or the clock stepped back."""


class SchedulerRuns(StoreError):
    """Another process is the scheduler of this project."""


class ExecutorError(CrudeLinkError):
    """An executor could not even start."""

    exit_status = 4


class NotYet(Exception):
    """What a step needs is still being made, so that others get their turn: ask again.

    `pause` is after how many seconds: at once where it is made piece by piece as somebody asks. `words` are what
    people are told, for it takes long; empty while it does not.
    """

    def __init__(self, pause: float = 0.0, words: str = "") -> None:
        super().__init__()
        self.pause = pause
        self.words = words


class CannotStart(CrudeLinkError):
    """An attempt cannot be started; the text is the reason that the Outcome will bear."""
