"""Resolving: putting in what early references stand for; late ones stay, as references.

What a reference stands for is OmegaConf's to say, from a Tree of the file. Here is what OmegaConf has no notion of:
places of errors, all of them at once; text of which parts are the shell's; values that are quoted as they are put in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from crude_link.config.item_text import Braces, as_text, braces_of
from crude_link.config.keys import PIPELINE_KEYS
from crude_link.config.masks import Masks, template
from crude_link.config.node import Node, Path
from crude_link.config.problems import Problems
from crude_link.config.references import Hole, Tongue, Unclosed, scan, tongue_of, written
from crude_link.config.scalars import text_of
from crude_link.config.tree import Tree
from crude_link.config.unanswered import BadReference, check_name, unanswered, unknown_resolver
from crude_link.config.world import World
from crude_link.errors import CrudeLinkError
from crude_link.model.value import Plain, Reference, Template, Value

#: Resolvers of ours, by name in a file: their argument is taken as it is written, which OmegaConf would parse.
_VERBATIM = {"exec": "exec", "file": "file", "now": "now", "oc.env": "env"}


class _Broken(Exception):
    """What a reference points at is itself broken, and has been told."""


class _Circle(Exception):
    """What a reference points at needs the reference."""


class Resolver:
    """Resolves one pipeline's tree; errors go to `problems`, and `broken` names the places that have no value."""

    def __init__(self, root: Node, world: World, problems: Problems) -> None:
        self._root = root
        self._world = world
        self._problems = problems
        self._masks = Masks()
        self._tree: Tree | None = None
        self._values: dict[Path, Value] = {}
        self._answers: dict[tuple[str, Path], Value] = {}
        self._arguments: dict[tuple[str, Path], int] = {}
        self._open: list[Path] = []
        self.broken: set[Path] = set()
        self.resolved: dict[str, Plain] = {}

    def document(self) -> Mapping[str, Plain]:
        """Return the pipeline as plain data: early references filled, late ones as text."""
        try:
            return {key: self._plain((key,)) for key in PIPELINE_KEYS if key in self._root.entries}
        finally:
            if self._tree:
                self._tree.close()

    def _plain(self, path: Path) -> Plain:
        node = self._node(path)
        if isinstance(node.value, Mapping):
            return {key: self._plain((*path, key)) for key in node.value}
        if isinstance(node.value, tuple):
            return [self._plain((*path, index)) for index in range(len(node.value))]
        if not isinstance(node.value, str) or "${" not in node.value:
            return written(node.value)
        try:
            return written(self._value(path))
        except _Broken:
            return None

    def _node(self, path: Path) -> Node:
        node = self._root.descend(path)
        assert node is not None
        return node

    def _value(self, path: Path) -> Value:
        """Return what a text with references becomes; _Broken when that has no value."""
        if path in self._values:
            return self._values[path]
        if path in self.broken:
            raise _Broken
        if path in self._open:
            raise _Circle
        node, tongue = self._node(path), tongue_of(path)
        assert isinstance(node.value, str)
        if tongue is None:
            return node.value
        self._open.append(path)
        try:
            value = self._text(node.value, path, tongue)
        except (BadReference, Unclosed, CrudeLinkError) as error:
            for message in error.args:
                self._problems.add(message, node.at, _where(self._root, path))
            self.broken.add(path)
            raise _Broken from error
        except _Broken:
            self.broken.add(path)
            raise
        finally:
            self._open.pop()
        self._values[path] = value
        return value

    # --- text -----------------------------------------------------------------------------------------------

    def _text(self, text: str, path: Path, tongue: Tongue) -> Value:
        parts = scan(text, tongue)
        if len(parts) == 1 and isinstance(parts[0], Hole):
            value = self._fill(parts[0], path)
            return text_of(value) if tongue is Tongue.ENV and isinstance(value, bool) else value
        made: list[str | Reference] = []
        wrong: list[str] = []
        for part in parts:
            if isinstance(part, str):
                made.append(part)
                continue
            try:
                value = self._fill(part, path)
                if tongue is Tongue.COMMAND:
                    self._put_into_shell(made, part, value)
                else:
                    made += _in_text(part.text, value)
            except BadReference as error:
                wrong += error.args
        if wrong:
            raise BadReference(*wrong)
        return template(made)

    def _put_into_shell(self, made: list[str | Reference], hole: Hole, value: Value) -> None:
        """Append a value to shell text, escaped for the place where it stands; a list becomes several words."""
        words = value if isinstance(value, (list, tuple)) else [value]
        for number, word in enumerate(words):
            made += [" "] if number else []
            for piece in _in_text(hole.text, word):
                before = "".join(part if isinstance(part, str) else "x" for part in made)
                made.append(self._world.in_shell(before, piece) if isinstance(piece, str) else piece)

    # --- references -----------------------------------------------------------------------------------------

    def _fill(self, hole: Hole, path: Path) -> Value:
        """Return what a hole stands for: a value, or a Template of one late Reference."""
        if hole.is_late:
            if "${" in hole.content:
                raise BadReference(f"`{hole.text}`: a reference within a reference must be known at load")
            return Template((Reference(hole.content.strip()),))
        question, base = self._question(hole, path)
        if (question, base) not in self._answers:
            self._answers[question, base] = self._ask(hole, question, path, base)
        value = self._answers[question, base]
        self.resolved[hole.text] = written(value)
        return as_text(value, braces) if (braces := self._braces(hole, path)) else value

    def _braces(self, hole: Hole, path: Path) -> Braces | None:
        """Return what braces would mean where a value is put in that is data; None where they mean nothing.

        What comes from elsewhere in the file is read there as it would be here.
        """
        is_data = hole.resolver is not None or hole.content.strip().startswith("params.")
        step = self._root.descend(path[:2]) if is_data and path[0] == "steps" else None
        foreach = step.entries.get("foreach") if step else None
        return braces_of(path[2:]) if foreach and foreach.value is not None else None

    def _question(self, hole: Hole, path: Path) -> tuple[str, Path]:
        """Return a hole as OmegaConf is asked, and the place to which it is relative."""
        name, rest = hole.resolver or ("", hole.content.strip())
        base: Path = ()
        if not name:
            check_name(hole, path, self._root)
            dots = len(rest) - len(rest.lstrip("."))
            base = path[: len(path) - dots] if dots else ()
            rest = f"..{rest[dots:]}" if base else rest[dots:]
        elif name in _VERBATIM:
            return self._call(_VERBATIM[name], rest, path), ()
        elif not name.startswith("oc."):
            raise unknown_resolver(name)
        parts = scan(rest, Tongue.PLAIN) if "${" in rest else (rest,)
        content = "".join(
            self._call("inner", part.text, path) if isinstance(part, Hole) else str(self._masks.masked(part))
            for part in parts
        )
        return f"${{{name}:{content}}}" if name else f"${{{content}}}", base

    def _call(self, resolver: str, argument: str, path: Path) -> str:
        """Return a call of a resolver of ours whose argument OmegaConf is not to read."""
        place = path if "${" in argument else ()  # a relative reference means another thing elsewhere
        number = self._arguments.setdefault((argument, place), len(self._arguments))
        return f"${{{self._masks.word}.{resolver}:{number}}}"

    def _ask(self, hole: Hole, question: str, path: Path, base: Path) -> Value:
        if self._tree is None:
            own = (self._leaf, self._inner, self._exec, self._file, self._now, self._env)
            self._tree = Tree(self._root, self._masks, {one.__name__.lstrip("_"): one for one in own})
        try:
            return self._tree.ask(question, base)
        except OmegaConfBaseException as error:
            raise self._reason(error, hole, path) from error

    def _reason(self, error: OmegaConfBaseException, hole: Hole, path: Path) -> Exception:
        """Return what to raise for an error in which OmegaConf may have wrapped one of ours."""
        for cause in _causes(error):
            match cause:
                case _Circle():
                    return BadReference(f"`{hole.text}` leads back to itself")
                case _Broken() | MissingMandatoryValue():
                    return _Broken()  # a param without a value is told once, where it is declared
                case BadReference() | Unclosed() | CrudeLinkError():
                    return BadReference(*cause.args)
                case RecursionError():
                    return RecursionError()
        return unanswered(hole, path, self._root, error)

    # --- resolvers, called by OmegaConf ---------------------------------------------------------------------

    def _leaf(self, number: int) -> Plain:
        assert self._tree
        return self._masks.masked(self._value(self._tree.leaf(number)))

    def _inner(self, number: int) -> Plain:
        return self._masks.masked(self._argument(number))

    def _exec(self, number: int) -> Plain:
        return self._masks.masked(self._world.output(self._argument_text(number, Tongue.COMMAND).strip()))

    def _file(self, number: int) -> Plain:
        return self._masks.masked(self._world.text_of_file(self._argument_text(number).strip()))

    def _now(self, number: int) -> Plain:
        return self._masks.masked(self._world.time(self._argument_text(number)))

    def _env(self, number: int) -> Plain:
        return self._masks.masked(self._world.variable(self._argument_text(number)))

    def _argument(self, number: int, tongue: Tongue = Tongue.PLAIN) -> Value:
        said, path = list(self._arguments)[number]
        value = self._text(said, path, tongue) if "${" in said else said
        if isinstance(value, Template):
            raise BadReference(f"`{value.references[0]}`: a reference within a reference must be known at load")
        return value

    def _argument_text(self, number: int, tongue: Tongue = Tongue.PLAIN) -> str:
        return "".join(
            str(part) for part in _in_text(list(self._arguments)[number][0], self._argument(number, tongue))
        )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _where(root: Node, path: Path) -> str:
    """Name the step or config that a path lies in, as the beginning of a message."""
    if path[0] == "configs" and len(path) > 1:
        return f"config '{path[1]}': "
    name = root.descend((*path[:2], "name")) if path[0] == "steps" else None
    return f"step '{name.value}': " if name else ""


def _in_text(reference: str, value: Value) -> list[str | Reference]:
    """Return what `value` is in the midst of text."""
    if isinstance(value, Template):
        return list(value.parts)
    if isinstance(value, Mapping):
        raise BadReference(f"`{reference}` is a mapping and cannot stand in the midst of text")
    if isinstance(value, (list, tuple)):
        raise BadReference(f"`{reference}` is a list and cannot stand in the midst of text")
    return [text_of(value)]
