"""The form of `warm`."""

from __future__ import annotations

from collections.abc import Mapping

from crude_link.config.forms import Form, Key, Report, or_reference, shown
from crude_link.config.node import Path
from crude_link.model.value import Plain


def _read(value: Plain, path: Path, report: Report) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Mapping) and "reuse" in value:
        message = "`reuse` comes with a later version of crude-link; `warm: true` has a process for each task"
        report((*path, "reuse"), message, True)
    else:
        report(path, f"is true or false, not {shown(value)}", False)
    return False


WARM_KEYS: Mapping[str, Key] = {
    "warm": Key(
        Form(_read, or_reference({"type": "boolean"})),
        "The imports of a Python script are done once, and each task is forked from there; so are functions, always.",
    ),
}
