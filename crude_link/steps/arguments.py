"""From `arguments` to argv elements, in the style in which the script reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from crude_link.errors import CannotStart
from crude_link.model.pipeline import ArgumentStyle
from crude_link.model.value import Plain
from crude_link.steps.fire_text import as_fire_argument
from crude_link.steps.signature import UNKNOWN, Parameter, ScriptStyle, Signature, Takes, ValueType
from crude_link.steps.written import as_argument, written

#: What argparse of every version takes for a negative number, not for an option.
_NEGATIVE_NUMBER = re.compile(r"-\d+|-\d*\.\d+")
_STYLES = {
    ScriptStyle.FIRE: ArgumentStyle.FIRE,
    ScriptStyle.ARGPARSE: ArgumentStyle.ARGPARSE,
    ScriptStyle.CLICK: ArgumentStyle.ARGPARSE,
    ScriptStyle.UNKNOWN: ArgumentStyle.PLAIN,
}


def argument_list(style: ArgumentStyle, arguments: Mapping[str, Plain], signature: Signature = UNKNOWN) -> list[str]:
    """Return the argv elements for `arguments`. CannotStart when a value has no form that would arrive whole."""
    for key in arguments:
        if not key or key.startswith("-") or "=" in key or "\0" in key:
            raise CannotStart(f"argument {key!r} has a name that no option can have: write it without dashes and `=`")
    chosen = style_of(style, signature)
    if chosen is ArgumentStyle.ARGPARSE:
        is_told = _STYLES[signature.style] is ArgumentStyle.ARGPARSE
        elements = _options_and_places(arguments, signature if is_told else UNKNOWN)
    elif chosen is ArgumentStyle.FIRE:
        elements = [f"--{key}={_for_fire(key, value)}" for key, value in arguments.items()]
    else:
        elements = [f"--{key}={written(value)}" for key, value in arguments.items() if value is not None]
    return [as_argument(element, f"argument {element.split('=')[0][:40]!r}") for element in elements]


def style_of(style: ArgumentStyle, signature: Signature) -> ArgumentStyle:
    """Return the style in which arguments are written: for `auto`, that of the script."""
    return _STYLES[signature.style] if style is ArgumentStyle.AUTO else style


def _for_fire(key: str, value: Plain) -> str:
    try:
        return as_fire_argument(value)
    except CannotStart as error:
        raise CannotStart(f"argument {key!r}: {error}") from error


def _options_and_places(arguments: Mapping[str, Plain], signature: Signature) -> list[str]:
    """Options first, then what is given by its place."""
    options: list[str] = []
    by_place: dict[str, Plain] = {}
    is_open = False  # the last option would swallow what follows
    for key, value in arguments.items():
        parameter = signature.find(key) or Parameter(name=key, spelling=f"--{key}", takes=Takes.UNKNOWN)
        if parameter.is_positional:
            by_place[parameter.name] = value
            continue
        elements = _Option(key, parameter, signature.style is ScriptStyle.CLICK).elements(value)
        options += elements
        if elements:
            is_open = parameter.takes in (Takes.MANY, Takes.UNKNOWN)
    places = _places(by_place, signature.positionals)
    if places and (is_open or any(text.startswith("-") for text in places)):
        return [*options, "--", *places]
    return options + places


def _places(values: Mapping[str, Plain], parameters: Sequence[Parameter]) -> list[str]:
    elements: list[str] = []
    missing = ""
    for parameter in parameters:
        value = values.get(parameter.name)
        if value is None:
            missing = missing or parameter.name
            continue
        if missing:
            raise CannotStart(f"argument {parameter.name!r} is given by its place, after {missing!r}: give that too")
        elements += _items(value) if parameter.takes is Takes.MANY else [written(value)]
    if "--" in elements:
        raise CannotStart("an argument that is given by its place cannot be '--'")
    return elements


class _Option:
    """Writes the values of one option."""

    def __init__(self, key: str, parameter: Parameter, is_click: bool) -> None:
        self._key = key
        self._parameter = parameter
        self._spelling = parameter.spelling
        self._is_click = is_click

    def elements(self, value: Plain) -> list[str]:
        takes = self._parameter.takes
        if value is None:
            return []
        if takes is Takes.COUNT and isinstance(value, int):
            return [self._spelling] * value
        if isinstance(value, bool):
            return self._boolean(value)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return self._list(list(value))
        if takes is Takes.MANY:
            return self._several([value])
        return self._joined(written(value))

    def _boolean(self, value: bool) -> list[str]:
        takes = self._parameter.takes
        if takes in (Takes.NOTHING, Takes.UNKNOWN):
            flag = self._spelling if value else self._parameter.negative
            return [flag] if flag else []
        text = written(value)
        is_read = self._parameter.type in (ValueType.BOOL, ValueType.OTHER)
        is_choice = text in (self._parameter.choices or ())
        if self._parameter.type is ValueType.BOOL and not self._is_click and not value:
            return self._joined("")  # argparse's `type=bool` takes every text but the empty one for true
        if value or is_read or is_choice or self._parameter.is_required or takes is Takes.MANY:
            return self._joined(text)
        return []

    def _list(self, items: list[Plain]) -> list[str]:
        takes = self._parameter.takes
        is_repeated = self._parameter.is_repeated or (self._is_click and takes is Takes.UNKNOWN)
        if is_repeated and takes is Takes.MANY:
            return [element for item in items for element in self._several(_as_list(item))]
        if is_repeated:
            return [element for item in items for element in self._joined(written(item))]
        if takes in (Takes.MANY, Takes.UNKNOWN):
            return self._several(items)
        return self._joined(written(items))

    def _several(self, items: list[Plain]) -> list[str]:
        if self._is_click:
            return [self._spelling, *_items(items)]
        if len(items) == 1:
            return self._joined(written(items[0]))
        return [self._spelling, *(self._safe(item) for item in items)]

    def _safe(self, item: Plain) -> str:
        """argparse takes what begins with a dash for an option, and has no way to say otherwise in a list."""
        text = written(item)
        if not text.startswith("-") or text == "-" or _NEGATIVE_NUMBER.fullmatch(text):
            return text
        if isinstance(item, float):
            from decimal import Decimal

            decimal = format(Decimal(text), "f")
            if _NEGATIVE_NUMBER.fullmatch(decimal):
                return decimal
        raise CannotStart(
            f"argument {self._key!r}: argparse would take {text!r} in a list for an option, as it begins with a dash"
        )

    def _joined(self, text: str) -> list[str]:
        if not self._spelling:
            return []
        if text == "--" and not self._is_click:
            raise CannotStart(f"argument {self._key!r}: argparse (before Python 3.13) loses the value '--'")
        if self._spelling.startswith("--") or not self._is_click:
            return [f"{self._spelling}={text}"]
        return [self._spelling + text] if text else [self._spelling, text]


def _as_list(value: Plain) -> list[Plain]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _items(value: Plain) -> list[str]:
    return [written(item) for item in _as_list(value)]
