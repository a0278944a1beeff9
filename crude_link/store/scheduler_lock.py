"""The lock of a project's scheduler: an flock that dies with its owner."""

from __future__ import annotations

from crude_link.store.locks import lock_holder
from crude_link.store.place import Project

_NAME = "scheduler.lock"


def scheduler_holder(project: Project) -> str | None:
    """Say in words who schedules in a project ("pid 4711 on thor since 2026-03-01 12:03 CET"); None: nobody."""
    return lock_holder(project.home / _NAME)
