"""The form of `warm`."""

from __future__ import annotations

from collections.abc import Mapping

from crude_link.config.forms import Form, Key, Report, or_reference, shown
from crude_link.config.node import Path
from crude_link.model.value import Plain

_MOST = 1_000_000
_REUSE = {
    "type": "integer",
    "minimum": 1,
    "maximum": _MOST,
    "description": "So many tasks of a function are done by each process.",
}


def _read(value: Plain, path: Path, report: Report) -> int:
    """Return how many tasks a process does; 0: it is not warm."""
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, Mapping):
        report(path, f"is true, false or `{{reuse: N}}`, not {shown(value)}", False)
        return 0
    for key in value:
        if key != "reuse":
            report((*path, key), "there is nothing of that name here; known is reuse", True)
    count = value.get("reuse")
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= _MOST:
        return count
    report((*path, "reuse"), f"is how many tasks each process does, from 1 on, not {shown(count)}", False)
    return 0


WARM_KEYS: Mapping[str, Key] = {
    "warm": Key(
        Form(
            _read,
            or_reference(
                {
                    "anyOf": [
                        {"type": "boolean"},
                        {
                            "type": "object",
                            "properties": {"reuse": _REUSE},
                            "required": ["reuse"],
                            "additionalProperties": False,
                        },
                    ]
                }
            ),
        ),
        "The imports of a Python script are done once, and each task is forked from there; so are functions, always. "
        "`{reuse: 100}` lets each process do so many tasks of a function.",
    ),
}
