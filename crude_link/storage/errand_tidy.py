"""Errand tidying: what of a task's files is removed when it has ended, and what stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from crude_link.storage.errand_state import ErrandState, files_at
from crude_link.storage.local import LocalFile, Remark, is_inside

#: So many names of what nobody asked for are told.
_MOST = 10


def tidy(state: ErrandState, done: Mapping[str, LocalFile], kept: Collection[str]) -> None:
    """Remove files that were fetched or brought, as long as they are as they were then, and what is empty then.

    What lay there before the task, what was changed since, and what is to be `kept` stays.
    """
    folders = set(state.places)
    for path, file in done.items():
        if path not in kept and state.is_of_task(path, file) and _file_at(path) == file:
            Path(path).unlink(missing_ok=True)
            folders.add(os.path.dirname(path))  # noqa: PTH120 (beside what is all strings)
    for folder in sorted(folders, key=len, reverse=True):
        _remove_empty(folder, state.absent)


def remove_own(state: ErrandState, done: Mapping[str, LocalFile], kept: Collection[str], remark: Remark) -> None:
    """Remove the folders of a task's own that has succeeded whole, and say what was in them besides."""
    for own in state.absent:
        path = Path(own)
        if path.is_symlink() or not path.is_dir() or any(is_inside(each, own) for each in kept):
            continue
        others = sorted(os.path.relpath(each, own) for each in files_at([own]) if each not in done)
        if others:
            remark(f"removed with {_shown(path)}, neither fetched nor brought: {_names(others)}")
        shutil.rmtree(path, onerror=lambda _call, name, error: remark(f"{name} stays: {error[1]}"))


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
