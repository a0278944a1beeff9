"""Source: what a load is given."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.errors import Problem
from crude_link.model.pipeline import Pipeline

if TYPE_CHECKING:
    from crude_link.model.schedule import Schedule


def as_word(_before: str, value: str) -> str:
    """Return a value quoted as a word of its own, which is right wherever no quote is open."""
    return shlex.quote(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a config comes from, and the world that its early references can ask."""

    #: The config file.
    path: Path
    #: The project directory, at which relative paths start.
    project: Path
    #: The texts of `--set K=V`.
    settings: tuple[str, ...] = ()
    #: The time at which the run began, for `${now:...}`.
    now: datetime
    environment: Mapping[str, str]
    #: Runs the text of `${exec:...}` and returns its output; raises CrudeLinkError.
    run_exec: Callable[[str], str]
    #: Returns a value escaped for its place in shell text: what stands before it, and the value.
    in_shell: Callable[[str, str], str] = as_word
    #: What the file says, where it has been read already; None: it is read.
    text: str | None = None
    #: The only pipeline of the file that is wanted; the others are not looked at. None: all.
    only: str | None = None
    #: Says what is wrong with a schedule that only its trigger can know, or None.
    check_schedule: Callable[[Schedule], str | None] | None = None
    #: Says where a schedule that is right may mean something else than was wanted, or None.
    advise_schedule: Callable[[Schedule], str | None] | None = None
    #: Says what pre-flight finds in the sound steps of a file that has mistakes, so that all is told at once.
    preflight: Callable[[Pipeline], Sequence[Problem]] | None = None
