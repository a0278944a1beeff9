"""How a value is written where only text goes: on a command line, in the environment, in the midst of text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from crude_link.errors import CannotStart
from crude_link.model.value import Plain

#: Source: Linux's MAX_ARG_STRLEN, 32 pages, less the closing NUL and a name before it; macOS allows more.
LONGEST_ARGUMENT = 131_000


def written(value: Plain) -> str:
    """Return text as it is, booleans and null as YAML writes them, floats as Python does, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(plain_data(value), ensure_ascii=False)


def plain_data(value: Plain) -> Plain:
    """Return `value` with every sequence a list and every mapping a dict, as `json` wants it."""
    if isinstance(value, Mapping):
        return {key: plain_data(child) for key, child in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain_data(child) for child in value]
    return value


def as_argument(text: str, where: str) -> str:
    """Return `text`. CannotStart when no process can be given it; `where` names it in the reason."""
    if "\0" in text:
        raise CannotStart(f"{where} holds a NUL character, which no process can be given")
    try:
        size = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError as error:
        raise CannotStart(f"{where} holds half of a surrogate pair, which is not text") from error
    if size > LONGEST_ARGUMENT:
        raise CannotStart(f"{where} is {size} bytes long, more than a process can be given: put it into a file")
    return text
