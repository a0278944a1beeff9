"""Forms: what a value of the config may look like; each reads a value, tells what is wrong, and knows its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from crude_link.config.keys import not_yet, unknown_key
from crude_link.config.node import Path
from crude_link.model.value import Plain

#: Told of what is wrong: where, in which words, and whether the key is to be pointed at rather than the value.
Report: TypeAlias = Callable[[Path, str, bool], None]
JsonSchema: TypeAlias = Mapping[str, Any]

REFERENCE: JsonSchema = {"type": "string", "pattern": r"\$\{"}
TEXT: JsonSchema = {"type": "string"}


class Form:
    """`read` returns the value as the model wants it; what it returns after a report is of no meaning."""

    __slots__ = ("_schema", "read")

    def __init__(
        self, read: Callable[[Plain, Path, Report], Any], json: JsonSchema | Callable[[], JsonSchema]
    ) -> None:
        """A schema that is costly to make is given as what makes it: a run needs none."""
        self.read = read
        self._schema = json

    @property
    def json(self) -> JsonSchema:
        """The JSON Schema of the value."""
        return self._schema() if callable(self._schema) else self._schema


def elsewhere(place: str) -> Form:
    """Return the form at `module:NAME` of this package, which is imported when there is a value for it to read."""
    module, _, name = place.partition(":")

    def form() -> Form:
        found: Form = getattr(import_module(f"crude_link.config.{module}"), name)
        return found

    return Form(lambda value, path, report: form().read(value, path, report), lambda: form().json)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping: the form of its value, what it means, and what stands for it when it is absent or null."""

    form: Form
    help: str
    default: Any = None
    is_required: bool = False


def parsed(read: Callable[[Any], Any], json: JsonSchema) -> Form:
    """Return the form that `read` reads; its ValueError says what is wrong."""

    def read_it(value: Plain, path: Path, report: Report) -> Any:
        try:
            return read(value)
        except ValueError as error:
            report(path, str(error), False)
        except OverflowError:
            report(path, "the number is too large", False)
        return None

    return Form(read_it, json)


def or_reference(json: JsonSchema) -> JsonSchema:
    """Return the schema of a value that may also be written as a reference."""
    return {"anyOf": [json, REFERENCE]}


def text() -> Form:
    """Return the form of text; a number is told to be quoted."""

    def read(value: object) -> str:
        if isinstance(value, str):
            return value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        raise ValueError(f"is text, not {shown(value)}" + ("; quote it" if is_number else ""))

    return parsed(read, TEXT)


def boolean() -> Form:
    """Return the form of true and false."""

    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise ValueError(f"is true or false, not {shown(value)}")

    return parsed(read, or_reference({"type": "boolean"}))


def number(low: float | None = None, whole: bool = False) -> Form:
    """Return the form of a number, from `low` on."""
    wanted = "a whole number" if whole else "a number"

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise ValueError(f"is {wanted}, not {shown(value)}")
        if low is not None and not value >= low:
            raise ValueError(f"is at least {low:g}, not {value}")
        return value

    json: dict[str, Any] = {"type": "integer" if whole else "number"}
    return parsed(read, or_reference(json if low is None else {**json, "minimum": low}))


def one_word_of(*words: str) -> Form:
    """Return the form of a word out of a few."""

    def read(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise ValueError(f"is {' or '.join(words)}, not {shown(value)}")

    return parsed(read, or_reference({"enum": list(words)}))


def anything(json: JsonSchema) -> Form:
    """Return the form of a value that is checked elsewhere."""
    return Form(lambda value, _path, _report: value, json)


def several(form: Form) -> Form:
    """Return the form of a list; text alone is a list of one."""

    def read(value: Plain, path: Path, report: Report) -> Any:
        if isinstance(value, str):
            return (form.read(value, path, report),)
        if not isinstance(value, (list, tuple)):
            report(path, f"is a list, not {shown(value)}", False)
            return ()
        return tuple(form.read(child, (*path, index), report) for index, child in enumerate(value))

    return Form(read, lambda: {"anyOf": [form.json, {"type": "array", "items": form.json}]})


def by_name(form: Form, example: str = "") -> Form:
    """Return the form of a mapping whose keys are the user's own."""
    wanted = f"a mapping such as {example}" if example else "a mapping"

    def read(value: Plain, path: Path, report: Report) -> Any:
        if not isinstance(value, Mapping):
            report(path, f"is {wanted}, not {shown(value)}", False)
            return {}
        return {key: form.read(child, (*path, key), report) for key, child in value.items()}

    return Form(read, lambda: {"type": "object", "additionalProperties": form.json})


def mapping(
    keys: Mapping[str, Key],
    where: str,
    make: Callable[..., Any] = dict,
    later: Mapping[str, tuple[str, str]] | None = None,
) -> Form:
    """Return the form of a mapping with known keys; `make` gets their values by name."""
    coming = later or {}

    def read(value: Plain, path: Path, report: Report) -> Any:
        if not isinstance(value, Mapping):
            report(path, f"is a mapping, not {shown(value)}", False)
            return None
        for word in value:
            if word in coming:
                report((*path, word), not_yet(word, coming[word][0]), True)
            elif word not in keys:
                report((*path, word), unknown_key(word, keys, where), True)
        made: dict[str, Any] = {}
        for name, key in keys.items():
            said = value.get(name)
            made[name] = key.default if said is None else key.form.read(said, (*path, name), report)
            if said is None and key.is_required:
                report(path, f"`{name}` is missing", True)
        return make(**made)

    return Form(read, lambda: schema_of(keys, later))


def schema_of(keys: Mapping[str, Key], later: Mapping[str, tuple[str, str]] | None = None) -> JsonSchema:
    """Return the JSON Schema of a mapping with these keys."""
    properties: dict[str, Any] = {name: _described(key) for name, key in keys.items()}
    for name, (capability, meaning) in (later or {}).items():
        properties[name] = {"description": f"{meaning} Comes with {capability}."}
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [name for name, key in keys.items() if key.is_required]
    return {**schema, "required": required} if required else schema


def _described(key: Key) -> JsonSchema:
    form = key.form.json
    if key.is_required or not form:
        return {"description": key.help, **form}
    choices = [*form["anyOf"]] if set(form) == {"anyOf"} else [form]
    return {"description": key.help, "anyOf": [*choices, {"type": "null"}]}


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "empty" if value is None else repr(value)
