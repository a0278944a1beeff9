"""The lock of a project's scheduler: an flock that dies with its owner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from crude_link.errors import SchedulerRuns
from crude_link.store.failures import translated
from crude_link.store.locks import lock_holder, locked_soon, write_holder
from crude_link.store.place import Project

_NAME = "scheduler.lock"


@contextmanager
def scheduler_lock(project: Project) -> Iterator[None]:
    """Be the one scheduler of a project. SchedulerRuns, naming who, when there is one."""
    path = project.home / _NAME
    with translated(path):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not locked_soon(lock):
            raise SchedulerRuns(f"a scheduler runs here already: {scheduler_holder(project) or 'it has just begun'}")
        write_holder(path, lock)
        yield
    finally:
        os.close(lock)


def scheduler_holder(project: Project) -> str | None:
    """Say in words who schedules in a project ("pid 4711 on thor since 2026-03-01 12:03 CET"); None: nobody."""
    return lock_holder(project.home / _NAME)
