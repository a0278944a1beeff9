"""`assert_never`, which the standard library has only from Python 3.11 on."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """End a `match` over all cases of an enum or union, so that mypy finds the one that was forgotten."""
    raise AssertionError(f"did not expect {value!r}")
