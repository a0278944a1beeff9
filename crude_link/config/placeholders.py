"""Placeholders: `{item}` and its fellows, in a step that has no inputs to put there.

What is in single braces is a placeholder only beside `foreach`; elsewhere it is text, and most likely a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crude_link.config.node import Node
from crude_link.config.problems import Problems

_FELLOWS = ("index", "stem", "name", "parent", "suffix", "slot", "gpu", "resource")
_BRACES = re.compile(r"(?<![${])\{([A-Za-z]\w*)(?:\.[\w.-]+)?\}(?!\})")
#: Keys that hold no text which is given to a step, or whose braces are the shell's.
_NOT_TEXT = ("name", "command", "needs", "when")


def check_placeholders(tree: Node, problems: Problems) -> None:
    """Refuse `{item}` and what was meant as it, as written; warn of its fellows, which other programs use too."""
    steps = tree.entries["steps"].items if "steps" in tree.entries else ()
    for step in steps:
        if "foreach" in step.entries and step.entries["foreach"].value is not None:
            continue
        of = f"step '{step.entries['name'].value}': " if "name" in step.entries else ""
        for key, value in step.entries.items():
            for node in () if key in _NOT_TEXT else _texts(value):
                _check(node, of, problems)


def _check(node: Node, of: str, problems: Problems) -> None:
    for match in _BRACES.finditer(str(node.value)):
        text, word = match[0], match[1]
        if word == "item" or _is_near(word):
            meant = "" if word == "item" else " (did you mean `{item}`?)"
            message = f"`{text}`{meant} stands for an input of `foreach`, which this step does not have"
            problems.add(f"{message}; to pass the text itself, write it into a param", node.at, of)
        elif word in _FELLOWS:
            problems.warn(f"`{text}` stays as it is: only beside `foreach` does it stand for something", node.at, of)


def _is_near(word: str) -> bool:
    if word[0] != "i":
        return False
    import difflib

    return bool(difflib.get_close_matches(word, ["item"], cutoff=0.75))


def _texts(node: Node) -> Iterator[Node]:
    if isinstance(node.value, str):
        yield node
    for child in (*node.entries.values(), *node.items):
        yield from _texts(child)
