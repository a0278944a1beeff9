"""PastTasks: with which argv the tasks of an ended fan-out ran, worked out again from what they were given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from crude_link.errors import CannotStart
from crude_link.inputs.opened import Inputs
from crude_link.model.foreach import Input
from crude_link.model.pipeline import Script, Step
from crude_link.model.resources import GPU, Place
from crude_link.model.run import Attempt
from crude_link.model.task import TaskRecord
from crude_link.model.value import Plain, Reference
from crude_link.steps.fan_draft import Reach, compiled_command, filled_source, opened_inputs
from crude_link.steps.function import function_of
from crude_link.steps.item_values import Turn
from crude_link.steps.places import bytes_of_script
from crude_link.steps.reading import signature_of
from crude_link.steps.references import LookUp, fill_text
from crude_link.steps.signature import UNKNOWN, Signature
from crude_link.steps.task_command import TaskCommand


class PastTasks:
    """Secrets, and what slots held, stand in an argv as the config names them: they were never recorded.

    Where an input is not to be had any more, or is another now, a task has the argv of its step.
    """

    def __init__(self, step: Step, attempts: Sequence[Attempt], reach: Reach) -> None:
        """`attempts` are those at the whole."""
        self._attempts = {each.key.number: each for each in attempts}
        self._commands = {number: _command(step, each, reach) for number, each in self._attempts.items()}
        self._held = {need.pool: "{gpu}" if need.pool == GPU else f"{{resource.{need.pool}}}" for need in step.holds}
        self._opened = _opened(step, attempts[-1], reach) if any(self._commands.values()) else None
        self._stream: Iterator[Input] = self._opened.stream() if self._opened else iter(())

    def argv(self, record: TaskRecord) -> Sequence[str]:
        """Return the argv of a task; they are asked for by ascending numbers."""
        end, shared = record.end, self._attempts[record.attempt].argv
        command = self._commands[record.attempt]
        if not command or not self._opened:
            return shared
        try:
            found = next((one for one in self._stream if one.position == end.task), None)
            if found is None or self._opened.digest(found.item) != end.digest:
                return shared
            return command.argv(found.item, Turn(end.task, Place(end.slot, self._held)))
        except CannotStart:
            return shared


def _opened(step: Step, attempt: Attempt, reach: Reach) -> Inputs | None:
    assert step.foreach
    try:
        source = filled_source(step.foreach, _look_up_in(attempt))
        return opened_inputs(step.foreach, source, reach)
    except CannotStart:
        return None


def _command(step: Step, attempt: Attempt, reach: Reach) -> TaskCommand | None:
    """Return what gives the argv of each task; None where that is no command, or the step is not what it was."""
    if function_of(step):
        return None
    look_up = _look_up_in(attempt)
    try:
        signature = _signature(step, attempt, look_up, reach)
        tail = compiled_command(step, signature, [], look_up).written()
        head = list(attempt.argv[: len(attempt.argv) - len(tail)])
        command = compiled_command(step, signature, head, look_up)
    except CannotStart:
        return None
    return command if command.written() == attempt.argv else None


def _signature(step: Step, attempt: Attempt, look_up: LookUp, reach: Reach) -> Signature:
    """Return what the script takes. CannotStart when it is another one now."""
    if not isinstance(step.action, Script) or not step.arguments:
        return UNKNOWN
    path = reach.places.existing(fill_text(step.action.path, look_up), "the script", attempt.cwd)
    source = bytes_of_script(path)
    if sha256(source).hexdigest() != attempt.script_digest:
        raise CannotStart(f"the script {path} has changed")
    return signature_of(source) if path.suffix == ".py" else UNKNOWN


def _look_up_in(attempt: Attempt) -> LookUp:
    """Return what gives the late references of an attempt as they were; secrets stay as the config names them."""

    def look_up(reference: Reference) -> Plain:
        text = str(reference)
        if reference.head == "secrets":
            return text
        if text not in attempt.resolved:
            raise CannotStart(f"{text} was not recorded")
        return attempt.resolved[text]

    return look_up
