"""Units: durations, sizes and shares as people write them. A bare number has no unit; text has one."""

from __future__ import annotations

import re
from datetime import timedelta

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {
    "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?i?B)", re.IGNORECASE)
_MEDIANS = re.compile(r"(\d+(?:\.\d+)?)\s*x\s*(?:the\s+)?median", re.IGNORECASE)
_LONGEST_DAYS = 36_500
_LARGEST_BYTES = 2**63


def duration(value: object) -> timedelta:
    """Read `90s`, `15m`, `1h30m`, `2d`; 0 needs no unit. ValueError says what is wrong."""
    if value == 0 and not isinstance(value, bool):
        return timedelta(0)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f"a duration has a unit: say '{value:g}s'")
    text = value.strip() if isinstance(value, str) else ""
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        raise ValueError(f"{value!r} is no duration; write 90s, 15m, 6h or 2d")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _LONGEST_DAYS * 86400:
        raise ValueError(f"{value!r} is longer than a hundred years")
    return timedelta(seconds=seconds)


def medians(value: object) -> float | None:
    """Read `5x median` as 5; None for what is written otherwise. ValueError says what is wrong."""
    match = _MEDIANS.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        return None
    if float(match.group(1)) <= 1:
        raise ValueError(f"{value!r} is too short: half of all tasks take longer than the median; write 5x median")
    return float(match.group(1))


def size(value: object) -> int:
    """Read `40GB`, `512 MiB` as bytes. ValueError says what is wrong."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f"a size has a unit: say '{value:g}GB'")
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{value!r} is no size; write 500MB or 40GB")
    number = float(match.group(1)) * _BYTES[match.group(2).upper()]
    if number > _LARGEST_BYTES:
        raise ValueError(f"{value!r} is larger than any disk")
    return int(number)


def share(value: object) -> float:
    """Read `10%` or a number from 0 to 1. ValueError says what is wrong."""
    number: float | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?\s*%", value.strip()):
        number = float(value.strip().rstrip("% ")) / 100
    if number is None or not 0 <= number <= 1:
        raise ValueError(f"{value!r} is no share; write a number from 0 to 1, or 10%")
    return number
