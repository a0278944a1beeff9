"""Systemd: the user's own manager of services on Linux."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from crude_link.errors import CrudeLinkError
from crude_link.model.service import Doings, Service, Standing, WrittenService
from crude_link.service.reading import read_text, remove
from crude_link.service.seal import has_seal, is_edited, sealed
from crude_link.service.systemd_text import file_of, path_of, settings_of, unit_text, unquoted

_PREFIX, _SUFFIX = "crude-link-", ".service"
#: Where logind notes who lingers.
_LINGER = Path("/var/lib/systemd/linger")


class SystemdManager:
    """Units in the user's own folder, and `systemctl --user`.

    `ask` runs a program and returns its stdout; it raises a CrudeLinkError when that cannot start or fails.
    """

    def __init__(self, folder: Path, user: str, ask: Callable[[Sequence[str]], str]) -> None:
        self._folder = folder
        self._user = user
        self._ask = ask

    def path(self, name: str) -> Path:
        """Return the path of a service's file."""
        return self._folder / f"{_PREFIX}{name}{_SUFFIX}"

    def text(self, service: Service) -> str:
        """Return the text of a service's file. UsageError."""
        return sealed(unit_text(service), "# {}")

    def read(self, path: Path) -> WrittenService | None:
        """Read a service's file with what was put beside it; None when there is none."""
        text = read_text(path)
        if text is None:
            return None
        beside = sorted(path.with_name(f"{path.name}.d").glob("*.conf"))
        whole = "\n".join([text, *(read_text(each) or "" for each in beside)])
        settings = list(settings_of(whole))
        said = dict(settings)
        return WrittenService(
            name=path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX),
            path=path,
            text=text,
            project=path_of(said["WorkingDirectory"]) if has_seal(text) and "WorkingDirectory" in said else None,
            is_edited=is_edited(text),
            argv=tuple(word.replace("$$", "$") for word in unquoted(said.get("ExecStart", ""))),
            environment=_variables(settings),
            environment_file=file_of(said.get("EnvironmentFile", "")),
            umask=int(said["UMask"], 8) if said.get("UMask", "").isdigit() else None,
        )

    def standing(self, name: str) -> Standing:
        """Ask how a service stands."""
        unit = self.path(name).name
        standing = Standing(
            is_lingering=self._lingers(),
            start=" ".join(_systemctl("start", unit)),
            restart=" ".join(_systemctl("restart", unit)),
        )
        try:
            shown = self._ask(_systemctl("show", "--property=ActiveState,UnitFileState,ExecMainStatus", unit))
            given = self._ask(_systemctl("show-environment"))
        except CrudeLinkError as error:
            return replace(standing, why=str(error))
        said = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        is_active = said.get("ActiveState") in ("active", "activating", "reloading")
        return replace(
            standing,
            is_active=is_active,
            is_enabled=said.get("UnitFileState") == "enabled",
            exit_status=int(said["ExecMainStatus"]) if said.get("ActiveState") == "failed" else None,
            environment=dict(line.split("=", 1) for line in given.splitlines() if "=" in line),
        )

    def take_in(self, name: str, *, start: bool) -> Doings:
        """Have the manager read a service's file, start it now and at each boot; what cannot be done is left."""
        unit = self.path(name).name
        enable = ("enable", "--now", unit) if start else ("enable", unit)
        left = () if self._lingers() else (self._linger(),)
        try:
            self._ask(_systemctl("daemon-reload"))
            self._ask(_systemctl(*enable))
        except CrudeLinkError as error:
            reload, after = " ".join(_systemctl("daemon-reload")), " ".join(_systemctl(*enable))
            return Doings(left=((f"{reload} && {after}", f"starts it ({error})"), *left))
        done = f"enabled {unit}" + (", and started it" if start else "")
        return Doings(done=(done,), left=left)

    def take_out(self, name: str) -> Doings:
        """Have a service stopped, remove its file, and have it forgotten. UsageError when it cannot be removed."""
        path = self.path(name)
        try:
            self._ask(_systemctl("disable", "--now", path.name))
        except CrudeLinkError as error:
            remove(path)
            for wants in self._folder.glob("*.wants"):
                remove(wants / path.name)
            stop = " ".join(_systemctl("stop", path.name))
            return Doings(left=((stop, f"ends it, should it still be going ({error})"),))
        remove(path)
        with suppress(CrudeLinkError):  # it is read again at the next login in any case
            self._ask(_systemctl("daemon-reload"))
        return Doings(done=(f"stopped and disabled {path.name}",))

    def _lingers(self) -> bool | None:
        try:
            return (_LINGER / self._user).exists() if _LINGER.parent.is_dir() else None
        except OSError:
            return None

    def _linger(self) -> tuple[str, str]:
        return f"loginctl enable-linger {self._user}", "without it the scheduler ends when you log out"


def _systemctl(*words: str) -> tuple[str, ...]:
    return ("systemctl", "--user", *words)


def _variables(settings: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in settings:
        if name == "Environment":
            # An empty one takes back those before it.
            found = found | dict(each.split("=", 1) for each in unquoted(value) if "=" in each) if value else {}
    return found
