"""Talk: how commands speak: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from itertools import chain, islice
from math import isfinite
from typing import Any

import click

from crude_link.errors import CrudeLinkError
from crude_link.notifiers.look import Look, look_of

#: Lines that are written at once.
_PIECE = 1000


def say(text: str) -> None:
    """Say something to the person, on stderr; nobody there to hear it is no reason to end what goes on."""
    with suppress(OSError, ValueError):
        print(look_of(sys.stderr).spell(text), file=sys.stderr, flush=True)  # noqa: T201  # the one place that speaks


def show(lines: Iterable[str], look: Look | None = None) -> None:
    """Print lines of a result on stdout."""
    look = look or look_of(sys.stdout)
    left = iter(lines)
    while piece := "".join(f"{line}\n" for line in islice(left, _PIECE)):
        with until_reader_leaves():
            sys.stdout.write(look.spell(piece))
            sys.stdout.flush()


def print_json(value: object) -> None:
    """Print a result as JSON on stdout."""
    # ASCII only: text that is not UTF-8 survives, and every terminal and pipe can take it.
    with until_reader_leaves():
        sys.stdout.write(json.dumps(as_plain(value), indent=2) + "\n")
        sys.stdout.flush()


def print_json_list(values: Iterable[Mapping[str, object]]) -> None:
    """Print results, which may be very many, as a JSON list with one of them in each line; they are plain already."""
    texts = (json.dumps(value) for value in values)
    first = next(texts, None)
    show([] if first is None else chain(["["], _with_commas(first, texts)))
    show(["[]"] if first is None else ["]"])


def _with_commas(before: str, others: Iterator[str]) -> Iterator[str]:
    for each in others:
        yield f"{before},"
        before = each
    yield before


@contextmanager
def until_reader_leaves() -> Iterator[None]:
    """End the program with 0 when whoever reads our stdout has seen enough, as in `crude-link logs | head`."""
    try:
        yield
    except BrokenPipeError as error:
        _let_go_of_stdout()
        raise click.exceptions.Exit(0) from error
    except OSError as error:
        _let_go_of_stdout()
        raise CrudeLinkError(f"stdout cannot be written: {error.strerror}") from error


def _let_go_of_stdout() -> None:
    """Send what is still buffered nowhere; otherwise Python complains of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def as_plain(value: object) -> Any:
    """Return a value of ours as JSON has it: moments in UTC, durations in seconds under a name that says so."""
    if is_dataclass(value) and not isinstance(value, type):
        return _mapping({field.name: getattr(value, field.name) for field in fields(value)})
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _mapping(value._asdict())
    if isinstance(value, (list, tuple)):
        return [as_plain(child) for child in value]
    return _scalar(value)


def _mapping(items: Mapping[Any, object]) -> dict[str, Any]:
    return {
        f"{name}_seconds" if isinstance(child, timedelta) else str(name): as_plain(child)
        for name, child in items.items()
    }


def _scalar(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # JSON has no NaN
    return value
