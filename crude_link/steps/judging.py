"""Judge a step's arguments by its script's signature, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from crude_link.model.pipeline import ArgumentStyle
from crude_link.model.value import Plain, Template, Value, references_in
from crude_link.steps.signature import Parameter, ScriptStyle, Signature, Takes, ValueType
from crude_link.steps.written import written

_OF_STYLE = {
    ScriptStyle.FIRE: ArgumentStyle.FIRE,
    ScriptStyle.ARGPARSE: ArgumentStyle.ARGPARSE,
    ScriptStyle.CLICK: ArgumentStyle.ARGPARSE,
}


class Wrong(NamedTuple):
    """What is wrong with one argument; the key is empty for one that is missing."""

    key: str
    #: Follows the script's name.
    clause: str


def judged(style: ArgumentStyle, arguments: Mapping[str, Value], signature: Signature) -> list[Wrong]:
    """Return what is surely wrong.

    What holds a reference is not judged: what it will be is not known yet.
    """
    if style not in (ArgumentStyle.AUTO, _OF_STYLE.get(signature.style)):
        return []
    found = {key: signature.find(key) for key in arguments}
    unknown = [key for key, parameter in found.items() if not parameter]
    wrong = [Wrong(key, _unknown(key, signature)) for key in unknown] if signature.is_complete else []
    wrong += [Wrong("", clause) for clause in _missing(arguments, found, signature)]
    for key, parameter in found.items():
        value = arguments[key]
        if parameter and value is not None and not _holds_reference(value):
            says = _wrong_for_fire if signature.style is ScriptStyle.FIRE else _wrong_as_text
            clause = says(parameter, value)  # type: ignore[arg-type]  # without a reference it is plain
            wrong += [Wrong(key, f"wants {clause} for {key!r}")] if clause else []
    return wrong


def _holds_reference(value: Value) -> bool:
    return isinstance(value, Template) or next(references_in(value), None) is not None


def _unknown(key: str, signature: Signature) -> str:
    import difflib

    names = [parameter.keys[0] if parameter.keys else parameter.name for parameter in signature.parameters]
    close = difflib.get_close_matches(key.replace("-", "_"), names, n=1)
    if close:
        return f"has no argument {key!r}. Did you mean {close[0]!r}?"
    return f"has no argument {key!r}; " + (f"it has: {', '.join(names)}" if names else "it takes none")


def _missing(
    arguments: Mapping[str, Value], found: Mapping[str, Parameter | None], signature: Signature
) -> list[str]:
    leaves_out_null = signature.style is not ScriptStyle.FIRE
    given = {
        parameter.name
        for key, parameter in found.items()
        if parameter and not (leaves_out_null and arguments[key] is None)
    }
    missing = [one.name for one in signature.parameters if one.is_required and one.name not in given]
    return [f"needs the argument {name!r}, which is not given" for name in missing]


def _wrong_for_fire(parameter: Parameter, value: Plain) -> str:
    """The function receives the very value."""
    if parameter.choices is not None and value not in parameter.choices:
        return _one_of(parameter.choices, value)
    if parameter.type is ValueType.INT and isinstance(value, float):
        return "" if value.is_integer() else _wants(parameter.type, value)
    allowed = _FIRE_TYPES.get(parameter.type) if parameter.type else None
    if allowed is None or allowed(value):
        return ""
    return _wants(parameter.type, value)


_FIRE_TYPES: Mapping[ValueType, Callable[[Plain], bool]] = {
    ValueType.INT: lambda value: isinstance(value, int),
    ValueType.FLOAT: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    ValueType.BOOL: lambda value: isinstance(value, bool) or value in (0, 1),
    ValueType.TEXT: lambda value: isinstance(value, str),
    ValueType.LIST: lambda value: isinstance(value, Sequence) and not isinstance(value, str),
    ValueType.MAPPING: lambda value: isinstance(value, Mapping),
}


def _wrong_as_text(parameter: Parameter, value: Plain) -> str:
    """argparse and click receive text, which they convert."""
    match parameter.takes:
        case Takes.NOTHING if not isinstance(value, bool) and not parameter.is_repeated:
            return f"true or false (it is a flag), not {_shown(value)}"
        case Takes.COUNT if not isinstance(value, int):
            return f"a number of times, not {_shown(value)}"
        case Takes.NOTHING | Takes.COUNT | Takes.UNKNOWN:
            return ""
    items = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else None
    if items is not None and parameter.takes is Takes.VALUE and not parameter.is_repeated:
        is_number = parameter.type in (ValueType.INT, ValueType.FLOAT)
        return f"one value, not {_shown(value)}" if is_number else ""
    wrong_count = _wrong_count(parameter, 1 if items is None else len(items), value)
    clauses = (_wrong_item(parameter, item) for item in ([value] if items is None else items))
    return wrong_count or next((clause for clause in clauses if clause), "")


def _wrong_count(parameter: Parameter, found: int, value: Plain) -> str:
    if parameter.takes is not Takes.MANY or parameter.is_repeated:
        return ""
    if parameter.count is not None and found != parameter.count:
        return f"{parameter.count} values, not {_shown(value)}"
    return "at least one value, not an empty list" if found < parameter.least else ""


def _wrong_item(parameter: Parameter, item: Plain) -> str:
    if isinstance(item, Sequence | Mapping) and not isinstance(item, str):
        return ""
    if parameter.type in (ValueType.INT, ValueType.FLOAT) and not _converts(parameter.type, item):
        return _wants(parameter.type, item)
    if parameter.choices is None or parameter.type is ValueType.OTHER:
        return ""
    if item in parameter.choices or written(item) in {written(choice) for choice in parameter.choices}:
        return ""
    return _one_of(parameter.choices, item)


def _converts(kind: ValueType, item: Plain) -> bool:
    try:
        (int if kind is ValueType.INT else float)(written(item))
    except ValueError:
        return False
    return True


def _one_of(choices: Sequence[Plain], value: Plain) -> str:
    return f"one of {', '.join(written(choice) for choice in choices)}, not {_shown(value)}"


def _wants(kind: ValueType | None, value: Plain) -> str:
    wanted = kind.value if kind else "something else"
    if kind is ValueType.TEXT and isinstance(value, bool | int | float):
        return f"text, not {_shown(value)} (quote it if it is meant as text)"
    return f"{wanted}, not {_shown(value)}"


def _shown(value: Plain) -> str:
    text = repr(value) if isinstance(value, str) else written(value)
    kind = {str: "the text ", bool: "", int: "the number ", float: "the number "}.get(type(value), "")
    return kind + (text if len(text) <= 60 else text[:57] + "...")
