"""The forms of `retries`, and of durations and shares."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crude_link.config.forms import Form, Key, Report, mapping, number, parsed, several
from crude_link.config.node import Path
from crude_link.config.units import duration, medians, share
from crude_link.model.policy import FailureKind, RetryPolicy
from crude_link.model.value import Plain


def _some_time(value: object) -> timedelta:
    found = duration(value)
    if not found:
        raise ValueError("is longer than nothing; without a limit, leave it out")
    return found


def _some_time_or_medians(value: object) -> timedelta | float:
    factor = medians(value)
    return _some_time(value) if factor is None else factor


DURATION = parsed(duration, {"type": "string", "examples": ["90s", "15m", "6h", "2d"]})
LIMIT = parsed(_some_time, DURATION.json)
TASK_LIMIT = parsed(_some_time_or_medians, {"type": "string", "examples": ["90s", "15m", "5x median"]})
SHARE = parsed(share, {"type": ["number", "string"], "examples": ["10%"]})


def _retries(value: object) -> RetryPolicy:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("is a number from 0 on, or a mapping with `max`")
    return RetryPolicy(max=value)


def _failure(value: object) -> int | FailureKind:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 255:
        return value
    if value in ("signal", "timeout", "lost"):
        return FailureKind(value)
    raise ValueError(f"{value!r}: this lists exit codes (1-255), signal, timeout and lost")


_FAILURE = parsed(_failure, {"type": ["integer", "string"]})


def _read_failures(value: Plain, path: Path, report: Report) -> Any:
    if value == []:
        report(path, "is empty, so nothing would be tried again; leave it out, or list failures", False)
    return several(_FAILURE).read(value, path, report)


RETRY_KEYS: Mapping[str, Key] = {
    "max": Key(number(0, whole=True), "How many further tries a failed step gets.", is_required=True),
    "delay": Key(DURATION, "The wait before the first further try.", timedelta(0)),
    "backoff": Key(number(1), "By what the wait grows from try to try.", 1.0),
    "jitter": Key(SHARE, "A random share that is added to each wait.", 0.0),
    "longest_delay": Key(DURATION, "The longest wait, however often it grew.", timedelta(hours=1)),
    "only": Key(
        Form(_read_failures, several(_FAILURE).json),
        "The exit codes, or signal, timeout, lost, that are tried again; all failures when absent.",
        (),
    ),
}
_RETRIES_IN_FULL = mapping(RETRY_KEYS, "`retries`", RetryPolicy)
_RETRIES_IN_SHORT = parsed(_retries, {"type": "integer", "minimum": 0})


def _read_retries(value: Plain, path: Path, report: Report) -> Any:
    return (_RETRIES_IN_FULL if isinstance(value, Mapping) else _RETRIES_IN_SHORT).read(value, path, report)


#: A number of further tries, or a mapping.
RETRIES = Form(_read_retries, {"anyOf": [_RETRIES_IN_SHORT.json, _RETRIES_IN_FULL.json]})
