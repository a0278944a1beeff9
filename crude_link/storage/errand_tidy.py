"""Errand tidying: what of a task's files is removed when it has ended, and what stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from crude_link.storage.errand_order import ErrandOrder
from crude_link.storage.errand_state import ErrandState, Files, files_at
from crude_link.storage.local import LocalFile, Remark, is_inside

#: So many names of what nobody asked for are told.
_MOST = 10


class Tidier:
    """Removes what a task fetched or brought, and nothing that is behind a link out of where its places begin."""

    def __init__(self, order: ErrandOrder, state: ErrandState, remark: Remark) -> None:
        self._state = state
        self._remark = remark
        self._places = order.places
        self._roots = {os.path.realpath(leg.own.parent) for leg in order.legs}
        self._keepers = [str(leg.local) for leg in order.legs if leg.keep]

    def remove_files(self, done: Files) -> None:
        """Remove files that were fetched or brought, as long as they are as they were then, and what is empty then.

        What lay there before the task, what was changed since, and what is to be kept stays.
        """
        folders = set(self._places)
        for path, file in done.items():
            if not self._is_kept(path) and self._state.is_of_task(path, file) and _file_at(path) == file:
                folder = os.path.dirname(path)  # noqa: PTH120 (beside what is all strings)
                if not any(is_inside(os.path.realpath(folder), root) for root in self._roots):
                    self._remark(f"{path} stays: it is behind a symbolic link")
                    continue
                Path(path).unlink(missing_ok=True)
                folders.add(folder)
        for folder in sorted(folders, key=len, reverse=True):
            _remove_empty(folder, self._state.absent)

    def remove_folders(self, done: Files) -> None:
        """Remove the folders of the task's own whole, and say what was in them besides."""
        for own in self._state.absent:
            path = Path(own)
            if (
                path.is_symlink()
                or not path.is_dir()
                or any(is_inside(each, own) and self._is_kept(each) for each in done)
            ):
                continue
            others = sorted(os.path.relpath(each, own) for each in files_at([own]) if each not in done)
            if others:
                self._remark(f"removed with {_shown(path)}, neither fetched nor brought: {_names(others)}")
            shutil.rmtree(path, ignore_errors=True)
            if path.exists():
                self._remark(f"not all of {_shown(path)} could be removed")

    def _is_kept(self, path: str) -> bool:
        return any(is_inside(path, place) for place in self._keepers)


def _file_at(path: str) -> LocalFile | None:
    with suppress(OSError):
        return LocalFile.of(os.stat(path))  # noqa: PTH116 (beside what is all strings)
    return None


def _remove_empty(folder: str, absent: Iterable[str]) -> None:
    """Remove a folder, and those that it is in, while they are empty and the task's own."""
    owns = list(absent)
    while any(is_inside(folder, own) for own in owns):
        try:
            os.rmdir(folder)  # noqa: PTH106 (beside what is all strings)
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = os.path.dirname(folder)  # noqa: PTH120 (as above)


def _shown(path: Path) -> str:
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
