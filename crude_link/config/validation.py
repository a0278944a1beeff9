"""Validation: a document against its schema, every error with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from crude_link.config.node import Node, Path
from crude_link.config.problems import Problems
from crude_link.config.schema import PIPELINE_FORM, STEP_FORM
from crude_link.model.value import Plain


def validated(document: Mapping[str, Plain], tree: Node, broken: Set[Path], problems: Problems) -> Mapping[str, Any]:
    """Return the values of the pipeline's keys as the model wants them, of meaning only if no problem was added."""

    def report(path: Path, message: str, of_key: bool) -> None:
        if path == () or any(path[: len(bad)] == bad or bad[: len(path)] == path for bad in broken):
            return  # a missing `steps` and references without a value have been told
        key, of = _about(path, tree)
        _add(problems, tree.nearest(path), key, of, (message, of_key))

    values: Mapping[str, Any] = PIPELINE_FORM.read(document, (), report)
    return values


def check_unused_config(name: str, tree: Node, problems: Problems) -> None:
    """Check a config that no step uses, so that a wrong key in it does not wait until one does.

    Its references are not followed: what nothing uses must run no `${exec:...}` and need no variable.
    """
    config = tree.descend(("configs", name)) or Node({})

    def report(path: Path, message: str, of_key: bool) -> None:
        node = config.nearest(path)
        if not (isinstance(node.value, str) and "${" in node.value):
            _add(problems, node, _dotted(path), f"config '{name}': ", (message, of_key))

    STEP_FORM.read(config.plain(), (), report)


def _add(problems: Problems, node: Node, key: str, of: str, told: tuple[str, bool]) -> None:
    message, of_key = told
    if message.startswith("is "):
        message = f"`{key}` {message}"
    elif not message.startswith("`") and key:
        message = f"`{key}`: {message}"
    problems.add(message, node.place if of_key else node.at or node.place, of)


def _about(path: Path, tree: Node) -> tuple[str, str]:
    """Return the key as a person would write it, and the step it belongs to as the beginning of a message."""
    if path[0] != "steps" or len(path) < 2:
        return _dotted(path), ""
    name = tree.descend((*path[:2], "name"))
    return _dotted(path[2:]), f"step '{name.value if name else path[1]}': "


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)
