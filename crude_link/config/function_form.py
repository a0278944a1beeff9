"""The form of `function`: `FILE:NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crude_link.config.forms import TEXT, Key, parsed, shown

_FUNCTION = re.compile(r"(?P<file>[^:]*\.py):(?P<name>[^:]*)")


def function_parts(text: str) -> tuple[str, str]:
    """Return the file and the name of a function."""
    file, _, name = text.rpartition(":")
    return file, name


def _read(value: object) -> str:
    example = "write FILE:NAME, such as tasks/add.py:process_task"
    if not isinstance(value, str):
        raise ValueError(f"is text, not {shown(value)}; {example}")
    match = _FUNCTION.fullmatch(value)
    if not match:
        raise ValueError(f"{value!r} names no function of a Python file; {example}")
    if not match["name"].isidentifier():
        raise ValueError(f"{match['name']!r} cannot be the name of a function; {example}")
    return value


FUNCTION_KEYS: Mapping[str, Key] = {
    "function": Key(parsed(_read, TEXT), "`FILE:NAME`: a Python function to call. Or `script`, or `command`."),
}
