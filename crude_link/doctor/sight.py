"""Sight: what a process sees of the machine it runs on: this shell's, or the scheduler's."""

from __future__ import annotations

import os
import pwd
import re
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.model.service import Standing, WrittenService
from crude_link.steps.env_file import parse_env_file

#: What systemd gives its services where nobody said otherwise, and what cron does.
_SYSTEMD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CRON_PATH = "/usr/bin:/bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What one of the two sees."""

    name: str
    environment: Mapping[str, str]
    umask: int | None = None
    #: How many files a process may have open.
    open_files: int | None = None
    #: It is there; otherwise it is what a scheduler would see if cron began it.
    is_real: bool = True


def of_this_shell(environment: Mapping[str, str]) -> Sight:
    """Return what steps that are started from here see."""
    mask = os.umask(0o077)
    os.umask(mask)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Sight(name="this shell", environment=environment, umask=mask, open_files=soft)


def of_service(service: WrittenService, standing: Standing) -> Sight:
    """Return what the scheduler of an installed service sees."""
    given = standing.environment or {**_person(), "PATH": _SYSTEMD_PATH}
    environment = {**given, **service.environment, **_of_file(service.environment_file)}
    return Sight(name=f"the service {service.name}", environment=environment, umask=service.umask)


def of_process(pid: int) -> Sight | None:
    """Return what a living process sees; None where that cannot be read."""
    folder = Path("/proc") / str(pid)
    try:
        pieces = os.fsdecode((folder / "environ").read_bytes()).split("\0")
        limits, status = (folder / "limits").read_text("ascii"), (folder / "status").read_text("utf-8", "replace")
    except (OSError, ValueError):
        return None
    files = re.search(r"^Max open files\s+(\d+)", limits, re.M)
    mask = re.search(r"^Umask:\s+(\d+)", status, re.M)
    return Sight(
        name=f"the scheduler, pid {pid}",
        environment=dict(piece.split("=", 1) for piece in pieces if "=" in piece),
        umask=int(mask[1], 8) if mask else None,
        open_files=int(files[1]) if files else None,
    )


def of_cron() -> Sight:
    """Return what a scheduler would see that a crontab begins."""
    environment = {**_person(), "PATH": _CRON_PATH, "SHELL": "/bin/sh"}
    return Sight(name="cron", environment=environment, is_real=False)


def _person() -> dict[str, str]:
    try:
        found = pwd.getpwuid(os.getuid())
    except KeyError:
        return {}
    return {"HOME": found.pw_dir, "USER": found.pw_name, "LOGNAME": found.pw_name, "SHELL": found.pw_shell}


def _of_file(path: Path | None) -> Mapping[str, str]:
    try:
        return parse_env_file(path.read_text("utf-8", "surrogateescape"), str(path)) if path else {}
    except (OSError, CannotStart):
        return {}
