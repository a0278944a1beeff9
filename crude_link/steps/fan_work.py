"""StepFan: the work of a step with `foreach`: its inputs, and an order for each of its tasks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crude_link.errors import CannotStart
from crude_link.inputs.opened import Inputs
from crude_link.model.foreach import Input
from crude_link.model.order import FanOrder
from crude_link.model.pipeline import Step
from crude_link.model.resources import ANYWHERE, Place
from crude_link.model.task import TaskOrder
from crude_link.model.value import Placeholder, Plain, Value, references_in
from crude_link.steps.item_values import Getter, Turn, checked, late_filled, value_getter
from crude_link.steps.references import LookUp
from crude_link.steps.task_command import TaskCommand
from crude_link.steps.written import plain_data, written

_TASK, _ATTEMPT = "CRUDE_LINK_TASK", "CRUDE_LINK_ATTEMPT"
_ITEM, _ITEM_JSON = "CRUDE_LINK_ITEM", "CRUDE_LINK_ITEM_JSON"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFan:
    """Implements `FanWork`."""

    order: FanOrder
    command: TaskCommand
    #: What of the step's own environment is another for each task.
    env: Mapping[str, Getter]
    opened: Inputs

    @property
    def source(self) -> str:
        """What tells this state of the source from any other."""
        return self.opened.state

    def inputs(self, skip: int) -> Iterator[Input]:
        """Yield the inputs behind the first `skip`."""
        return self.opened.stream(skip)

    def share_read(self) -> float | None:
        """Return how much of the source was read."""
        return self.opened.share_read()

    def digest(self, item: Plain) -> str:
        """Return 16 hex digits that identify an input."""
        return self.opened.digest(item)

    def task(self, item: Plain, task: int, number: int, place: Place = ANYWHERE) -> TaskOrder:
        """Return the order for a try at a task."""
        env = {_TASK: str(task), _ATTEMPT: str(number)}
        _tell(env, item)
        turn = Turn(task, place)
        for name, get in self.env.items():
            value = get(item, turn)
            if value is not None:
                env[name] = checked(value if isinstance(value, str) else written(value), f"env {name}")
        return TaskOrder(task, number, self.opened.digest(item), self.command.argv(item, turn), env, place.slot)


def shares_of_env(env: Mapping[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return what of an environment all tasks share, and what is another for each."""
    own = {name for name, value in env.items() if any(isinstance(one, Placeholder) for one in references_in(value))}
    shared = {name: value for name, value in env.items() if name not in own}
    return shared, {name: env[name] for name in own}


def compiled_env(step: Step, look_up: LookUp) -> dict[str, Getter]:
    """Return what gives each variable that is another for each task; null leaves it out."""
    _, own = shares_of_env(step.env)
    return {name: value_getter(late_filled(value, look_up)) for name, value in own.items()}


def slots_of(step: Step) -> int:
    """Return how many tasks run at once: as the config says, else as many as there are cores for us."""
    if step.parallel is not None:
        return step.parallel
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no such notion
        return os.cpu_count() or 1


def _tell(env: dict[str, str], item: Plain) -> None:
    """Put the input into an environment; what no process can be given is left out, for few programs ask for it."""
    text = item if isinstance(item, str) else written(item)
    try:
        env[_ITEM] = checked(text, _ITEM)
        env[_ITEM_JSON] = checked(json.dumps(item if isinstance(item, str) else plain_data(item)), _ITEM_JSON)
    except CannotStart:
        return
