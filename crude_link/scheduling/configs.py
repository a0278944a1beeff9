"""ConfigWatch: the config files of a scheduler, read again when they have changed and only then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crude_link.app import Desk, Loaded
from crude_link.errors import UsageError
from crude_link.interfaces import Notifier
from crude_link.model.event import Level, Notice
from crude_link.model.schedule import Schedule


@dataclass(kw_only=True, slots=True)
class _Watched:
    """A config file, as it was when it was last right, and as it was last looked at."""

    path: Path
    loaded: Sequence[Loaded]
    stamp: object


class ConfigWatch:
    """See `Watch`. One that has become wrong stays in force as it was."""

    def __init__(self, desk: Desk, files: Sequence[Path], settings: tuple[str, ...], notifier: Notifier) -> None:
        """Read the files. ConfigError when one is wrong, UsageError when two have a pipeline of the same name."""
        self._desk = desk
        self._settings = settings
        self._notifier = notifier
        self._since = desk.clock.now()
        self._files: list[_Watched] = []
        #: What the last run of each entry had.
        self._made: dict[tuple[str, str], Loaded] = {}
        for path in files:
            stamp = _stamp(path)
            loaded = desk.load(path, settings)
            self._files.append(_Watched(path=path, loaded=loaded, stamp=stamp))
        self._check_names([file.loaded for file in self._files])

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(file.path for file in self._files)

    def pipelines(self) -> Sequence[Loaded]:
        """Return all pipelines of the files, as they are followed now."""
        return [each for file in self._files for each in file.loaded]

    def has_changed(self) -> bool:
        """Look at the files; True when one that is right says something else."""
        changed = [file for file in self._files if _stamp(file.path) != file.stamp]
        return sum(self._look(file) for file in changed) > 0  # every one is looked at

    def for_run(self, loaded: Loaded, schedule: Schedule) -> Loaded:
        """Return a pipeline as a run of one of its entries has it. ConfigError."""
        name, place = loaded.pipeline.name, (loaded.pipeline.name, schedule.entry)
        before = self._made.get(place, loaded)
        made = self._desk.load_entry(loaded.config, name, schedule, before=before, fires_after=self._since)
        self._made[place] = made
        return made

    def _look(self, file: _Watched) -> bool:
        file.stamp = _stamp(file.path)
        try:
            _check_kind(file.path)
            loaded = self._desk.load(file.path, self._settings, fires_after=self._since)
            if loaded[0].config.text == file.loaded[0].config.text:
                return False
            self._check_names([loaded if each is file else each.loaded for each in self._files])
        except UsageError as error:
            text = f"{file.path} cannot be used; the schedules go on with what it said before. {error}"
            self._notifier.tell(Notice(text=text, level=Level.ERROR))
            return False
        file.loaded = loaded
        self._notifier.tell(Notice(text=f"{file.path} has changed: from the next slot on it is as it says now"))
        return True

    def _check_names(self, files: Sequence[Sequence[Loaded]]) -> None:
        places: dict[str, Path] = {}
        for each in (each for loaded in files for each in loaded if each.pipeline.schedules):
            name, path = each.pipeline.name, each.config.path
            if name in places:
                raise UsageError(
                    f"{places[name]} and {path} both have a pipeline {name!r}; the history of the two would be one. "
                    "Give one of them another `name`"
                )
            places[name] = path


def _check_kind(path: Path) -> None:
    """UsageError for a pipe or a device, which might be waited for, and all schedules with it, for ever."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UsageError("It is no file, but a pipe or a device")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what differs when a file has changed; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
