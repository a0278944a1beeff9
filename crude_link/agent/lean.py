"""Lean: the C halves of standard modules whose Python halves cost 3 to 6 ms each, at every start of the agent."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any
else:
    try:
        import _signal as signal
    except ImportError:
        import signal

__all__ = ["become_subreaper", "call_c", "decode_json", "quote_json", "signal"]

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def _make_codec() -> tuple[Callable[[str], str], Callable[[str], Any]]:
    try:
        from _json import encode_basestring_ascii, make_scanner
    except ImportError:
        import json

        return json.dumps, json.loads

    scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_ScannerSettings)  # type: ignore[arg-type]  # duck-typed
    return encode_basestring_ascii, lambda text: scan(text, 0)[0]


class _ScannerSettings:
    """What the scanner asks of `json.JSONDecoder`."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


#: Write one text as JSON in ASCII; read one JSON value that begins with the first character.
quote_json, decode_json = _make_codec()


def become_subreaper() -> bool:
    """Make orphans below this process its children (Linux); False where that is not to be had."""
    return call_c("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def call_c(name: str, *arguments: int | bytes) -> int:
    """Call a function of the C library that returns an int; -1 when there is no such function, too."""
    try:
        import _ctypes

        library = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # None is this program itself
        return int(_ctypes.call_function(_ctypes.dlsym(library, name), arguments))
    except (ImportError, AttributeError, OSError):
        return _call_by_ctypes(name, arguments)


def _call_by_ctypes(name: str, arguments: tuple[int | bytes, ...]) -> int:
    try:
        import ctypes

        return int(getattr(ctypes.CDLL(None), name)(*arguments))
    except (ImportError, AttributeError, OSError):
        return -1
