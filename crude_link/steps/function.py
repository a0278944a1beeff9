"""Function: how the arguments of a step reach a Python function: as JSON, through the agent's program for that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from crude_link.model.another_try import ASKED_STATUS, AnotherTry
from crude_link.model.order import Order
from crude_link.model.pipeline import Script, Step
from crude_link.model.run import Ending, Outcome
from crude_link.model.status import Status
from crude_link.model.value import Placeholder, Plain, Reference, Value, references_in
from crude_link.steps.item_values import Turn, checked, getter_of
from crude_link.steps.references import fill
from crude_link.steps.written import plain_data, written

#: The program that calls a function.
CALL = Path(__file__).resolve().parent.parent / "agent" / "call.py"
#: Where that program is told to write what a function returns.
RESULT = "CRUDE_LINK_RESULT"
_RETRY = '"retry":'
_TEXT = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def function_of(step: Step) -> str | None:
    """Return the name of the function that a step calls."""
    return step.action.function if isinstance(step.action, Script) else None


def call_text(by_name: Mapping[str, Plain], by_place: Sequence[Plain] = ()) -> str:
    """Return the arguments of a call. CannotStart when they are more than a process can be given."""
    return checked(_TEXT([plain_data(by_place), plain_data(by_name)]), "what the function is given")


def class_text(config: Mapping[str, Plain]) -> str:
    """Return the call that makes a class with a config. CannotStart as for `call_text`."""
    return checked(_TEXT([[], {}, plain_data(config)]), "the config that the class is given")


def shown_words(by_name: Mapping[str, Value]) -> tuple[str, ...]:
    """Return arguments as a record shows them."""
    return tuple(f"{name}={written(fill(value, str))}" for name, value in by_name.items())


def take_result(order: Order, outcome: Outcome) -> Outcome:
    """Mask secrets in what a function has returned, or drop what is left of one that failed.

    Returns the outcome, with what it says of one that asks for another try.
    """
    name = order.env.get(RESULT)
    if name is None or order.key.task == 0:
        return outcome
    path = Path(name)
    with suppress(OSError):  # it returned nothing: its process ended itself
        text = path.read_bytes()
        masked = text
        for mask in order.masks:
            masked = masked.replace(mask.encode("utf-8", "surrogateescape"), b"***")
        if outcome.status is not Status.SUCCEEDED:
            path.unlink()
            return _asked(outcome, masked.decode("ascii", "replace"))
        if masked != text:
            path.write_bytes(masked)
    return outcome


def _asked(outcome: Outcome, text: str) -> Outcome:
    has_asked = outcome.ending is Ending.EXITED and outcome.exit_status == ASKED_STATUS and text.startswith(_RETRY)
    if not has_asked:
        return outcome
    asked = AnotherTry.read(text.removeprefix(_RETRY))
    return replace(outcome, another_try=asked, reason=asked.reason)


class TaskFunction:
    """What a step with `foreach` calls for one input after another; see `TaskCommand`."""

    def __init__(
        self, head: list[str], arguments: Mapping[str, Value], config: Mapping[str, Plain] | None = None
    ) -> None:
        """`config` is what a class is made with, beside its arguments and its input; None for a function."""
        self._head = head
        self._arguments = arguments
        self._config = config
        self._fixed = {name: fill(value, str) for name, value in arguments.items() if not _is_another(value)}

    def argv(self, item: Plain, turn: Turn) -> tuple[str, ...]:
        """Return the argv for an input."""
        if self._config is not None:
            config = {**self._config, "arguments": self._filled(item, turn), "item": item}
            return (*self._head, class_text(config))
        if not self._arguments:
            return (*self._head, given_text(item))
        return (*self._head, call_text(self._filled(item, turn)))

    def written(self) -> tuple[str, ...]:
        """Return it as the config has it."""
        return (*self._head, *shown_words(self._arguments))

    def _filled(self, item: Plain, turn: Turn) -> dict[str, Plain]:
        def look_up(reference: Reference) -> Plain:
            assert isinstance(reference, Placeholder)
            return getter_of(reference)(item, turn)

        return {
            name: self._fixed[name] if name in self._fixed else fill(value, look_up)
            for name, value in self._arguments.items()
        }


def given_text(item: Plain) -> str:
    """Return the call for an input that is given whole: a mapping by name, of a task file its `data`, else as one."""
    if isinstance(item, Mapping) and item.keys() == {"task_id", "data"}:
        item = item["data"]
    return call_text(item) if isinstance(item, Mapping) else call_text({}, [item])


def _is_another(value: Value) -> bool:
    return next(references_in(value), None) is not None
