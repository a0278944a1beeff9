"""When hints: what was meant by a `when` in the words of other languages and tools."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crude_link.config.problems import did_you_mean

#: What stands outside of quotes, and what to write instead.
_SIGNS = (
    (r"&&?", "write `and`"),
    (r"\|\|?", "write `or`"),
    (r"===", "write `==`"),
    (r"(?<![=!<>])=(?!=)", "to compare write `==`"),
    (r"<>", "write `!=`"),
    (r"!(?!=)", "write `not`"),
    (r"\bis\s+not\b", "write `!=`"),
    (r"\bis\b", "write `==`"),
)
#: Words that stand alone; a step without `when` starts after the success of what it needs.
_WORDS = {
    "failed": ("failure", "fail", "failing", "error", "on_failure", "onfailure", "on_error"),
    "always": ("all", "any", "ever", "everytime"),
    "": ("success", "succeeded", "successful", "on_success", "onsuccess", "ok"),
}
_WHEN_IT_SUCCEEDED = "leave `when` out: a step starts when what it needs has succeeded"


def when_hint(text: str, params: Iterable[str], steps: Iterable[str]) -> str | None:
    """Say what to write instead of an expression that cannot be read; None when no habit explains it."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", text)
    word = re.sub(r"[^\w-]", "", bare)
    for ours, theirs in _WORDS.items():
        if word.lower() in (*theirs, ours) and word:
            return f"write `when: {ours}`" if ours else _WHEN_IT_SUCCEEDED
    for pattern, advice in _SIGNS:
        found = re.search(pattern, bare)
        if found:
            return f"`{found[0]}` is not known here; {advice}"
    unknown = re.fullmatch(r"([A-Za-z_][\w-]*)(?![\w.-]).*", bare.strip())
    return _name_hint(unknown[1], list(params), list(steps)) if unknown else None


def _name_hint(name: str, params: list[str], steps: list[str]) -> str | None:
    if name in params:
        return f"a param is written `params.{name}`"
    if name in steps:
        return f"what a step left is written `steps.{name}.metrics.NAME`, or `steps.{name}.status`"
    near = did_you_mean(name, ["always", "failed"])
    return f"'{name}' is no name it knows{near}" if near else None
