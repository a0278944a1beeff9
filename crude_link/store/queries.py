"""The queries of `queries.sql` by name, and the migrations by number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_HEAD = re.compile(r"^-- name: (\w+)\n-- .+\n", re.MULTILINE)


@cache
def queries() -> Mapping[str, str]:
    """Return the text of every query by its name."""
    _, *parts = _HEAD.split((_FOLDER / "queries.sql").read_text("utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def newest_version() -> int:
    """Return the version of the store that this crude-link writes."""
    return max(_migrations())


def migrations_after(version: int) -> list[tuple[int, str]]:
    """Return what leads from `version` to the newest one: (the version it makes, the SQL), in order."""
    return [(number, path.read_text("utf-8")) for number, path in sorted(_migrations().items()) if number > version]


@cache
def _migrations() -> Mapping[int, Path]:
    return {int(path.stem): path for path in (_FOLDER / "migrations").glob("*.sql")}
