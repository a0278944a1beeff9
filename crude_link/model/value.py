"""Values of a config file: plain YAML data in which text may hold late references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Reference:
    """A late reference, filled when the step starts: `run.dir`, `secrets.TOKEN`, `steps.train.metrics.loss`.

    `path` is the text between `${` and `}`. A format may follow the path: `run.started:%Y-%m-%d`.
    """

    path: str

    @property
    def head(self) -> str:
        """The first word: `run`, `steps` or `secrets`."""
        return self.path.split(".", 1)[0]

    def __str__(self) -> str:
        return "${" + self.path + "}"


@dataclass(frozen=True, slots=True)
class Placeholder(Reference):
    """A reference that is another one for each task of a fan-out: `item`, `item.field`, `index`, `stem`, `slot`."""

    def __str__(self) -> str:
        return "{" + self.path + "}"


@dataclass(frozen=True, slots=True)
class Template:
    """Text with late references in it; `parts` alternate freely between text and Reference."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references in order of appearance."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)


Scalar: TypeAlias = bool | int | float | str | None
Plain: TypeAlias = "Scalar | Sequence[Plain] | Mapping[str, Plain]"
Text: TypeAlias = "str | Template"
Value: TypeAlias = "Scalar | Template | Sequence[Value] | Mapping[str, Value]"


def references_in(value: Value) -> Iterator[Reference]:
    """Yield every late reference in `value`, in order."""
    if isinstance(value, Template):
        yield from value.references
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from references_in(child)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for child in value:
            yield from references_in(child)


def texts_in(value: Value) -> Iterator[str]:
    """Yield what is said in `value` itself, whatever its type, without keys and references."""
    if isinstance(value, Template):
        yield from (part for part in value.parts if isinstance(part, str))
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from texts_in(child)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for child in value:
            yield from texts_in(child)
    else:
        yield str(value)


def filled(value: Value, look_up: Callable[[Reference], Plain], in_text: Callable[[Plain], str]) -> Plain:
    """Return `value` with every reference put in.

    A Template that is one single Reference becomes what `look_up` returns, with its type; in the midst of
    text `in_text` says how the value is written.
    """
    if isinstance(value, Template):
        if len(value.parts) == 1 and isinstance(value.parts[0], Reference):
            return look_up(value.parts[0])
        return "".join(part if isinstance(part, str) else in_text(look_up(part)) for part in value.parts)
    if isinstance(value, Mapping):
        return {key: filled(child, look_up, in_text) for key, child in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [filled(child, look_up, in_text) for child in value]
    return value
