"""What python-fire reads from a text, and the text from which it reads a given value exactly.

`fire` itself takes 60 ms to import and needs not be installed where crude-link is only started; its reader is
twenty lines (`fire.parser.DefaultParseValue`, 0.7) and is done again here. Tests compare the two.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Mapping

from crude_link.errors import CannotStart
from crude_link.model.value import Plain

#: Longer texts are always written as literals: whether Python's own reader gives up on a long expression or
#: number depends on its version, and the script's may not be ours.
LONGEST_BARE_TEXT = 500

#: A name, names with dots, slashes and dashes between, or an absolute path: Python reads no literal from any of
#: these, but for three names. Reading most file names so saves 20 µs each.
_SURELY_TEXT = re.compile(r"(?:/[ -~]*|[A-Za-z_]\w*(?:[/.-]\w*)*)", re.ASCII)


def fire_reads(text: str) -> object:
    """Return what a function called by fire gets for `--key=text`.

    Raises what fire would fail with: TypeError for `{[]: 1}`, RecursionError and MemoryError for deep nesting.
    """
    try:
        return _literal(text)
    except (SyntaxError, ValueError):
        return text


def as_fire_argument(value: Plain) -> str:
    """Return the text from which fire reads exactly `value`. CannotStart for NaN, which has no literal."""
    if isinstance(value, str):
        return value if _stays_as_it_is(value) else repr(value)
    return _python_literal(value)


def _literal(text: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `'\d'` is somebody's text, not our code
        root = ast.parse(text, mode="eval")
    if isinstance(root.body, ast.BinOp):
        raise ValueError(text)
    for node in ast.walk(root):
        for field, child in ast.iter_fields(node):
            if isinstance(child, list):
                child[:] = [_bare_word(item) for item in child]
            else:
                setattr(node, field, _bare_word(child))
    return ast.literal_eval(root)


def _bare_word(node: object) -> object:
    if isinstance(node, ast.Name) and node.id not in ("True", "False", "None"):
        return ast.Constant(node.id)
    return node


def _stays_as_it_is(text: str) -> bool:
    if _SURELY_TEXT.fullmatch(text) and len(text) <= LONGEST_BARE_TEXT:
        return text not in ("True", "False", "None")
    if len(text) > LONGEST_BARE_TEXT or "\0" in text:
        return False
    try:
        text.encode("utf-8", "surrogateescape")
        return fire_reads(text) == text
    except (UnicodeEncodeError, TypeError, RecursionError, MemoryError):
        return False


def _python_literal(value: Plain) -> str:
    if isinstance(value, float) and math.isnan(value):
        raise CannotStart("NaN cannot be given to a fire function: Python has no literal for it. Use null or a text")
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_python_literal(k)}: {_python_literal(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(_python_literal(item) for item in value) + "]"
