"""Launchd: the user's own manager of services on macOS."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from crude_link.errors import CrudeLinkError
from crude_link.model.service import Doings, Service, Standing, WrittenService
from crude_link.service.launchd_text import agent_of, agent_text
from crude_link.service.reading import read_text, remove
from crude_link.service.seal import has_seal, is_edited, sealed

_PREFIX, _SUFFIX = "crude-link.", ".plist"


class LaunchdManager:
    """Agents in the user's own folder, and `launchctl`. They live while the person is logged in.

    `ask` runs a program and returns its stdout; it raises a CrudeLinkError when that cannot start or fails.
    """

    def __init__(self, folder: Path, uid: int, ask: Callable[[Sequence[str]], str]) -> None:
        self._folder = folder
        self._domain = f"gui/{uid}"
        self._ask = ask

    def path(self, name: str) -> Path:
        """Return the path of a service's file."""
        return self._folder / f"{_PREFIX}{name}{_SUFFIX}"

    def text(self, service: Service) -> str:
        """Return the text of a service's file. UsageError."""
        return sealed(agent_text(service), "<!-- {} -->", after=_DOCTYPE)

    def read(self, path: Path) -> WrittenService | None:
        """Read a service's file; None when there is none."""
        text = read_text(path)
        if text is None:
            return None
        said = agent_of(text)
        directory, umask = said.get("WorkingDirectory"), said.get("Umask")
        return WrittenService(
            name=path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX),
            path=path,
            text=text,
            project=Path(directory) if has_seal(text) and isinstance(directory, str) else None,
            is_edited=is_edited(text),
            argv=tuple(said.get("ProgramArguments", ())),
            environment=said.get("EnvironmentVariables", {}),
            umask=umask if isinstance(umask, int) else None,
        )

    def standing(self, name: str) -> Standing:
        """Ask how a service stands. An agent is enabled by its file being there, and never lingers."""
        label = f"{self._domain}/{_PREFIX}{name}"
        bootstrap = shlex.join(("launchctl", "bootstrap", self._domain, str(self.path(name))))
        standing = Standing(
            is_enabled=self.path(name).exists(),
            is_lingering=False,
            start=f"launchctl kickstart {label}",
            restart=f"launchctl bootout {label}; {bootstrap}",
        )
        try:
            shown = self._ask(("launchctl", "print", label))
        except CrudeLinkError as error:
            return replace(standing, why=str(error))
        return replace(standing, is_active="state = running" in shown)

    def take_in(self, name: str, *, start: bool) -> Doings:
        """Have launchd read a service's file, which starts it; what cannot be done is left."""
        if not start:
            return Doings()  # at the next login its file is read in any case
        command = ("launchctl", "bootstrap", self._domain, str(self.path(name)))
        try:
            self._ask(command)
        except CrudeLinkError as error:
            return Doings(left=((shlex.join(command), f"starts it ({error})"),))
        return Doings(done=(f"started {_PREFIX}{name}",))

    def take_out(self, name: str) -> Doings:
        """Have launchd stop a service and forget it, and remove its file. UsageError when it cannot be removed."""
        command = ("launchctl", "bootout", f"{self._domain}/{_PREFIX}{name}")
        try:
            self._ask(command)
        except CrudeLinkError as error:
            return Doings(left=((shlex.join(command), f"ends it, should it still be going ({error})"),))
        finally:
            remove(self.path(name))
        return Doings(done=(f"stopped {_PREFIX}{name}",))


_DOCTYPE = '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
