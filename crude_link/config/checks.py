"""Checks: what a schema cannot know: that names which speak of one another are there, and come in order.

They work on the plain document and take nothing for granted of its types, so that a file with a wrong type in one
place is still checked in all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crude_link.config.needs import circle_in, earlier_than, needs_of
from crude_link.config.node import Node, Path
from crude_link.config.problems import Position, Problems, did_you_mean, one_of
from crude_link.config.references import values_read_back
from crude_link.config.schema import NAME, PARAM_KEYS, STEP
from crude_link.config.when_hints import when_hint
from crude_link.model.condition import ConditionError, parse_condition
from crude_link.model.value import Plain, Reference, references_in

if TYPE_CHECKING:
    from crude_link.config.cron import Judge

#: What `${run.X}` can be; `started` takes a format.
RUN_NAMES = ("id", "dir", "started", "origin", "scheduled_for", "pipeline")
#: What `${steps.S.X}` can be, beside `metrics.K`.
STEP_NAMES = ("stdout", "results_file", "status", "exit")
#: What each step is told by crude-link, which `env` cannot change.
_OWN_ENV = tuple(
    f"CRUDE_LINK_{name}" for name in ("RUN", "RUN_DIR", "STEP", "TASK", "ATTEMPT", "METRICS", "SCHEDULED_FOR")
)
#: Keys of a pipeline in which a late reference can never be filled.
_EARLY_ONLY = ("name", "params", "secrets", "timeout", "cron", "timezone", "schedule", "retention")


@dataclass(frozen=True, slots=True)
class Subject:
    """A document with the places of its parts, and who is told of what is wrong."""

    document: Mapping[str, Plain]
    tree: Node
    problems: Problems
    check_schedule: Judge | None = None
    advise_schedule: Judge | None = None

    @property
    def steps(self) -> list[Mapping[str, Plain]]:
        """The steps that are mappings at all."""
        steps = self.document.get("steps")
        return [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, (list, tuple)) else []

    def at(self, *path: str | int) -> Position:
        """Return the place of a value, or of the nearest thing around it."""
        node = self.tree.nearest(path)
        return node.at or node.place

    def mapping(self, key: str) -> Mapping[str, Plain]:
        """Return a mapping of the document; nothing when it is none."""
        value = self.document.get(key)
        return value if isinstance(value, Mapping) else {}

    @property
    def secrets(self) -> Sequence[str]:
        """The names of declared secrets."""
        value = self.document.get("secrets")
        return [str(name) for name in value] if isinstance(value, (list, tuple, Mapping)) else []


def check(subject: Subject) -> None:
    """Run all checks."""
    for each in (_steps, _actions, _env, _names, _needs, _conditions, _references, _params):
        each(subject)


def _steps(subject: Subject) -> None:
    if "steps" not in subject.document:
        subject.problems.add("there is no `steps`; list what to run: `steps:` and `- script: train.py`", subject.at())
    elif not subject.document["steps"] and not subject.problems.any:
        subject.problems.add("`steps` is empty", subject.at("steps"))


def _actions(subject: Subject) -> None:
    for index, step in enumerate(subject.steps):
        actions = [key for key in ("script", "command", "function") if key in step]
        if len(actions) > 1:
            words = " and ".join(f"`{key}`" for key in actions)
            subject.problems.add(f"{words} exclude each other; keep one", subject.at("steps", index), of_step(step))
        if not actions and not step.keys() - STEP.keys():  # a key that is not known may have been meant as one
            subject.problems.add(
                "a step has a `script`, a `command` or a `function`", subject.at("steps", index), of_step(step)
            )
        if isinstance(step.get("command"), (list, tuple)) and "shell" in step:
            message = "`shell` has no meaning with a list: no shell sees it; write the command as text"
            subject.problems.add(message, subject.at("steps", index, "shell"), of_step(step))


def _env(subject: Subject) -> None:
    for index, step in enumerate(subject.steps):
        env = step.get("env")
        for name in env if isinstance(env, Mapping) else ():
            if name in _OWN_ENV:
                message = f"`env.{name}`: crude-link itself sets this variable; take another name"
                subject.problems.add(
                    message, subject.tree.nearest(("steps", index, "env", name)).place, of_step(step)
                )


def _names(subject: Subject) -> None:
    seen: set[str] = set()
    for index, step in enumerate(subject.steps):
        step_name = str(step.get("name"))
        if step_name in seen:
            subject.problems.add(f"there are two steps of the name '{step_name}'", subject.at("steps", index, "name"))
        seen.add(step_name)
    for key in ("params", "secrets"):
        for name in subject.secrets if key == "secrets" else subject.mapping(key):
            if not NAME.fullmatch(name):
                message = f"'{name}' cannot be a name: use letters, digits, `_` and `-`"
                subject.problems.add(message, subject.at(key, name))


def _needs(subject: Subject) -> None:
    needs = needs_of(subject.steps)
    sound = True
    for index, step in enumerate(subject.steps):
        said = step.get("needs")
        for number, word in enumerate([said] if isinstance(said, str) else said if isinstance(said, list) else []):
            if not isinstance(word, str) or (word in needs and word != step.get("name")):
                continue  # a wrong type is the schema's to tell
            sound = False
            near = did_you_mean(word, needs)
            wrong = "it needs itself" if word == step.get("name") else f"`needs`: there is no step '{word}'{near}"
            subject.problems.add(wrong, subject.at("steps", index, "needs", number), of_step(step))
    circle = circle_in(needs) if sound and len(needs) == len(subject.steps) else ()
    if circle:
        index = list(needs).index(circle[0])
        message = f"steps need each other in a circle: {' needs '.join(circle)}"
        subject.problems.add(message, subject.at("steps", index, "needs"))


def _conditions(subject: Subject) -> None:
    needs = needs_of(subject.steps)
    for index, step in enumerate(subject.steps):
        text = step.get("when")
        at = subject.at("steps", index, "when")
        if not isinstance(text, str):
            continue
        try:
            names = parse_condition(text).names
        except (ConditionError, ValueError) as error:  # ValueError: a number of thousands of digits
            told = when_hint(text, subject.mapping("params"), needs) or error
            subject.problems.add(f"`when: {text}`: {told}", at, of_step(step))
            continue
        for name in names:
            wrong = _wrong_name(name, subject, needs, str(step.get("name")))
            if wrong:
                subject.problems.add(f"`when`: {wrong}", at, of_step(step))


def _wrong_name(name: str, subject: Subject, needs: Mapping[str, tuple[str, ...]], step: str) -> str | None:
    head, _, rest = name.partition(".")
    if head == "params":
        params = subject.mapping("params")
        return None if rest in params else f"there is no param '{rest}'{did_you_mean(rest, params)}"
    if head == "env":
        return None
    if head == "steps" and rest.endswith(".results_file"):
        return f"`{name}` is a file, and tells a condition nothing; let a step read it and write a metric"
    return wrong_reference(Reference(name), subject.secrets, needs, step)


def _references(subject: Subject) -> None:
    needs = needs_of(subject.steps)
    for index, step in enumerate(subject.steps):
        for path, reference in references_below(step, ("steps", index)):
            if path[2:] == ("when",):
                continue
            wrong = wrong_reference(reference, subject.secrets, needs, str(step.get("name")))
            if wrong:
                subject.problems.add(f"`{reference}`: {wrong}", subject.at(*path), of_step(step))
    for key in _EARLY_ONLY:
        if key in subject.document:
            for path, reference in references_below(subject.document[key], (key,)):
                message = f"`{reference}` is known only when a step starts, and cannot stand in `{key}`"
                subject.problems.add(message, subject.at(*path))


def wrong_reference(
    reference: Reference, secrets: Sequence[str], needs: Mapping[str, tuple[str, ...]], step: str
) -> str | None:
    """Say what is wrong with a late reference in `step`, or None."""
    head, _, rest = reference.path.partition(".")
    if head == "secrets":
        if rest in secrets:
            return None
        return f"there is no secret '{rest}'{did_you_mean(rest, secrets)}; name it under `secrets:`"
    if head == "run":
        name, colon, _ = rest.partition(":")
        if name not in RUN_NAMES:
            return f"a run has no '{name}'{did_you_mean(name, RUN_NAMES)}; it has {one_of(RUN_NAMES)}"
        return "only `run.started` takes a format" if colon and name != "started" else None
    other, _, what = rest.partition(".")
    if other not in needs:
        return f"there is no step '{other}'{did_you_mean(other, needs)}; steps: {one_of(needs)}"
    if other not in earlier_than(step, needs):
        return f"step '{other}' does not come earlier; add it to `needs`"
    if what in STEP_NAMES or re.fullmatch(r"metrics\.\S+", what):
        return None
    near = did_you_mean(what.split(".")[0], (*STEP_NAMES, "metrics"))
    return f"a step has no '{what}'{near}; it has metrics.NAME, {one_of(STEP_NAMES)}"


def references_below(value: Plain, path: Path) -> Iterator[tuple[Path, Reference]]:
    """Yield the late references in a value at `path`, each with its place."""
    if isinstance(value, str):
        if "${" in value:
            yield from ((path, reference) for reference in references_in(values_read_back(value)))
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from references_below(child, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield from references_below(child, (*path, index))


def _params(subject: Subject) -> None:
    for name, said in subject.mapping("params").items():
        declared = said if isinstance(said, Mapping) else {"default": said}
        if declared and not declared.keys() & PARAM_KEYS.keys():
            continue  # a mapping of the user's own, of which the schema tells
        if "default" not in declared or declared["default"] == "???":
            subject.problems.add(f"param '{name}' has no value; set it: --set {name}=...", subject.at("params", name))
            continue
        value = declared["default"]
        at = subject.at("params", name, "default")
        if isinstance(value, (list, tuple, Mapping)):
            subject.problems.add(
                f"param '{name}' is a single value, not a list or mapping; write that where it is used", at
            )
            continue
        wrong = wrong_value(name, value, declared)
        if wrong:
            subject.problems.add(wrong, at)


def wrong_value(name: str, value: Plain, declared: Mapping[str, Plain]) -> str | None:
    """Say which of a param's `choices`, `min` and `max` a value does not keep to; None: it does."""
    choices, low, high = (declared.get(key) for key in ("choices", "min", "max"))
    if isinstance(choices, (list, tuple)) and value not in choices:
        return f"param '{name}' is {value!r}, but must be one of {one_of(map(str, choices))}"
    if low is None and high is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"param '{name}' is {value!r}, but must be a number"
    if isinstance(low, (int, float)) and not value >= low:
        return f"param '{name}' is {value}, but must be at least {low}"
    if isinstance(high, (int, float)) and not value <= high:
        return f"param '{name}' is {value}, but must be at most {high}"
    return None


def of_step(step: Mapping[str, Plain]) -> str:
    """Return the beginning of a message about a step."""
    return f"step '{step.get('name')}': "
