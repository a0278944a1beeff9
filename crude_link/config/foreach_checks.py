"""What a schema cannot know of a step with `foreach`: its placeholders, the fields of its inputs, what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from crude_link.config.checks import Subject, of_step, references_below
from crude_link.config.item_text import (
    BadPlaceholder,
    braces_of,
    known_words,
    placeholders_in,
    texts_per_task,
    texts_shared,
)
from crude_link.config.needs import earlier_than, needs_of
from crude_link.config.node import Path
from crude_link.config.problems import did_you_mean, one_of
from crude_link.config.references import read_back
from crude_link.model.foreach import PATH_HEADS, PLACE_HEADS, ROW_SOURCES, SINGLE_SOURCES, SOURCES
from crude_link.model.value import Placeholder, Plain, Template

#: Variables by which a program can know its input without a placeholder.
_TELLING = ("CRUDE_LINK_ITEM", "CRUDE_LINK_TASK")
_NO_OUTPUT = (
    "has tasks of its own, and no output as a whole; read the file "
    "`${steps.NAME.results_file}`, a line of JSON for each task, or let each task write a file into `${run.dir}`"
)
_NO_RESULTS = "has neither `function` nor `foreach`, so there is no file of results; take its stdout"


@dataclass(frozen=True, slots=True)
class _FanStep:
    """One step with `foreach` in a document."""

    subject: Subject
    index: int
    said: Mapping[str, Plain]

    @property
    def foreach(self) -> Mapping[str, Plain]:
        found = self.said.get("foreach")
        return found if isinstance(found, Mapping) else {"items": found}

    @property
    def source(self) -> str | None:
        return next((name for name in SOURCES if self.foreach.get(name) is not None), None)

    def add(self, message: str, path: Path) -> None:
        at = self.subject.at("steps", self.index, *path)
        self.subject.problems.add(message, at, f"step '{self.said.get('name')}': ")


def check_foreach(subject: Subject) -> None:
    """Check all steps with `foreach`."""
    for index, step in enumerate(subject.steps):
        fan = _FanStep(subject, index, step)
        if step.get("foreach") is None:
            _median_of_one(fan)
        else:
            for each in (_keyboard, _earlier_step, _placeholders, _shared):
                each(fan)
    _outputs(subject)


def _median_of_one(fan: _FanStep) -> None:
    timeout = fan.said.get("timeout")
    if isinstance(timeout, str) and timeout.strip().endswith("median"):
        message = "is for the tasks of a `foreach`; this step has one, and no median: give a time such as 10m"
        fan.add(f"`timeout: {timeout}` {message}", ("timeout",))


def _outputs(subject: Subject) -> None:
    """Refuse references to what a step with tasks printed, and to results where there are none."""
    wrong = {}
    for step in subject.steps:
        name = step.get("name")
        if step.get("foreach"):
            wrong[f"steps.{name}.stdout"] = f"step '{name}' {_NO_OUTPUT.replace('NAME', str(name))}"
        elif not step.get("function"):
            wrong[f"steps.{name}.results_file"] = f"step '{name}' {_NO_RESULTS}"
    for index, step in enumerate(subject.steps):
        for path, reference in references_below(step, ("steps", index)):
            if reference.path in wrong:
                subject.problems.add(f"`{reference}`: {wrong[reference.path]}", subject.at(*path), of_step(step))


def _keyboard(fan: _FanStep) -> None:
    if fan.said.get("stdin") == "terminal":
        fan.add("`stdin: terminal` cannot stand beside `foreach`: there is one keyboard, and many tasks", ("stdin",))


def _earlier_step(fan: _FanStep) -> None:
    word, needs = fan.foreach.get("step"), needs_of(fan.subject.steps)
    if not isinstance(word, str):
        return
    name, place = str(fan.said.get("name")), ("foreach", "step")
    if word not in needs:
        near = did_you_mean(word, needs)
        fan.add(f"`foreach`: there is no step '{word}'{near}; steps: {one_of(needs)}", place)
    elif word not in earlier_than(name, needs):
        fan.add(f"`foreach`: step '{word}' does not come earlier; add it to `needs`", place)
    elif any(step.get("name") == word and step.get("foreach") is not None for step in fan.subject.steps):
        fan.add(f"`foreach`: step '{word}' {_NO_OUTPUT}", place)


def _placeholders(fan: _FanStep) -> None:
    found: list[Placeholder] = []
    sound = True
    for path, text in texts_per_task(fan.said):
        try:
            found += [one for one in _in(text, path) if isinstance(one, Placeholder)]
        except BadPlaceholder as error:
            sound = False
            fan.add(str(error), path)
            continue
        for one in _in(text, path):
            wrong = _wrong_with(one, fan) if isinstance(one, Placeholder) else None
            if wrong:
                fan.add(f"`{one}`: {wrong}", path)
    is_used = any(one.head not in PLACE_HEADS for one in found)
    if sound and not is_used and isinstance(fan.said.get("command"), (str, list)) and not _is_told_otherwise(fan):
        place = "arguments:` or into `command" if "arguments" in fan.said else "command"
        hint = "; `${item}` is a variable of the shell's" if "${item" in str(fan.said["command"]) else ""
        message = (
            f"`foreach`: its input is used nowhere, and every task would do the same; write `{{item}}` into `{place}`"
        )
        fan.add(f"{message}{hint}", ("foreach",))


def _is_told_otherwise(fan: _FanStep) -> bool:
    """True when the command asks the environment for its input; a script is looked into by pre-flight."""
    return any(word in text for _, text in texts_per_task(fan.said) for word in _TELLING)


def _in(text: str, path: Path) -> Iterator[object]:
    braces, value = braces_of(path), read_back(text)
    for part in value.parts if isinstance(value, Template) else (value,):
        if isinstance(part, str) and braces:
            yield from placeholders_in(part, braces)


def _wrong_with(placeholder: Placeholder, fan: _FanStep) -> str | None:
    source = fan.source
    items = fan.foreach.get("items") if source == "items" else None
    rows = [item for item in items if isinstance(item, Mapping)] if isinstance(items, (list, tuple)) else []
    if placeholder.path in PATH_HEADS:
        is_row = source in ROW_SOURCES or bool(rows)
        return (
            "this is a part of a path, and the inputs are mappings; name a field: `{item.FIELD}`" if is_row else None
        )
    if placeholder.head in PLACE_HEADS:
        return _wrong_with_place(placeholder, fan)
    field = placeholder.path.partition(".")[2]
    if not field:
        return None
    if source in SINGLE_SOURCES or (isinstance(items, (list, tuple)) and items and not rows):
        return "the inputs are no mappings and have no fields; write `{item}`"
    known = _fields(source, fan.foreach, rows)
    if known and field not in known and field.split(".")[0] not in known:
        return f"the inputs have no field '{field}'{did_you_mean(field, known)}; they have {one_of(known)}"
    return None


def _wrong_with_place(placeholder: Placeholder, fan: _FanStep) -> str | None:
    if placeholder.path == "gpu" and fan.said.get("gpus") is None:
        return "the tasks of this step hold no GPU; write `gpus: 1` beside `foreach`"
    name = placeholder.path.partition(".")[2]
    needs = fan.said.get("resources")
    held = list(needs) if isinstance(needs, Mapping) else []
    if name and name not in held:
        return (
            f"this step holds nothing of '{name}'{did_you_mean(name, held)}; write `resources: {{{name}: per task}}`"
        )
    return None


def _fields(source: str | None, foreach: Mapping[str, Plain], rows: Iterable[Mapping[str, Plain]]) -> list[str]:
    """Return the fields of inputs as far as the file tells them."""
    if source == "task_file":
        return ["task_id", "data"]
    matrix = foreach.get("matrix")
    if source == "matrix":
        return list(matrix) if isinstance(matrix, Mapping) else []
    return list(dict.fromkeys(key for row in rows for key in row))


def _shared(fan: _FanStep) -> None:
    for path, text in texts_shared(fan.said):
        for word in known_words(text):
            fan.add(f"`{word}` cannot stand in `{path[0]}`, which all tasks share; put it into `arguments`", path)
