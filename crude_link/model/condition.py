"""Condition: the expression of a step's `when`, read once and evaluated when the step could start.

    expression := both ("or" both)*
    both       := negation ("and" negation)*
    negation   := "not" negation | comparison
    comparison := operand (("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in") operand)?
    operand    := "(" expression ")" | "[" operand, ... "]" | number | text in quotes
                | true | false | null | a name: params.X  steps.S.metrics.K  steps.S.status  run.id  env.X

There is no arithmetic, so a hyphen belongs to the name it stands in. `always` and `failed` alone are no expressions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crude_link.model.value import Plain

HEADS = ("params", "steps", "run", "env")

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<name>\$\{\s*[A-Za-z_][\w.-]*\s*\}|[A-Za-z_][\w-]*(?:\.[\w-]+)*)
    | (?P<symbol>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE,
)
_WORDS: Mapping[str, Plain] = {
    "true": True, "True": True, "false": False, "False": False, "null": None, "None": None,
}  # fmt: skip
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")


class ConditionError(Exception):
    """The text is no expression, or what it asks for is not there; the text says which, for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What expressions and late references can speak of.

    `steps` holds per step name: `status` (text), `exit` (int or None), `metrics` (mapping); `run` holds `id`,
    `dir`, `started`, `origin`.
    """

    params: Mapping[str, Plain] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Plain]] = field(default_factory=dict)
    run: Mapping[str, Plain] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def look_up(self, path: str) -> Plain:
        """Return what a dotted name stands for. ConditionError when it is not there; an unset `env.X` is null."""
        head, *rest = path.split(".")
        if head == "env" and len(rest) == 1:
            return self.env.get(rest[0])
        place: Plain = {"params": self.params, "steps": self.steps, "run": self.run}.get(head)
        for depth, key in enumerate(rest):
            whole = ".".join(rest[depth:])  # nested metrics are kept under dotted names
            if isinstance(place, Mapping) and whole in place:
                return place[whole]
            if not isinstance(place, Mapping) or key not in place:
                raise ConditionError(_missing(path, [head, *rest[:depth]], place))
            place = place[key]
        return place


class Token(NamedTuple):
    """One word of an expression."""

    kind: str
    text: str


class Name(NamedTuple):
    """A dotted name."""

    path: str


class Literal(NamedTuple):
    """A value that stands in the text itself."""

    value: Plain


class ListOf(NamedTuple):
    """A list in brackets."""

    items: tuple[Node, ...]


class Apply(NamedTuple):
    """An operator and what it is applied to: `and or not` or a comparison."""

    operator: str
    operands: tuple[Node, ...]


Node = Name | Literal | ListOf | Apply


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A `when`: `text` as written; `tree` None for the words `always` and `failed`."""

    text: str
    tree: Node | None

    @property
    def is_always(self) -> bool:
        """Run whatever became of the steps before."""
        return self.tree is None and self.text == "always"

    @property
    def is_failed(self) -> bool:
        """Run only if a step before it failed."""
        return self.tree is None and self.text == "failed"

    @property
    def names(self) -> tuple[str, ...]:
        """Every dotted name in it, in order."""
        return tuple(_names(self.tree)) if self.tree else ()

    def holds(self, facts: Facts) -> bool:
        """Evaluate; ConditionError when a name is missing, a number is NaN or two values cannot be compared."""
        return bool(_value(self.tree, facts)) if self.tree else True


