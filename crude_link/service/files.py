"""The files of services: written aside and renamed, and never over what somebody else wrote."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path

from crude_link.errors import UsageError
from crude_link.model.service import Service, WrittenService
from crude_link.service.manager import ServiceManager
from crude_link.service.seal import has_seal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Change(Enum):
    """What writing a service's file came to."""

    WRITTEN = "wrote"
    CHANGED = "changed"
    SAME = "is as it was"


def service_name(project: Path) -> str:
    """Return the name of a project's service: its folder's, in the letters that such names have."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", project.name).strip("-._")[:100] or "project"


def check_name(name: str) -> None:
    """UsageError for a text that cannot name a service."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--name: {name!r} cannot name a service: it begins with a letter or a digit, and has letters, digits, "
            "`_`, `.` and `-` only"
        )


def services_of(manager: ServiceManager, project: Path) -> list[WrittenService]:
    """Return the services of a project that `schedule install` wrote."""
    pattern = manager.path("*")
    found = [manager.read(path) for path in sorted(pattern.parent.glob(pattern.name))]
    return [each for each in found if each is not None and each.project == project]


def check_place(manager: ServiceManager, service: Service) -> None:
    """UsageError when the file of a service is not ours to write, or the project has another service."""
    for mine in services_of(manager, service.project):
        if mine.name != service.name:
            raise UsageError(
                f"{service.project} has a service already, {mine.path}, and one scheduler is enough for a project: "
                f"`crude-link schedule uninstall` first, or give `--name {mine.name}`"
            )
    path = manager.path(service.name)
    there = manager.read(path)
    if there is None:
        return
    if there.project is None:
        raise UsageError(
            f"{path} was not written by `schedule install` and stays as it is: choose another name with --name"
        )
    if there.project != service.project:
        raise UsageError(f"{path} is the service of {there.project}: choose another name with --name")
    if there.is_edited:
        raise UsageError(
            f"{path} was edited since `schedule install` wrote it, and stays as it is. Put what you changed into "
            f"a file of its own (`systemctl --user edit {path.name}`), remove this one and install again"
        )


def check_removal(manager: ServiceManager, name: str, project: Path) -> None:
    """UsageError when the service of this name is not there, or is not one that was written for the project."""
    check_name(name)
    path = manager.path(name)
    there = manager.read(path)
    if there is None:
        raise UsageError(f"there is no {path}; without --name, the service of this project is removed")
    if there.project is None:
        raise UsageError(f"{path} was not written by `schedule install` and stays as it is")
    if there.project != project:
        raise UsageError(f"{path} is the service of {there.project}: remove it from there")


def write_service(manager: ServiceManager, service: Service) -> tuple[Change, Sequence[str]]:
    """Write the file of a service that `check_place` has nothing against; return what differs, line by line.

    UsageError when it cannot be written, or the manager cannot be told of a path.
    """
    path, text = manager.path(service.name), manager.text(service)
    before = manager.read(path)
    if before is not None and before.text == text:
        return Change.SAME, ()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    if before is None:
        return Change.WRITTEN, ()
    lines = difflib.unified_diff(before.text.splitlines(), text.splitlines(), n=0, lineterm="")
    shown = [line for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]
    return Change.CHANGED, [line for line in shown if not has_seal(f"{line}\n")]


def _replace(path: Path, text: str) -> None:
    handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as target:  # noqa: PTH123
            target.write(text)
        os.chmod(aside, 0o600)  # noqa: PTH101  # what is in it is nobody else's business
        os.replace(aside, path)  # noqa: PTH105
    except OSError:
        with suppress(OSError):
            os.unlink(aside)  # noqa: PTH108
        raise
