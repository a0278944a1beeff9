"""Outlook: what a run would do with each step, as far as it can be known before anything has run."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePath

from crude_link.cli.fan_outlook import FanOutlook, fan_outlook
from crude_link.engine.plan import ordered
from crude_link.errors import CannotStart
from crude_link.model.condition import Condition, ConditionError, Facts
from crude_link.model.pipeline import Pipeline, Script, Step
from crude_link.model.run import Selection
from crude_link.model.transfer import Transfer, TransferKind
from crude_link.model.value import Plain, Reference
from crude_link.steps.arguments import argument_list
from crude_link.steps.places import Places
from crude_link.steps.reading import signature_of
from crude_link.steps.references import fill
from crude_link.steps.signature import UNKNOWN, Signature
from crude_link.steps.written import written


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What a run would do with one step: `run`, `skip`, `maybe` or `fail`."""

    step: str
    does: str
    why: str
    #: As it would be typed; what is known only when the step starts, and secrets, as they are written.
    command: str
    usual: timedelta | None
    #: Of a step with foreach: its inputs and slots.
    fan_out: FanOutlook | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """Looks ahead for one pipeline."""

    pipeline: Pipeline
    selection: Selection
    project: Path
    environment: Mapping[str, str]
    usual: Mapping[str, timedelta]
    find_gpus: Callable[[], Sequence[str]]

    def lines(self) -> list[Line]:
        """Return a line for each step, in the pipeline's order."""
        found: dict[str, tuple[str, str]] = {}
        for step in ordered(self.pipeline.steps):
            found[step.name] = self._fate(step, found)
        return [
            Line(
                step=step.name,
                does=found[step.name][0],
                why=found[step.name][1],
                command=command_text(step, self.project),
                usual=self.usual.get(step.name),
                fan_out=self._fan_out(step) if found[step.name][0] != "skip" else None,
            )
            for step in self.pipeline.steps
        ]

    def _fan_out(self, step: Step) -> FanOutlook | None:
        return fan_outlook(step, self.project, self.pipeline.pools, self.find_gpus)

    def _fate(self, step: Step, found: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
        left_out = self._left_out(step.name)
        if left_out:
            return "skip", left_out
        when = step.when
        after = f"after {', '.join(step.needs)}" if step.needs else "at once"
        if when and when.is_always:
            return "run", f"{after}, whatever came before"
        if when and when.is_failed:
            return "maybe", "only after a failure"
        needs = {need: found[need][0] for need in step.needs if need in found and not self._stands_aside(need)}
        skipped = [need for need, does in needs.items() if does == "skip"]
        if skipped:
            return "skip", f"needs {skipped[0]}, which is skipped"
        if when:
            does, words = self._by_condition(when)
            if does != "run":
                return does, words if does == "skip" else f"{after}, {words}"
            after = f"{after}; {words}"
        unsure = [need for need, does in needs.items() if does == "maybe"]
        return ("maybe", f"{after}, unless that is skipped") if unsure else ("run", after)

    def _left_out(self, step: str) -> str | None:
        return self.selection.leaves_out(self.pipeline.names, step)

    def _stands_aside(self, name: str) -> bool:
        """True for a step that keeps no other from running when it is skipped itself."""
        when = self.pipeline.step(name).when
        return self._left_out(name) is not None or (when is not None and when.is_failed)

    def _by_condition(self, when: Condition) -> tuple[str, str]:
        if any(name.startswith(("steps.", "run.")) for name in when.names):
            return "maybe", f"when: {when.text}"
        facts = Facts(params=self.pipeline.params, env=self.environment)
        try:
            holds = when.holds(facts)
        except ConditionError as error:
            return "fail", f"when: {when.text}: {error}"
        seen = ", ".join(f"{name} = {facts.look_up(name)!r}" for name in dict.fromkeys(when.names))
        words = f"when: {when.text} is {'true' if holds else 'false'}"
        return ("run" if holds else "skip"), f"{words} ({seen})" if seen else words


def command_text(step: Step, project: Path) -> str:
    """Return how a step would be started, as a person would type it; what its tasks transfer, on lines of its own."""
    uploads = [str(each.transfer) for each in step.transfers if each.transfer.kind is TransferKind.UPLOAD]
    downloads = [str(each.transfer) for each in step.transfers if each.transfer.kind is TransferKind.DOWNLOAD]
    return "\n".join([*downloads, _own_command(step, project), *uploads])


def _own_command(step: Step, project: Path) -> str:
    action = step.action
    if isinstance(action, Transfer):
        return str(action)
    if isinstance(action, Script):
        path = str(action.path)
        if action.function:
            return _typed(
                [
                    f"{path}:{action.function}",
                    *(f"{key}={written(fill(value, _as_written))}" for key, value in step.arguments.items()),
                ]
            )
        signature = _signature(path, project) if path.endswith(".py") else UNKNOWN
        python = str(action.python) if action.python is not None else PurePath(sys.executable).name
        return _typed([*([python] if path.endswith(".py") else []), path, *_arguments(step, signature)])
    words = _arguments(step, UNKNOWN)
    if action.text is None:
        return _typed([*(written(fill(word, _as_written)) for word in action.argv), *words])
    return " ".join([str(action.text).rstrip(), *([_typed(words)] if words else [])])


def _arguments(step: Step, signature: Signature) -> list[str]:
    filled = {key: fill(value, _as_written) for key, value in step.arguments.items()}
    if step.foreach:  # what stands for an input has no form of its own
        return [f"--{key}={written(value)}" for key, value in filled.items()]
    try:
        return argument_list(step.argument_style, filled, signature)
    except CannotStart:  # what stands for a value that is not known yet has no form; the value itself may
        return [f"--{key}={written(value)}" for key, value in filled.items()]


def _as_written(reference: Reference) -> Plain:
    return str(reference)


def _signature(script: str, project: Path) -> Signature:
    try:
        return signature_of(Places(project=project).path(script).read_bytes())
    except (OSError, CannotStart):
        return UNKNOWN


#: A reference, or what stands for an input.
_PUT_IN = re.compile(r"\$?\{[\w.]+")


def _typed(words: Sequence[str]) -> str:
    """Join words as in a shell, but leave references as they are read best: without quotes of their own."""
    return " ".join(word if _PUT_IN.search(word) and " " not in word else shlex.quote(word) for word in words)
