"""Being the only one at something in a project: an flock that dies with its owner."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crude_link.store.failures import translated


@contextmanager
def sole(path: Path) -> Iterator[bool]:
    """Hold the lock of a file, which is made; gives False at once, and holds nothing, when somebody else has it."""
    with translated(path):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(lock)
