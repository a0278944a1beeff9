"""Item values: what a placeholder stands for, compiled once and asked for every task."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from crude_link.errors import CannotStart
from crude_link.model.foreach import PLACE_HEADS
from crude_link.model.resources import ANYWHERE, GPU, Place
from crude_link.model.value import Placeholder, Plain, Reference, Template, Value
from crude_link.steps.references import LookUp, fill, named
from crude_link.steps.written import LONGEST_ARGUMENT, as_argument, written


class Turn(NamedTuple):
    """Which task it is that an input is for, and where it runs."""

    task: int
    place: Place = ANYWHERE


#: Returns a value from an input and its turn.
Getter: TypeAlias = Callable[[Plain, Turn], Plain]
TextGetter: TypeAlias = Callable[[Plain, Turn], str]


def getter_of(placeholder: Placeholder) -> Getter:
    """Return what gives the values of a placeholder. What it returns raises CannotStart where an input has none."""
    path = placeholder.path
    if path == "item":
        return lambda item, _: item
    if path == "index":
        return lambda _, turn: turn.task
    if path == "slot":
        return lambda _, turn: turn.place.slot
    if placeholder.head in PLACE_HEADS:
        pool = pool_of(placeholder)
        return lambda _, turn: turn.place.held[pool]
    if path.startswith("item."):
        return _field_getter(placeholder, path.removeprefix("item."))
    part = _PARTS[path]
    return lambda item, _: part(item if isinstance(item, str) else _path_text(placeholder, item))


def pool_of(placeholder: Placeholder) -> str:
    """Return the pool that `{resource.NAME}` or `{gpu}` speaks of."""
    return GPU if placeholder.path == "gpu" else placeholder.path.partition(".")[2]


def late_filled(value: Value, look_up: LookUp) -> Value:
    """Return `value` with its late references put in; placeholders stay."""
    if isinstance(value, Template):
        first = value.parts[0]
        if len(value.parts) == 1 and isinstance(first, Reference):
            return value if isinstance(first, Placeholder) else look_up(first)
        return Template(tuple(_late_text(part, look_up) for part in value.parts))
    if isinstance(value, Mapping):
        return {key: late_filled(child, look_up) for key, child in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [late_filled(child, look_up) for child in value]
    return value


def value_getter(value: Value) -> Getter:
    """Return what gives a value with placeholders; one that stands alone keeps its type."""
    parts = value.parts if isinstance(value, Template) else ()
    first = parts[0] if len(parts) == 1 else None
    return getter_of(first) if isinstance(first, Placeholder) else text_getter(value)


def text_getter(value: Value) -> TextGetter:
    """Return what gives a text with placeholders, late references filled."""
    parts = value.parts if isinstance(value, Template) else (written(fill(value, _nothing)),)
    if len(parts) == 1:
        return _piece_getter(parts[0])
    getters = [_piece_getter(part) for part in parts]
    return lambda item, turn: "".join([get(item, turn) for get in getters])


def in_text(reference: Reference, value: Plain) -> str:
    """Return a value as it stands in text."""
    return value if isinstance(value, str) else named(reference, value)


def checked(text: str, where: str) -> str:
    """Return a text that a process can be given; the same as `as_argument`, with a short way for most texts."""
    if len(text) < LONGEST_ARGUMENT and text.isascii() and "\0" not in text:
        return text
    return as_argument(text, where)


def _late_text(part: str | Reference, look_up: LookUp) -> str | Reference:
    return part if isinstance(part, (str, Placeholder)) else named(part, look_up(part))


def _nothing(reference: Reference) -> Plain:
    raise AssertionError(f"{reference} is not filled")


def _piece_getter(part: str | Reference) -> TextGetter:
    if isinstance(part, str):
        return lambda _item, _turn: part
    assert isinstance(part, Placeholder)
    get = getter_of(part)
    return lambda item, turn: in_text(part, get(item, turn))


def _field_getter(placeholder: Placeholder, field: str) -> Getter:
    steps = field.split(".")

    def get(item: Plain, _: Turn) -> Plain:
        if isinstance(item, Mapping) and field in item:
            return item[field]
        found = item
        for step in steps:
            if not isinstance(found, Mapping) or step not in found:
                raise CannotStart(f"{placeholder}: {_without(item, field)}")
            found = found[step]
        return found

    return get


def _without(item: Plain, field: str) -> str:
    if isinstance(item, Mapping):
        return f"this input has no field {field!r}; it has {', '.join(map(str, item)) or 'none'}"
    return f"this input is {written(item)[:40]!r}, which has no fields"


def _path_text(placeholder: Placeholder, item: Plain) -> str:
    if item is None or isinstance(item, (Mapping, list, tuple)):
        raise CannotStart(f"{placeholder} is a part of a path, and this input is {written(item)[:40]!r}")
    return written(item)


def _name(path: str) -> str:
    return os.path.basename(path.rstrip("/"))  # noqa: PTH119  # a Path would take ten times as long


def _stem(path: str) -> str:
    return os.path.splitext(_name(path))[0]  # noqa: PTH122  # as above


def _suffix(path: str) -> str:
    return os.path.splitext(_name(path))[1]  # noqa: PTH122  # as above


def _parent(path: str) -> str:
    return os.path.dirname(path.rstrip("/")) or "."  # noqa: PTH120  # as above


_PARTS: Mapping[str, Callable[[str], str]] = {"name": _name, "stem": _stem, "suffix": _suffix, "parent": _parent}