def parse_condition(text: str) -> Condition:
    """Read the text of a `when`. ConditionError says what is wrong with it."""
    words = text.strip()
    if words in ("always", "failed"):
        return Condition(text=words, tree=None)
    return Condition(text=words, tree=_Parser(_tokens(words)).whole())


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Node:
        node = self._any_of()
        if self._at < len(self._tokens):
            raise ConditionError(f"did not expect {self._peek()!r}")
        return node

    def _any_of(self) -> Node:
        nodes = [self._all_of()]
        while self._take("or"):
            nodes.append(self._all_of())
        return nodes[0] if len(nodes) == 1 else Apply("or", tuple(nodes))

    def _all_of(self) -> Node:
        nodes = [self._negation()]
        while self._take("and"):
            nodes.append(self._negation())
        return nodes[0] if len(nodes) == 1 else Apply("and", tuple(nodes))

    def _negation(self) -> Node:
        return Apply("not", (self._negation(),)) if self._take("not") else self._comparison()

    def _comparison(self) -> Node:
        left = self._operand()
        operator = self._peek()
        if operator == "not" and self._peek(1) == "in":
            self._at += 1
            operator = "not in"
        if operator not in _COMPARISONS:
            return left
        self._at += 1
        right = self._operand()
        if self._peek() in _COMPARISONS:
            raise ConditionError(f"write `and` between two comparisons (at {self._peek()!r})")
        return Apply(operator, (left, right))

    def _operand(self) -> Node:
        if self._take("("):
            node = self._any_of()
            self._expect(")")
            return node
        if self._take("["):
            return ListOf(tuple(self._items()))
        if self._at == len(self._tokens):
            raise ConditionError("it ends too early")
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind == "text":
            return Literal(token.text[1:-1])
        if token.text in _WORDS:
            return Literal(_WORDS[token.text])
        if token.kind == "name" and token.text.split(".")[0] in HEADS and "." in token.text:
            return Name(token.text)
        if token.kind == "name":
            raise ConditionError(
                f"{token.text!r} is no name it knows: use {', '.join(h + '.' for h in HEADS)} or quote it"
            )
        raise ConditionError(f"did not expect {token.text!r}")

    def _items(self) -> list[Node]:
        items: list[Node] = []
        while not self._take("]"):
            items.append(self._operand())
            if not self._take(","):
                self._expect("]")
                break
        return items

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        token = self._tokens[at] if at < len(self._tokens) else Token("end", "")
        return token.text if token.kind != "text" else ""

    def _take(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._at += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise ConditionError(f"expected {word!r}, found {self._peek() or 'the end'!r}")


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if not match or not match.lastgroup:
            raise ConditionError(f"cannot read it from {text[at:].strip()[:20]!r} on")
        word = match.group(match.lastgroup)
        tokens.append(Token(match.lastgroup, word[2:-1].strip() if word.startswith("${") else word))
        at = match.end()
    if not tokens:
        raise ConditionError("it is empty")
    return tokens


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)


def _names(node: Node) -> list[str]:
    match node:
        case Name(path):
            return [path]
        case Literal():
            return []
        case ListOf(children) | Apply(_, children):
            return [name for child in children for name in _names(child)]


def _value(node: Node, facts: Facts) -> Plain:
    match node:
        case Name(path):
            return _sound(path, facts.look_up(path))
        case Literal(value):
            return value
        case ListOf(items):
            return [_value(item, facts) for item in items]
        case Apply("or", operands):
            return any(_value(operand, facts) for operand in operands)
        case Apply("and", operands):
            return all(_value(operand, facts) for operand in operands)
        case Apply("not", operands):
            return not _value(operands[0], facts)
        case Apply(operator, (left, right)):
            return _compare(operator, _value(left, facts), _value(right, facts))
        case Apply():
            raise AssertionError(node)


def _sound(path: str, value: Plain) -> Plain:
    if isinstance(value, float) and math.isnan(value):
        raise ConditionError(f"{path} is NaN")
    return value


def _compare(operator: str, left: Plain, right: Plain) -> bool:
    try:
        match operator:
            case "==":
                return left == right
            case "!=":
                return left != right
            case "in":
                return left in right  # type: ignore[operator]  # a wrong type is answered below
            case "not in":
                return left not in right  # type: ignore[operator]  # a wrong type is answered below
            case "<":
                return left < right  # type: ignore[operator]  # a wrong type is answered below
            case "<=":
                return left <= right  # type: ignore[operator]  # a wrong type is answered below
            case ">":
                return left > right  # type: ignore[operator]  # a wrong type is answered below
            case _:
                return left >= right  # type: ignore[operator]  # a wrong type is answered below
    except TypeError as error:
        raise ConditionError(f"cannot compare {left!r} {operator} {right!r}") from error


def _missing(path: str, before: Sequence[str], place: Plain) -> str:
    known = ", ".join(sorted(str(name) for name in place)) if isinstance(place, Mapping) and place else "none"
    match path.split("."):
        case ["steps", step, "metrics", *name] if name and isinstance(place, Mapping):
            return f"step '{step}' left no metric '{'.'.join(name)}' (it left: {known})"
    return f"there is no {path}; {'.'.join(before)} has: {known}"
