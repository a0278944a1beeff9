"""Pre-flight of a step with `foreach`: its first inputs are read, and their tasks are made up to the argv."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.inputs.opened import Inputs
from crude_link.inputs.source import Asked
from crude_link.model.foreach import PLACE_HEADS, TEXT_SOURCES, ForEach
from crude_link.model.pipeline import Script, Step
from crude_link.model.resources import FOUND, Place, Pool
from crude_link.model.transfer import TaskTransfer
from crude_link.model.value import Placeholder, Plain, Reference, Template, Value, references_in
from crude_link.resources.pools import items_of
from crude_link.steps.fan_draft import compiled_command
from crude_link.steps.fan_room import budgets_of, pools_of, room_of
from crude_link.steps.fan_work import compiled_env
from crude_link.steps.fire_text import as_fire_argument
from crude_link.steps.item_values import Turn, checked, getter_of
from crude_link.steps.judging import Wrong, judged
from crude_link.steps.places import Places, bytes_of_script
from crude_link.steps.references import fill
from crude_link.steps.signature import ScriptStyle, Signature
from crude_link.steps.written import written

#: So many inputs are looked at.
FIRST = 3
#: Sources that are files.
_FILES = ("lines", "csv", "jsonl", "task_file")
#: A script that has none of these in it does not ask the environment for its input.
_TELLING = (b"CRUDE_LINK_ITEM", b"CRUDE_LINK_TASK", b"environ")


def first_inputs(foreach: ForEach, places: Places, is_made: Callable[[str], bool]) -> list[Plain] | None:
    """Return the first inputs; None where nobody can know them yet. CannotStart when they are not to be had.

    `is_made` says whether an earlier step makes a path. No command is run, and no store is listed.
    """
    if foreach.is_of_stores:
        return None
    asked = _asked(foreach.source, foreach.value, places, is_made, "the file with the inputs")
    return None if asked is None else [one.item for one in islice(Inputs(foreach, asked).stream(), FIRST)]


def known_room(
    step: Step,
    pools: Sequence[Pool],
    places: Places,
    is_made: Callable[[str], bool],
    find_gpus: Callable[[], Sequence[str]],
) -> tuple[int, str]:
    """Return how many tasks of a step can run at once, and what limits it, as far as its pools are known.

    CannotStart when one is surely empty, or too small for one task.
    """
    found: dict[str, Mapping[str, str]] = {}
    for pool in pools_of(step, pools):
        if pool.source == FOUND:
            found[pool.name] = {gpu: gpu for gpu in find_gpus()}
            continue
        asked = _asked(pool.source, pool.value, places, is_made, "the file of its items")
        if asked:
            found[pool.name] = items_of(replace(pool, value=asked.value), asked)
    known = replace(step, holds=tuple(need for need in step.holds if need.pool in found))
    return room_of(known, found, budgets_of(step, places.project))


def empty_words(foreach: ForEach) -> str:
    """Say that there are no inputs."""
    if foreach.source == "glob":
        return f"nothing fits the pattern {foreach.value!r} yet: without inputs it would do nothing"
    return f"its inputs (`{foreach.source}`) are empty: it would do nothing"


def without_key(foreach: ForEach, inputs: Sequence[Plain]) -> str | None:
    """Say which input lacks the field by which it is to be known."""
    for number, item in enumerate(inputs, start=1):
        if foreach.key is not None and not (isinstance(item, Mapping) and foreach.key in item):
            return f"input {number} has no field {foreach.key!r}, by which it is to be known (`key`)"
    return None


def uses_no_input(step: Step, script: Path) -> bool:
    """True when neither the arguments nor the environment nor the script's text ask for the input."""
    text = bytes_of_script(script)
    texts = [text for each in step.transfers for text in each.texts]
    values: tuple[Value, ...] = (*step.arguments.values(), *step.env.values(), *texts)
    is_named = any(isinstance(one, Placeholder) for value in values for one in references_in(value))
    return not is_named and not any(word in text for word in _TELLING)


