"""Wishes: what an Executor can be asked for, beside the start of attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.model.order import Screen
from crude_link.model.run import AttemptKey

if TYPE_CHECKING:
    from crude_link.model.task import TaskOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Ask the agent to take the second lock of a run at `lock`, and to sweep first what is left of the run."""

    run: int
    lock: Path
    sweep: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Let go of a run's second lock; all attempts of the run have ended."""

    run: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """End an attempt: INT, grace, TERM, grace, KILL; with `now`, KILL at once. Repeating it is harmless."""

    key: AttemptKey
    now: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Resize:
    """The person's terminal has a new size."""

    screen: Screen


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyboard:
    """Keys for an attempt whose stdin is the terminal."""

    key: AttemptKey
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOut:
    """Tasks for a fan-out that was started: begun in this order, each in the slot that is free first."""

    key: AttemptKey
    tasks: Sequence[TaskOrder]


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseFan:
    """No more tasks come for a fan-out: it ends when those that were handed out have ended.

    With `forget`, those of them that were not begun are not begun any more, and not reported.
    """

    key: AttemptKey
    forget: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SetSlots:
    """Change how many tasks of a fan-out run at once; a slot too many goes when its task has ended, which is told.

    `environments` tell, for each slot from the first on, what its tasks are told beside what all are; None: nothing
    begins in that slot.
    """

    key: AttemptKey
    slots: int
    environments: Sequence[Mapping[str, str] | None] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTimeout:
    """Change how long each task of a fan-out may take, also of those that run; `words` tell of it where one did."""

    key: AttemptKey
    timeout: timedelta
    words: str


Wish = Hold | Release | Stop | Resize | Keyboard | HandOut | CloseFan | SetSlots | SetTimeout
