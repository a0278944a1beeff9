"""Pipeline and Step: what a config file says, checked. Immutable; they do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from crude_link.model.condition import Condition
from crude_link.model.foreach import ForEach, Share
from crude_link.model.policy import Retention, RetryPolicy
from crude_link.model.resources import Need, Pool
from crude_link.model.transfer import TaskTransfer, Transfer
from crude_link.model.value import Plain, Scalar, Text, Value

if TYPE_CHECKING:
    from crude_link.model.recipient import Recipient
    from crude_link.model.schedule import Schedule


class ArgumentStyle(Enum):
    """How `arguments` become argv elements."""

    AUTO = "auto"
    FIRE = "fire"
    ARGPARSE = "argparse"
    PLAIN = "plain"


class Stdin(Enum):
    """What a step reads from: nothing, so that a question fails at once, or the person's keyboard."""

    NOTHING = "nothing"
    TERMINAL = "terminal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A file to run: `.py` under `python`, anything else executed itself. Paths start at the project directory."""

    path: Text
    #: None: the interpreter crude-link runs under.
    python: Text | None = None
    #: Call this function of the file in place of running it.
    function: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Shell text under `shell` (an argv prefix such as `("sh", "-e", "-c")`), or an argv list without a shell."""

    text: Text | None = None
    argv: tuple[Value, ...] = ()
    shell: tuple[str, ...] = ("sh", "-e", "-c")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One line of a Pipeline: what to run, with what, after which, and what to do when it fails."""

    name: str
    action: Script | Command | Transfer
    arguments: Mapping[str, Value] = field(default_factory=dict)
    argument_style: ArgumentStyle = ArgumentStyle.AUTO
    #: Pipeline, config and step merged; the values are text or numbers.
    env: Mapping[str, Value] = field(default_factory=dict)
    env_file: Text | None = None
    cwd: Text | None = None
    stdin: Stdin = Stdin.NOTHING
    stop_grace: timedelta = timedelta(seconds=10)
    needs: tuple[str, ...] = ()
    when: Condition | None = None
    timeout: timedelta | None = None
    #: In place of `timeout`, for tasks: so many times the median duration of those that have succeeded.
    timeout_medians: float | None = None
    retries: RetryPolicy = RetryPolicy()
    continue_on_failure: bool = False
    inputs: tuple[Text, ...] = ()
    outputs: tuple[Text, ...] = ()
    #: The JSON file that the step writes its metrics to; None: only `$CRUDE_LINK_METRICS`.
    metrics: Text | None = None
    #: None: the step has one task; otherwise one for each input.
    foreach: ForEach | None = None
    #: What each of its tasks fetches and brings away; for a step without `foreach` these are steps of their own.
    transfers: tuple[TaskTransfer, ...] = ()
    #: Slots in all; None: as many as there are cores.
    parallel: int | None = None
    #: What each of its slots or tasks holds.
    holds: tuple[Need, ...] = ()
    #: Cores, and bytes of memory and of disk, that each of its tasks takes.
    cpus: float | None = None
    memory: int | None = None
    disk: int | None = None
    #: So many failed tasks are still a success.
    allow_failed: Share = Share(number=0, is_share=False)
    #: With so many failed tasks no further one is begun.
    stop_after_failed: Share | None = None
    #: The imports of its script are done once, and each of its tasks is forked from there.
    is_warm: bool = False
    #: So many of its tasks are done by each process of a warm one.
    reuse: int = 1
    #: (line, column) of the step in its file, counted from 1; None when it came from a record.
    position: tuple[int, int] | None = field(default=None, compare=False)
    #: The same of its keys, by their dotted paths: `script`, `arguments.lr`, `inputs.0`.
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """Where a secret is found when it is needed; the value itself is never part of the model.

    Exactly one of `env` (a variable's name), `file` (a path, read whole, last newline cut) and `command`
    (shell text whose output it is) is set.
    """

    name: str
    env: str | None = None
    file: str | None = None
    command: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """What a config file says, checked: a name, ordered Steps and policies."""

    name: str
    steps: tuple[Step, ...]
    params: Mapping[str, Scalar] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    #: What the slots and tasks of steps hold, each in one pair of hands at a time.
    pools: tuple[Pool, ...] = ()
    timeout: timedelta | None = None
    schedules: tuple[Schedule, ...] = ()
    retention: Retention | None = None
    #: Who is told when nobody sits in front.
    notify: tuple[Recipient, ...] = ()
    #: The whole pipeline as plain data from which it can be built again: early references are put in, late
    #: ones and secrets still stand there as references. This is what a run's record keeps.
    document: Mapping[str, Plain] = field(default_factory=dict)
    #: What each early reference became, by its text: `{"${params.lr}": 0.1}`.
    resolved: Mapping[str, Plain] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    #: The steps' names in order.
    names: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(step.name for step in self.steps))

    def step(self, name: str) -> Step:
        """Return the step of this name; KeyError when there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