def wrong_with_first(step: Step, signature: Signature, item: Plain) -> list[Wrong]:
    """Return what is wrong with the arguments of the first task; what all tasks lack is told elsewhere."""
    told = judged(step.argument_style, step.arguments, signature)
    wrong = [
        one for one in judged(step.argument_style, _arguments(step, item, signature), signature) if one not in told
    ]
    return [Wrong(one.key, f"{one.clause} (with the first input)") for one in wrong]


def try_first(step: Step, signature: Signature, item: Plain, places: Places) -> None:
    """Make the first task as far as can be without what is only known later. CannotStart when it cannot be."""
    head = [str(step.action.path)] if isinstance(step.action, Script) else []
    command, env = compiled_command(step, signature, head, lambda _: "x"), compiled_env(step, lambda _: "x")
    try:
        turn = Turn(1, Place(1, {need.pool: "1" for need in step.holds}))
        command.argv(item, turn)
        if step.transfers:
            from crude_link.steps.errands import ErrandMeans, Errands  # costs what only these need

            means = ErrandMeans(look_up=lambda _: "x", places=places, notes=Path(), locks=Path())
            Errands(replace(step, transfers=_without_files(step)), means).argv(item, turn)
        for name, get in env.items():
            checked(written(get(item, turn)), f"env {name}")
    except CannotStart as problem:
        raise CannotStart(f"with the first input: {problem}") from problem


def _without_files(step: Step) -> tuple[TaskTransfer, ...]:
    """Return the transfers without what is read for all tasks."""
    return tuple(replace(each, env={}, env_file=None) for each in step.transfers)


def _asked(source: str, said: Value, places: Places, is_made: Callable[[str], bool], file_is: str) -> Asked | None:
    """Return what inputs can be read from before the run; None where nobody can know them yet."""
    if next(references_in(said), None) is not None or source in ("command", "step"):
        return None
    value = fill(said, str)
    paths = value if isinstance(value, (list, tuple)) else [value]
    if source in (*_FILES, "glob") and any(is_made(_fixed_part(str(path))) for path in paths):
        return None

    def file(name: str) -> Path:
        try:
            return places.existing(name, file_is)
        except CannotStart as problem:
            raise CannotStart(f"{problem}; no earlier step names it under `outputs`") from problem

    return Asked(
        value=value, project=places.project, file=file, run_command=_run_nothing, step_lines=_no_lines, scratch=Path()
    )


def _own_keys(step: Step) -> list[str]:
    """Return the arguments that hold placeholders and nothing that is known later."""
    found = {key: list(references_in(value)) for key, value in step.arguments.items()}
    return [key for key, some in found.items() if some and all(_is_of_input(one) for one in some)]


def _is_of_input(reference: Reference) -> bool:
    return isinstance(reference, Placeholder) and reference.head not in PLACE_HEADS


def _arguments(step: Step, item: Plain, signature: Signature) -> dict[str, Value]:
    """Return the arguments of the first task. What fire would make another value of stays unknown, as by hand."""
    assert step.foreach
    is_by_hand = step.foreach.source in TEXT_SOURCES and signature.style is ScriptStyle.FIRE
    made: dict[str, Value] = dict(step.arguments)
    for key in _own_keys(step):
        value = step.arguments[key]
        try:
            filled = fill(value, lambda one: getter_of(one)(item, Turn(1)))  # type: ignore[arg-type]  # they are Placeholders
        except CannotStart:
            continue  # told as the task is made
        is_alone = isinstance(value, Template) and len(value.parts) == 1
        if not (is_by_hand and is_alone and isinstance(filled, str) and as_fire_argument(filled) != filled):
            made[key] = filled
    return made


def _fixed_part(path: str) -> str:
    """Return the folder of a pattern in which nothing is open."""
    parts = path.split("/")
    fixed = [*parts]
    for number, part in enumerate(parts):
        if any(sign in part for sign in "*?["):
            fixed = parts[:number]
            break
    return "/".join(fixed) or "."


def _run_nothing(_command: object, _path: Path) -> None:
    raise CannotStart("nothing is run before the run")


def _no_lines(_step: str) -> tuple[str, Sequence[bytes]]:
    raise CannotStart("no step has run before the run")
