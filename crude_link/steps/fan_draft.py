"""The parts of which the work of a step with `foreach` is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.inputs.digest import digest_of
from crude_link.inputs.opened import Inputs
from crude_link.inputs.source import Asked, no_stores
from crude_link.interfaces import Logs
from crude_link.model.condition import Facts
from crude_link.model.event import Stream
from crude_link.model.foreach import TEXT_SOURCES, ForEach
from crude_link.model.order import WarmStart
from crude_link.model.pipeline import Command, Script, Stdin, Step
from crude_link.model.run import AttemptKey
from crude_link.model.value import Plain, Template
from crude_link.steps.fan_work import shares_of_env
from crude_link.steps.function import TaskFunction
from crude_link.steps.item_values import late_filled
from crude_link.steps.places import Places
from crude_link.steps.references import LookUp, fill, fill_shell
from crude_link.steps.signature import Signature
from crude_link.steps.task_arguments import Given, TaskArguments
from crude_link.steps.task_command import TaskCommand, TaskScript, TaskShell, TaskWords


def what_tasks_share(step: Step) -> Step:
    """Return the step without all that is another for each task; the order of the whole is made from it."""
    action = Command(argv=("true",)) if isinstance(step.action, Command) else step.action
    shared, _ = shares_of_env(step.env)
    return replace(step, action=action, arguments={}, env=shared, stdin=Stdin.NOTHING, transfers=())


def compiled_command(
    step: Step, signature: Signature, head: list[str], look_up: LookUp, config: Mapping[str, Plain] | None = None
) -> TaskCommand:
    """Return what gives the argv of each task; `head` starts its script, `config` is what a class is given."""
    assert step.foreach
    if isinstance(step.action, Script) and step.action.function:
        given = {key: late_filled(value, look_up) for key, value in step.arguments.items()}
        return TaskFunction(head, given, config)
    arguments = TaskArguments(
        Given(
            style=step.argument_style,
            arguments={key: late_filled(value, look_up) for key, value in step.arguments.items()},
            signature=signature,
            is_by_hand=step.foreach.source in TEXT_SOURCES,
        )
    )
    if not isinstance(step.action, Command):
        return TaskScript(head, arguments)
    if step.action.text is None:
        return TaskWords(step.action, arguments, look_up)
    return TaskShell(step.action, arguments, look_up)


def filled_source(foreach: ForEach, look_up: LookUp) -> Plain:
    """Return what the config says of the source, references filled."""
    value = foreach.value
    if foreach.source == "command" and isinstance(value, (str, Template)):
        return str(fill_shell(value, look_up))
    return fill(value, look_up)


def warm_start(step: Step, head: Sequence[str]) -> WarmStart | None:
    """Return how processes are prepared for the tasks of a step; None where each starts its own."""
    if not step.is_warm:
        return None
    return WarmStart(argv=tuple(head[:2]), files=tuple(head[2:3]), turns=step.reuse)


def opened_inputs(foreach: ForEach, value: Plain, reach: Reach) -> Inputs:
    """Return the inputs. CannotStart when they are not to be had."""
    return Inputs(foreach, asked_of(value, reach, "the file with the inputs"))


def asked_of(value: Plain, reach: Reach, file_is: str) -> Asked:
    """Return what a source is made from; `file_is` names its file should it be missing."""
    return Asked(
        value=value,
        project=reach.places.project,
        file=lambda name: reach.places.existing(name, file_is),
        run_command=reach.run_command,
        step_lines=reach.lines_of,
        scratch=reach.folder / f"{digest_of(value)}.inputs",
        list_stores=reach.list_stores,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What inputs are read with."""

    places: Places
    logs: Logs
    facts: Facts
    #: Where the output of programs is kept.
    folder: Path
    #: As those of an Asked.
    run_command: Callable[[str | Sequence[str], Path], None]
    list_stores: Callable[[Sequence[str], Path], None] = no_stores

    def lines_of(self, step: str) -> tuple[str, Iterable[bytes]]:
        """Return the attempt whose output counts for an earlier step, and its lines on stdout."""
        attempt = self.facts.steps.get(step, {}).get("attempt")
        if not isinstance(attempt, str):
            raise CannotStart(f"the inputs are the output of step {step!r}, which did not run")
        lines = self.logs.lines(AttemptKey.parse(attempt), Stream.STDOUT)
        return attempt, (line for _, line in lines)
