"""Order: all that an Executor needs to start one Attempt, with every reference filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from crude_link.model.pipeline import Stdin
from crude_link.model.resources import Budget
from crude_link.model.run import AttemptKey
from crude_link.model.value import Plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Screen:
    """The size of the terminal that a person sits at, in characters."""

    rows: int
    columns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What of a step's output a person watches live, and on what.

    `stdout` and `stderr` say which of the two streams is a terminal for the step (because ours is one).
    """

    stdout: Screen | None = None
    stderr: Screen | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPlace:
    """The files of one attempt: its two streams, and the index that keeps their order of arrival."""

    stdout: Path
    stderr: Path
    index: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """All that an Executor needs to start one Attempt. Holds secrets: never stored, never shown.

    `record_*` fields are what the Attempt keeps in the store: the same with secrets as references.
    """

    key: AttemptKey
    argv: tuple[str, ...]
    #: The whole environment of the process.
    env: Mapping[str, str]
    cwd: Path
    log: LogPlace
    #: None: `argv[0]` is looked up in the `PATH` of `env`.
    stdin: Stdin = Stdin.NOTHING
    timeout: timedelta | None = None
    stop_grace: timedelta = timedelta(seconds=10)
    #: Values to mask in everything that is written, each in all its written forms, longest first.
    masks: tuple[str, ...] = ()
    view: View = View()
    record_argv: tuple[str, ...] = ()
    record_env: Mapping[str, str] | None = None
    record_resolved: Mapping[str, Plain] | None = None
    interpreter: str | None = None
    script_digest: str | None = None
    #: The file behind `$CRUDE_LINK_METRICS`.
    metrics_lines: Path | None = None
    #: Declared metrics file and outputs, references filled; what `Evidence.collect` looks for.
    metrics_file: Path | None = None
    #: How that file stood before the attempt (inode, times, size); None when it was not there.
    metrics_before: tuple[int, ...] | None = None
    outputs: tuple[Path, ...] = ()
    #: Where a transfer says how it ended.
    report: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmStart:
    """A Python that has done the imports of a script, and forks the tasks whose argv begins with `argv`."""

    argv: tuple[str, ...]
    #: Whose module is imported, where that is not the script's own imports.
    files: tuple[str, ...] = ()
    #: So many tasks are done by each process.
    turns: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class FanOrder:
    """All that the tasks of a fan-out have in common. Holds secrets: never stored, never shown.

    `whole` is the order of the step as a whole (task 0): its environment is what every task's begins with, its
    `argv` and `log` mean nothing, its timeout is that of each task, and its evidence is looked for at the end.
    """

    whole: Order
    #: Where the archives of the slots are: `ATTEMPT-SLOT.archive`.
    folder: Path
    #: How many tasks run at once, when every slot has got what it is to hold.
    slots: int
    #: The pool or budget that allows no more; empty: the config's `parallel`, or the number of cores.
    limit: str = ""
    #: What slots and tasks can hold: of each pool the items, by the names under which the store knows them.
    pools: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: After so many tasks in a row that failed with it an item of a pool is put aside.
    quarantine: Mapping[str, int] = field(default_factory=dict)
    #: What its tasks together may take, beside those of other fan-outs here.
    budgets: Sequence[Budget] = ()
    #: Slots are opened one by one, by `SetSlots`, as they get what they hold.
    has_slot_needs: bool = False
    #: Each task is handed out for a slot that is free, and runs in no other: what it is given depends on its slot, or
    #: it is looked again before each begins what is left of a budget.
    is_bound: bool = False
    #: Its tasks are functions, and what they return is kept in `ATTEMPT-SLOT.results`.
    has_values: bool = False
    #: None: the process of each task is started anew.
    warm: WarmStart | None = None
