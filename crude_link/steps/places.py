"""Where the files of a step are: every relative path starts at the project directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crude_link.errors import CannotStart


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The project directory, and the config file's folder where that is another one."""

    project: Path
    config_folder: Path | None = None

    def path(self, text: str) -> Path:
        """Return the absolute path that `text` in a config means; it need not be there. CannotStart when none can."""
        if "\0" in text:
            raise CannotStart(f"{text!r} holds a NUL character, which no path can have")
        return self.project / os.path.expanduser(text)  # noqa: PTH111  # Path's raises for an unknown user

    def existing(self, text: str, what: str, cwd: str | None = None) -> Path:
        """Return the path of something that must be there. CannotStart names it, and where it may be instead."""
        if not text:
            raise CannotStart(f"{what} is an empty path")
        path = self.path(text)
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise CannotStart(f"{what} {text!r} is not there{self._elsewhere(text, cwd)}") from error
        except OSError as error:
            raise CannotStart(f"{what} {text!r} cannot be reached: {error.strerror}") from error
        return path

    def folder(self, text: str) -> Path:
        """Return the directory a step works in. CannotStart when there is none."""
        path = self.existing(text, "the directory `cwd`")
        if not path.is_dir():
            raise CannotStart(f"`cwd` {text!r} is a file, not a directory")
        return path

    def script(self, text: str, cwd: str | None = None) -> Path:
        """Return the path of a script. CannotStart when it is missing, a directory, or cannot be executed.

        `cwd` is where its step will work, in which people look for it first.
        """
        path = self.existing(text, "the script", cwd)
        if path.is_dir():
            raise CannotStart(f"the script {text!r} is a directory")
        if path.suffix != ".py" and not os.access(path, os.X_OK):
            raise CannotStart(
                f"the script {text!r} is not executable: `chmod +x {text}`, or use `command: sh {text}`"
            )
        return path

    def python(self, text: str, environment: Mapping[str, str]) -> str:
        """Return the interpreter that `python: text` means: a path, a folder with one, or a name in `PATH`."""
        if "/" not in text and not _is_folder(self.path(text)):
            found = shutil.which(text, path=environment.get("PATH"))
            if found:
                return found
            raise CannotStart(f"there is no Python {text!r} in PATH; give its path, or that of its environment")
        path = self.existing(text, "the Python")
        if path.is_dir():
            inside = path / "bin" / "python"
            if not _is_there(inside):
                raise CannotStart(f"the folder {text!r} given as `python` holds no bin/python")
            return str(inside)
        if not os.access(path, os.X_OK):
            raise CannotStart(f"the Python {text!r} is not executable")
        return str(path)

    def _elsewhere(self, text: str, cwd: str | None) -> str:
        sought = os.path.realpath(self.path(text))
        working = self.project / os.path.expanduser(cwd) if cwd else None  # noqa: PTH111  # as above
        for folder, where in ((self.config_folder, "beside the config file"), (working, "in the step's `cwd`")):
            if folder is None:
                continue
            path = folder / text
            if _is_there(path) and os.path.realpath(path) != sought:
                return f" in {self.project}, but {where}: {path}. Paths start at the project directory"
        return f" (looked in {self.project})"


def make_folder(folder: Path) -> None:
    """Make a folder of ours unless it is there. CannotStart."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"the folder {folder} cannot be made: {error.strerror}") from error


def bytes_of_script(script: Path) -> bytes:
    """Return what a script holds. CannotStart."""
    try:
        return script.read_bytes()
    except OSError as error:
        raise CannotStart(f"the script {script} cannot be read: {error.strerror}") from error


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  # Path's raises for a name that is too long


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  # Path's raises for a name that is too long
