"""Targets: what one file instead of a folder is called on the other side."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def names_the_file(target: str, name: str) -> bool:
    """True when a target is meant to be the file itself, not a folder for it.

    It is when its last part has the file's own name or its ending; `data/in/`, with a slash, is always a folder.
    """
    if target.endswith("/"):
        return False
    last = PurePosixPath(target)
    ending = PurePosixPath(name).suffix
    return last.name == name or (bool(ending) and last.suffix == ending)


def local_file(target: str, name: str, base: Path) -> Path:
    """Return the path of a file `name` that is fetched to `target`."""
    path = base / target
    if names_the_file(target, name) and not path.is_dir():
        return path
    return path / name
