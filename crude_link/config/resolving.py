"""Resolving: putting in what early references stand for; late ones stay, as references.

Names of the file (`${params.lr}`, `${configs.a.arguments.x}`, relative ones) and `exec file now oc.env` are answered
here, because they need the run's own clock, environment and directory; other `oc.` resolvers are asked of OmegaConf.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from crude_link.config.keys import FILE_KEYS, PIPELINE_KEYS
from crude_link.config.node import Node
from crude_link.config.node import Path as NodePath
from crude_link.config.problems import Problems, did_you_mean
from crude_link.config.references import (
    EARLY_HEADS,
    LATE_HEADS,
    OWN_RESOLVERS,
    Hole,
    Tongue,
    Unclosed,
    scan,
    written,
)
from crude_link.config.scalars import text_of
from crude_link.errors import CrudeLinkError
from crude_link.model.value import Plain, Reference, Template, Value


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What early references can ask for outside of the file."""

    project: Path
    now: datetime
    environment: Mapping[str, str]
    run_exec: Callable[[str], str]
    in_shell: Callable[[str, str], str]
    #: What `${exec:...}` gave, so that each is run once per load.
    outputs: dict[str, str] = field(default_factory=dict)


class BadReference(Exception):
    """A reference that cannot be filled; the text says why."""


class _Broken(Exception):
    """What a reference points at is itself broken, and has been told."""


