"""Item text: `{item}` and its fellows in the texts of a step with `foreach`, told from braces that are text.

In `arguments`, and in what is fetched and brought, every brace is ours: `{{` is a brace. In `command` and `env` the
shell's own braces stay the shell's: there only known words in single braces are ours, and `{{item}}` is the text
`{item}`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from crude_link.config.node import Path
from crude_link.config.problems import did_you_mean
from crude_link.model.foreach import ITEM_HEADS, PLACE_HEADS
from crude_link.model.value import Placeholder, Plain, Reference, Template, Value

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WORD = re.compile(r"(?<!\$)(\{?)\{([A-Za-z_]\w*)([.:!\[][^{}]*)?\}(\}?)")
_HEAD = re.compile(r"\w+")
_KNOWN_HEADS = (*ITEM_HEADS, *PLACE_HEADS)
#: Heads after which a name may stand, and how that is written.
_WITH_NAME = {"item": "a field is written `{item.FIELD}`", "resource": "write `{resource.NAME}`, the name of a pool"}
#: The values of these keys are another for each task; of a transfer, these.
_PER_TASK = ("arguments", "command", "env")
_TRANSFERS = ("download", "upload")
_OF_TRANSFER = ("from", "to", "include", "exclude")


class Braces(Enum):
    """Whose braces a text has."""

    OURS = "ours"
    SHELL = "the shell's, but for known words"


class BadPlaceholder(Exception):
    """What is wrong with braces in a text."""


def braces_of(key: Path) -> Braces | None:
    """Return whose braces stand at a place within a step with `foreach`; None where all tasks share the text."""
    if key[:1] == ("arguments",):
        return Braces.OURS
    if key[:1] in (_TRANSFERS[:1], _TRANSFERS[1:]) and {*key[1:3]} & {*_OF_TRANSFER}:
        return Braces.OURS
    return Braces.SHELL if key[:1] in (("command",), ("env",)) else None


def placeholders_in(text: str, braces: Braces) -> tuple[str | Reference, ...]:
    """Return `text` as pieces of text and Placeholders. BadPlaceholder says what is wrong with a brace."""
    pieces = _ours(text) if braces is Braces.OURS else _among_shell(text)
    made: list[str | Reference] = []
    for piece in pieces:
        if isinstance(piece, str) and made and isinstance(made[-1], str):
            made[-1] += piece
        elif piece:
            made.append(piece)
    return tuple(made)


def with_placeholders(value: Value, braces: Braces) -> Value:
    """Return a value with the placeholders in its texts; what has been told to be wrong stays text."""
    if isinstance(value, (str, Template)):
        parts = (value,) if isinstance(value, str) else value.parts
        made = [piece for part in parts for piece in _pieces(part, braces)]
        if all(isinstance(piece, str) for piece in made):
            return "".join(str(piece) for piece in made)
        return Template(tuple(made))
    if isinstance(value, Mapping):
        return {key: with_placeholders(child, braces) for key, child in value.items()}
    if isinstance(value, Sequence):
        return [with_placeholders(child, braces) for child in value]
    return value


def as_text(value: Value, braces: Braces) -> Value:
    """Return a value of which every brace is text: the opposite of `with_placeholders`."""
    if isinstance(value, str):
        if braces is Braces.OURS:
            return re.sub(r"([{}])", r"\1\1", value)
        return re.sub(_WORD, lambda match: _doubled(match) if _is_meant(match[2]) else match[0], value)
    if isinstance(value, Template):
        return Template(tuple(str(as_text(one, braces)) if isinstance(one, str) else one for one in value.parts))
    if isinstance(value, Mapping):
        return {key: as_text(child, braces) for key, child in value.items()}
    if isinstance(value, Sequence):
        return [as_text(child, braces) for child in value]
    return value


def texts_per_task(step: Mapping[str, Plain]) -> Iterator[tuple[Path, str]]:
    """Yield every text of a step that may hold placeholders, with its place in the step."""
    for key in (*_PER_TASK, *_TRANSFERS):
        for path, text in _texts(step.get(key), (key,)):
            if braces_of(path):
                yield path, text


def texts_shared(step: Mapping[str, Plain]) -> Iterator[tuple[Path, str]]:
    """Yield every text of a step that all its tasks share."""
    for key in ("script", "python", "env_file", "cwd", "inputs", "outputs", "metrics"):
        yield from _texts(step.get(key), (key,))
    for key in _TRANSFERS:
        yield from ((path, text) for path, text in _texts(step.get(key), (key,)) if not braces_of(path))


def known_words(text: str) -> list[str]:
    """Return the known placeholders in a text that can hold none."""
    return [match[0] for match in _WORD.finditer(text) if match[2] in _KNOWN_HEADS]


def _pieces(part: str | Reference, braces: Braces) -> Sequence[str | Reference]:
    if isinstance(part, Reference):
        return (part,)
    try:
        return placeholders_in(part, braces)
    except BadPlaceholder:
        return (part,)


def _ours(text: str) -> Iterator[str | Reference]:
    at = 0
    for match in _TOKEN.finditer(text):
        yield text[at : match.start()]
        at = match.end()
        token = match[0]
        if token in ("{{", "}}"):
            yield token[0]
        elif match[1] is None:
            around = text[max(0, match.start() - 10) : match.start() + 20]
            raise BadPlaceholder(
                f"`{around}` has a single brace; beside `foreach` a brace is written twice: `{token * 2}`"
            )
        else:
            yield _placeholder(match[1])
    yield text[at:]


def _among_shell(text: str) -> Iterator[str | Reference]:
    at = 0
    for match in _WORD.finditer(text):
        if not _is_meant(match[2]):
            continue
        yield text[at : match.start()]
        at = match.end()
        if match[1] and match[4]:
            yield match[0][1:-1]
            continue
        yield match[1]
        yield _placeholder(match[2] + (match[3] or ""))
        yield match[4]
    yield text[at:]


def _placeholder(content: str) -> Placeholder:
    """Return what `{content}` is. BadPlaceholder when it is nothing."""
    content = content.strip()
    found = _HEAD.match(content)
    head = found[0] if found else ""
    rest = content[len(head) :]
    if head in _KNOWN_HEADS and head != "resource" and not rest:
        return Placeholder(head)
    if head in _WITH_NAME and rest[:1] == "." and rest[1:].strip(". "):
        return Placeholder(content)
    if head in _KNOWN_HEADS:
        advice = _WITH_NAME.get(head, f"write `{{{head}}}`")
        raise BadPlaceholder(f"`{{{content}}}` cannot be read; {advice}")
    near = _near(head) if not rest or rest[0] == "." else ""
    known = ", ".join(f"{{{word}}}" for word in (*ITEM_HEADS, "slot", "gpu", "resource.NAME"))
    said = near or f"; known are {known}"
    raise BadPlaceholder(f"`{{{content}}}` is no placeholder{said}; for the text itself write `{{{{{content}}}}}`")


def _near(word: str) -> str:
    near = did_you_mean(word, _KNOWN_HEADS)
    return re.sub(r"'(\w+)'", r"`{\1}`", near)


def _is_meant(word: str) -> bool:
    """True for a word of ours, and for what was surely meant as one."""
    if word in _KNOWN_HEADS:
        return True
    return bool(difflib.get_close_matches(word, ("item",), cutoff=0.75)) or bool(
        difflib.get_close_matches(word, ITEM_HEADS, cutoff=0.8)
    )


def _doubled(match: re.Match[str]) -> str:
    return f"{match[1]}{{{{{match[2]}{match[3] or ''}}}}}{match[4]}"


def _texts(value: Plain, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _texts(child, (*path, key))
    elif isinstance(value, Sequence):
        for index, child in enumerate(value):
            yield from _texts(child, (*path, index))
