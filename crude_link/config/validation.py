"""Validation: pydantic's errors in our words, each with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from pydantic import BaseModel, ValidationError

from crude_link.config.keys import FILE_KEYS, LATER_PIPELINE_KEYS, LATER_STEP_KEYS, not_yet, unknown_key
from crude_link.config.node import Node, Path
from crude_link.config.problems import Problems
from crude_link.config.schema import ParamModel, PipelineModel, RetentionModel, RetriesModel, StepModel
from crude_link.model.value import Plain

_TYPES = {
    "string_type": "is text",
    "bool_type": "is true or false",
    "int_type": "is a whole number",
    "float_type": "is a number",
    "list_type": "is a list",
    "dict_type": "is a mapping",
    "model_type": "is a mapping",
    "missing": "is missing",
}


def validated(
    document: Mapping[str, Plain], tree: Node, broken: Set[Path], problems: Problems
) -> PipelineModel | None:
    """Return the checked pipeline, or None with the errors added to `problems`."""
    try:
        return PipelineModel.model_validate(document)
    except ValidationError as error:
        _tell(error, tree, broken, problems)
    return None


def check_unused_config(name: str, body: Plain, tree: Node, problems: Problems) -> None:
    """Check a config that no step uses, so that a wrong key in it does not wait until one does."""
    try:
        StepModel.model_validate(body)
    except ValidationError as error:
        _tell(error, tree, frozenset(), problems, (("configs", name), f"config '{name}': "))


def _tell(
    error: ValidationError,
    tree: Node,
    broken: Set[Path],
    problems: Problems,
    inside: tuple[Path, str] = ((), ""),
) -> None:
    base, of = inside
    for detail in error.errors(include_url=False):
        path: Path = (*base, *detail["loc"])
        if path == ("steps",) or any(path[: len(bad)] == bad or bad[: len(path)] == path for bad in broken):
            continue
        node = tree.nearest(path)
        kind = detail["type"]
        place = node.place if kind in ("extra_forbidden", "missing") else node.at or node.place
        key, about = _about(path, tree)
        problems.add(_words(kind, key, detail, path), place, of or about)


def _about(path: Path, tree: Node) -> tuple[str, str]:
    """Return the key as a person would write it, and the step it belongs to as the beginning of a message."""
    if path[0] == "steps" and len(path) > 1:
        name = tree.descend((*path[:2], "name"))
        return _dotted(path[2:]), f"step '{name.value if name else path[1]}': "
    return _dotted(path[2:] if path[0] == "configs" else path), ""


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def _words(kind: str, key: str, detail: Any, path: Path) -> str:
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "value_error":
        words = str(detail["ctx"]["error"])
        return words if words.startswith("`") or not key else f"`{key}`: {words}"
    if kind == "literal_error" and key == "runs_on":
        return not_yet("runs_on", "SSH hosts").replace("`runs_on`", f"`runs_on: {detail['input']}`")
    if kind == "literal_error":
        return f"`{key}` is {detail['ctx']['expected']}, not {detail['input']!r}"
    if kind == "greater_than_equal":
        return f"`{key}` is at least {detail['ctx']['ge']}, not {detail['input']!r}"
    if kind in _TYPES:
        got = "" if kind == "missing" else f", not {_shown(detail['input'])}"
        hint = "; quote it" if kind == "string_type" and isinstance(detail["input"], (int, float)) else ""
        return f"`{key}` {_TYPES[kind]}{got}{hint}"
    return f"`{key}`: {detail['msg']}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else repr(value)


def _unknown(path: Path) -> str:
    key = str(path[-1])
    match path:
        case ("steps", _, _) | ("configs", _, _):
            later = LATER_STEP_KEYS.get(key)
            return not_yet(key, later[0]) if later else unknown_key(key, StepModel.model_fields, "a step")
        case (_,):
            later = LATER_PIPELINE_KEYS.get(key)
            known = (*PipelineModel.model_fields, *FILE_KEYS)
            return not_yet(key, later[0]) if later else unknown_key(key, known, "the file")
        case ("params", _, _):
            return _no_key(key, ParamModel, "a param")
        case ("retention", _):
            return _no_key(key, RetentionModel, "`retention`")
    return _no_key(key, RetriesModel, "`retries`")


def _no_key(key: str, model: type[BaseModel], where: str) -> str:
    return unknown_key(key, model.model_fields, where)
