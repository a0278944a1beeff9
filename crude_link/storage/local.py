"""Local folders: the files in one, as they are listed, and whether a place in one really is inside."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crude_link.storage.names import PARTS

#: Where a project keeps its records, which change as they are read.
RECORDS = ".crude-link"

Remark = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFile:
    """What a listing knows of a local file: enough to tell whether it was written since."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> LocalFile:
        """Return what is known from a stat."""
        return cls(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino)


def listed(folder: Path, remark: Remark = lambda _: None) -> dict[str, LocalFile]:
    """Return the files below a folder by name; none when there is no such folder, itself when it is a file.

    Symbolic links are followed as long as they stay in the folder; what is left out is remarked.
    """
    return dict(each_listed(folder, remark))


def each_listed(folder: Path, remark: Remark = lambda _: None) -> Iterator[tuple[str, LocalFile]]:
    """Yield what `listed` returns, as it is found."""
    root = os.path.realpath(folder)
    if os.path.isfile(root):  # noqa: PTH113 (beside what is all strings)
        yield folder.name, LocalFile.of(folder.stat())
    else:
        for name, status in _walk(root, "", root, (root,), remark):
            yield name, LocalFile.of(status)


def write_listing(path: Path, folders: Mapping[str, Mapping[str, LocalFile]]) -> None:
    """Write what some folders hold, for `read_listing`; a listing that is there already stays."""
    if path.exists():
        return
    data = {
        folder: {name: (file.size, file.mtime_ns, file.inode) for name, file in files.items()}
        for folder, files in folders.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.part")
    # Names that are not UTF-8 come and go as surrogate escapes, which JSON spells in ASCII.
    aside.write_text(json.dumps(data), encoding="ascii")
    aside.replace(path)


def read_listing(path: Path, folder: str) -> dict[str, LocalFile]:
    """Return what a folder held when the listing was written; nothing when it was not listed."""
    try:
        data = json.loads(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return {}
    return {
        name: LocalFile(size=size, mtime_ns=mtime_ns, inode=inode)
        for name, (size, mtime_ns, inode) in data.get(folder, {}).items()
    }


def folders_listed(path: Path) -> frozenset[str]:
    """Return the folders that a listing is about; none when there is no such listing."""
    try:
        return frozenset(json.loads(path.read_text(encoding="ascii")))
    except FileNotFoundError:
        return frozenset()


def is_inside(path: str, root: str) -> bool:
    """True when a path without symbolic links is a root, or below it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def tells_case(path: Path) -> bool:
    """True when the file system of something that exists, with letters in its name, tells `A` from `a`."""
    return not path.with_name(path.name.upper()).exists()


def _walk(
    folder: str, prefix: str, root: str, trail: tuple[str, ...], remark: Remark
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield names and stats below a folder; `trail` is the real paths of the folders that it is in."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        name = prefix + entry.name
        if entry.name.startswith(PARTS):
            continue
        if entry.name == RECORDS:
            remark(f"{name!r} is left out: it holds the records of runs")
            continue
        real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
        if entry.is_symlink() and not is_inside(real, root):
            remark(f"{name!r} is left out: it is a symbolic link that leads out of the folder")
            continue
        try:
            status = entry.stat()
        except OSError as error:
            remark(f"{name!r} is left out: {error.strerror}")
            continue
        if stat.S_ISREG(status.st_mode):
            yield name, status
        elif not stat.S_ISDIR(status.st_mode):
            remark(f"{name!r} is left out: it is no file")
        elif (real_folder := os.path.realpath(real)) in trail:
            remark(f"{name!r} is left out: it is a symbolic link to a folder that it is in")
        else:
            yield from _walk(entry.path, f"{name}/", root, (*trail, real_folder), remark)
