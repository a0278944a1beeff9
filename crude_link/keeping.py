"""Keeping: from config files to a service of this machine that follows their schedules."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.errors import ConfigError, UsageError
from crude_link.identity import user_name
from crude_link.model.service import Service
from crude_link.service.environment import Chosen, Confidential, chosen_environment
from crude_link.store.place import HOME_VARIABLE

if TYPE_CHECKING:
    from crude_link.app import Desk, Loaded
    from crude_link.service.manager import ServiceManager

#: Beside INT and TERM to the steps, the agent and the record of the run take a moment.
_TO_END = timedelta(seconds=30)
_ASKED_AT_MOST = timedelta(seconds=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person wants of the service."""

    name: str
    log_file: Path | None = None
    keep_running: bool = False


def manager_here(environment: Mapping[str, str], platform: str = sys.platform) -> ServiceManager:
    """Return who keeps services on this machine. UsageError where that is neither systemd nor launchd."""
    from crude_link.programs import output_of

    def ask(words: Sequence[str]) -> str:
        return output_of(words, cwd=Path("/"), environment=environment, timeout=_ASKED_AT_MOST)

    home = Path(environment.get("HOME") or Path.home())
    if platform == "darwin":
        from crude_link.service.launchd import LaunchdManager

        return LaunchdManager(home / "Library" / "LaunchAgents", os.getuid(), ask)
    if not platform.startswith("linux"):
        raise UsageError(
            "this system has neither systemd nor launchd; let its own means start `crude-link schedule start`, "
            "such as `@reboot` in a crontab"
        )
    from crude_link.service.systemd import SystemdManager

    return SystemdManager(config_folder(environment) / "systemd" / "user", user_name(), ask)


def config_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder in which the person's programs keep what they are told."""
    said = Path(environment.get("XDG_CONFIG_HOME") or "-")
    return said if said.is_absolute() else Path(environment.get("HOME") or Path.home()) / ".config"


def check_chosen(desk: Desk, chosen: Sequence[Loaded]) -> list[str]:
    """Do the pre-flight of what a service is to run, and return its warnings. ConfigError, UsageError."""
    problems, warnings = [], []
    for each in chosen:
        found, more = desk.check(each)
        problems += found
        warnings += [*each.pipeline.warnings, *more]
    if problems:
        raise ConfigError(problems)
    if not any(each.pipeline.schedules for each in chosen):
        files = ", ".join(dict.fromkeys(str(each.config.path) for each in chosen))
        raise UsageError(
            f"no pipeline of {files} has a schedule, so there is nothing to keep going: write one "
            "(`cron: {hour: 10}`), or run it by hand with `crude-link run`"
        )
    return warnings


def service_for(desk: Desk, chosen: Sequence[Loaded], wish: Wish) -> tuple[Service, Chosen]:
    """Return the service that follows the schedules of what was loaded, and the choice of its variables."""
    from crude_link.programs import entrance

    words = ["schedule", "start"]
    for path in dict.fromkeys(each.config.path for each in chosen):
        words += ["-c", os.path.abspath(path)]  # noqa: PTH100  # a link stays as the person wrote it
    if wish.log_file:
        words += ["-l", os.path.abspath(wish.log_file)]  # noqa: PTH100
    if wish.keep_running:
        words.append("-k")
    picked = _environment(desk, chosen)
    graces = [step.stop_grace for each in chosen for step in each.pipeline.steps]
    service = Service(
        name=wish.name,
        project=desk.project.directory,
        argv=tuple(entrance(*words)),
        environment=picked.variables,
        environment_file=_variables_file(desk, wish.name),
        umask=_umask(),
        stop_time=2 * max(graces) + _TO_END,
        keeps_running=wish.keep_running,
    )
    return service, picked


def _variables_file(desk: Desk, name: str) -> Path | None:
    """Return the person's file of variables for a service; launchd takes none."""
    return None if sys.platform == "darwin" else config_folder(desk.environment) / "crude-link" / f"{name}.env"


def _environment(desk: Desk, chosen: Sequence[Loaded]) -> Chosen:
    from crude_link.steps.named import variables_named
    from crude_link.steps.secrets import SHORTEST

    shell = dict(desk.environment)
    if shell.get(HOME_VARIABLE):
        shell[HOME_VARIABLE] = str(desk.project.home.absolute())  # it was relative to where we are
    declared = [secret for each in chosen for secret in each.pipeline.secrets]
    values = [value for each in chosen for value in desk.secrets(each.pipeline.secrets).at_hand(shell).values()]
    confidential = Confidential(
        names=frozenset(secret.env for secret in declared if secret.env is not None),
        values=tuple(value for value in values if len(value) >= SHORTEST),
    )
    named = {name for each in chosen for name in variables_named(each.pipeline)}
    return chosen_environment(shell, named, confidential)


def still_missing(desk: Desk, picked: Chosen, name: str) -> list[str]:
    """Return the variables that are needed, are not written, and are not in the person's file of them."""
    return sorted(picked.needed - _in_file(desk, name).keys())


def as_service(desk: Desk, name: str) -> Desk:
    """Return the desk with the variables that a service is given by the person's file of them."""
    return replace(desk, environment={**desk.environment, **_in_file(desk, name)})


def _in_file(desk: Desk, name: str) -> Mapping[str, str]:
    from crude_link.errors import CannotStart
    from crude_link.steps.env_file import parse_env_file

    file = _variables_file(desk, name)
    try:
        return parse_env_file(file.read_text("utf-8", "surrogateescape"), str(file)) if file else {}
    except (OSError, CannotStart):
        return {}


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