class Resolver:
    """Resolves one pipeline's tree; errors go to `problems`, and `broken` names the places that have no value."""

    def __init__(self, root: Node, world: World, problems: Problems) -> None:
        self._root = root
        self._world = world
        self._problems = problems
        self._values: dict[NodePath, Value] = {}
        self._open: list[NodePath] = []
        self.broken: set[NodePath] = set()
        self.resolved: dict[str, Plain] = {}

    def document(self, path: NodePath) -> Plain:
        """Return what stands at `path` as plain data: early references filled, late ones as text."""
        node = self._root.descend(path)
        assert node is not None
        if isinstance(node.value, Mapping):
            return {key: self.document((*path, key)) for key in node.value}
        if isinstance(node.value, tuple):
            return [self.document((*path, index)) for index in range(len(node.value))]
        try:
            return written(self._value(path))
        except _Broken:
            self.broken.add(path)
            return None

    def _value(self, path: NodePath) -> Value:
        """Return the resolved value at `path`; _Broken when it has none."""
        if path in self._values:
            return self._values[path]
        if path in self.broken:
            raise _Broken
        node = self._root.descend(path)
        assert node is not None
        if isinstance(node.value, Mapping):
            return {key: self._value((*path, key)) for key in node.value}
        if isinstance(node.value, tuple):
            return [self._value((*path, index)) for index in range(len(node.value))]
        if not isinstance(node.value, str) or "${" not in node.value or is_condition(path):
            return node.value
        self._open.append(path)
        try:
            value = self._text(node.value, path, tongue_of(path))
        except (BadReference, Unclosed, CrudeLinkError) as error:
            self._problems.add(str(error), node.at, _where(self._root, path))
            self.broken.add(path)
            raise _Broken from error
        except _Broken:
            self.broken.add(path)
            raise
        finally:
            self._open.pop()
        self._values[path] = value
        return value

    def _text(self, text: str, path: NodePath, tongue: Tongue) -> Value:
        parts = scan(text, tongue)
        if len(parts) == 1 and isinstance(parts[0], Hole):
            return self._fill(parts[0], path)
        made: list[str | Reference] = []
        for part in parts:
            if isinstance(part, str):
                made.append(part)
                continue
            value = self._fill(part, path)
            if tongue is Tongue.COMMAND:
                self._put_into_shell(made, part, value)
            else:
                made += _in_text(part, value)
        return _template(made)

    def _put_into_shell(self, made: list[str | Reference], hole: Hole, value: Value) -> None:
        """Append a value to shell text, escaped for the place where it stands; a list becomes several words."""
        words = value if isinstance(value, (list, tuple)) else [value]
        for number, word in enumerate(words):
            made += [" "] if number else []
            for piece in _in_text(hole, word):
                before = "".join(part if isinstance(part, str) else "x" for part in made)
                made.append(self._world.in_shell(before, piece) if isinstance(piece, str) else piece)

    def _fill(self, hole: Hole, path: NodePath) -> Value:
        """Return what a hole stands for: a value, or a Template of one late Reference."""
        if "${" in hole.content:
            runs = hole.resolver and hole.resolver[0] == "exec"
            inner = self._text(hole.content, path, Tongue.COMMAND if runs else Tongue.PLAIN)
            if isinstance(inner, Template):
                raise BadReference(f"`{hole.text}`: a reference within a reference must be known at load")
            hole = Hole(text_of(inner) if not isinstance(inner, (list, dict)) else "")  # type: ignore[arg-type]  # a scalar
        if hole.is_late:
            return Template((Reference(hole.content.strip()),))
        resolver = hole.resolver
        value = self._ask(*resolver) if resolver else self._look_up(hole, path)
        self.resolved[hole.text] = written(value)
        return value

    # --- names of the file ----------------------------------------------------------------------------------

    def _look_up(self, hole: Hole, path: NodePath) -> Value:
        content = hole.content.strip()
        dots = len(content) - len(content.lstrip("."))
        names = [name for name in re.split(r"[.\[\]]+", content[dots:]) if name]
        if not names:
            raise BadReference(f"`{hole.text}` names nothing; for the text itself write `\\{hole.text}`")
        if dots > len(path):
            raise BadReference(f"`{hole.text}` has more dots than there are levels above it")
        target: NodePath = path[: len(path) - dots] if dots else ()
        if not dots:
            self._check_head(hole, names[0])
        for name in names:
            target = (*target, self._step_to(hole, target, name))
        target = self._default_of(target)
        if target in self._open:
            raise BadReference(f"`{hole.text}` leads back to itself")
        return self._value(target)

    def _check_head(self, hole: Hole, head: str) -> None:
        if head in self._root.entries and head != "steps":
            return
        words = (*EARLY_HEADS, *LATE_HEADS)
        if head in words:
            raise BadReference(f"`{hole.text}`: this file has no `{head}`")
        if head == "env":
            raise BadReference(f"`{hole.text}`: this file has no `env`; for a variable write `${{oc.env:NAME}}`")
        known = (*words, *PIPELINE_KEYS, *FILE_KEYS)
        near = did_you_mean(head, words) or did_you_mean(head, known)
        raise BadReference(
            f"`{hole.text}` is no reference{near}; known are params, configs, secrets, run, steps and "
            f"{', '.join(OWN_RESOLVERS)}; for the text itself write `\\{hole.text}`"
        )

    def _step_to(self, hole: Hole, target: NodePath, name: str) -> str | int:
        node = self._root.descend(target)
        step: str | int = int(name) if node and isinstance(node.value, tuple) and name.isdigit() else name
        if node is None or node.child(step) is None:
            near = did_you_mean(name, node.entries if node else ())
            place = ".".join(str(part) for part in target) or "the file"
            raise BadReference(f"`{hole.text}`: {place} has no '{name}'{near}")
        return step

    def _default_of(self, target: NodePath) -> NodePath:
        """A declared param stands for its value."""
        node = self._root.descend(target)
        if len(target) != 2 or target[0] != "params" or node is None or not isinstance(node.value, Mapping):
            return target
        if "default" not in node.value:
            raise _Broken  # told once, where the param is declared
        return (*target, "default")

    # --- resolvers ------------------------------------------------------------------------------------------

    def _ask(self, resolver: str, argument: str) -> Value:
        match resolver:
            case "oc.env":
                return self._variable(argument)
            case "now":
                return self._world.now.astimezone().strftime(argument)
            case "file":
                return self._file(argument.strip())
            case "exec":
                return self._output(argument.strip())
        if resolver.startswith("oc."):
            return _omegaconf(resolver, argument, self._root)
        near = did_you_mean(resolver, OWN_RESOLVERS)
        known = ", ".join(OWN_RESOLVERS)
        raise BadReference(f"`${{{resolver}:...}}`: there is no '{resolver}'{near}; known are {known}")

    def _variable(self, argument: str) -> Value:
        word, comma, default = argument.partition(",")
        name = word.strip()
        found = self._world.environment.get(name)
        if found is not None:
            return found
        if not comma:
            advice = f"set it, or write `${{oc.env:{name},default}}`"
            raise BadReference(f"the environment variable {name} is not set; {advice}")
        text = default.strip()
        return None if text == "null" else text.strip("'\"") if text[:1] in ("'", '"') else text

    def _file(self, name: str) -> str:
        try:
            return (self._world.project / name).read_text(encoding="utf-8").removesuffix("\n")
        except OSError as error:
            raise BadReference(f"`${{file:{name}}}`: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise BadReference(f"`${{file:{name}}}`: the file is not UTF-8") from error

    def _output(self, text: str) -> str:
        if text not in self._world.outputs:
            try:
                self._world.outputs[text] = self._world.run_exec(text).rstrip("\n")
            except CrudeLinkError as error:
                raise BadReference(f"`${{exec:{text}}}`: {error}") from error
        return self._world.outputs[text]


def is_condition(path: NodePath) -> bool:
    """A `when` has its own language, in which `${...}` is allowed around names."""
    return _step_key(path)[:1] == ("when",)


def tongue_of(path: NodePath) -> Tongue:
    """Return what kind of text stands at a place of the file."""
    key = _step_key(path)
    if key == ("command",):
        return Tongue.COMMAND
    return Tongue.ENV if key[:1] in (("command",), ("env",)) or path[:1] == ("env",) else Tongue.PLAIN


def _step_key(path: NodePath) -> NodePath:
    if path[:1] in (("steps",), ("configs",)):
        return path[2:]
    return path[1:] if path[:1] == ("defaults",) else ()


def _where(root: Node, path: NodePath) -> str:
    """Name the step or config that a path lies in, as the beginning of a message."""
    if path[0] == "configs" and len(path) > 1:
        return f"config '{path[1]}': "
    name = root.descend((*path[:2], "name")) if path[0] == "steps" else None
    return f"step '{name.value}': " if name else ""


def _in_text(hole: Hole, value: Value) -> list[str | Reference]:
    """Return what `value` is in the midst of text."""
    if isinstance(value, Template):
        return list(value.parts)
    if isinstance(value, Mapping):
        raise BadReference(f"`{hole.text}` is a mapping and cannot stand in the midst of text")
    if isinstance(value, (list, tuple)):
        raise BadReference(f"`{hole.text}` is a list and cannot stand in the midst of text")
    return [text_of(value)]  # type: ignore[arg-type]  # a scalar


def _template(parts: list[str | Reference]) -> str | Template:
    made: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        elif part != "":
            made.append(part)
    if any(isinstance(part, Reference) for part in made):
        return Template(tuple(made))
    return "".join(str(part) for part in made)


def _omegaconf(resolver: str, argument: str, root: Node) -> Value:
    """Ask OmegaConf for one of its own resolvers, with the file's params in reach."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    params = root.child("params")
    text = f"${{{resolver}:{argument}}}"
    try:
        made = OmegaConf.create({"params": params.plain() if params else {}, "value": text})
        value = OmegaConf.to_container(made, resolve=True)
    except OmegaConfBaseException as error:
        raise BadReference(f"`{text}`: {str(error).splitlines()[0]}") from error
    assert isinstance(value, dict)
    found: Value = value["value"]
    return found
