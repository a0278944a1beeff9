"""Landing: files come to a local folder aside, and take their place when they are whole."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crude_link.model.words import size_words
from crude_link.storage.failures import DiskIsFull, TransferError
from crude_link.storage.local import LocalFile, Remark, is_inside, listed
from crude_link.storage.names import PARTS


class Landing:
    """A local folder, to which files come. What was left behind by a transfer that was killed is removed."""

    def __init__(self, folder: Path, parts: str = PARTS) -> None:
        self.folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._root = os.path.realpath(folder)
            #: Folders that are inside; to look at each for each of its files would take longer than a rename.
            self._known = {folder}
            self.parts = folder / parts
            self._remove_parts()
            self.parts.mkdir()

    def part(self, number: int) -> Path:
        """Return where a file may be written aside."""
        return self.parts / str(number)

    def place(self, part: Path, name: str) -> LocalFile:
        """Give a file that is whole its name. TransferError when it would leave the folder through a link."""
        target = self.folder / name
        with disk_errors(target):
            self._make_folders(target.parent, name)
            if target.is_dir() and not target.is_symlink():
                raise TransferError(f"{target} is a folder here, and a file in the store: move it away")
            part.replace(target)
            return LocalFile.of(target.stat())

    def make_folder(self, name: str) -> None:
        """Make an empty folder."""
        with disk_errors(self.folder / name):
            self._make_folders(self.folder / name, name)

    def remove(self, name: str) -> None:
        """Remove a file, and the folders that are empty then."""
        target = self.folder / name
        with disk_errors(target):
            if is_inside(os.path.realpath(target.parent), self._root):
                target.unlink(missing_ok=True)
                self._remove_empty(target.parent)

    def need_room(self, size: int) -> None:
        """Raise DiskIsFull when so many bytes do not fit."""
        free = shutil.disk_usage(self.folder).free
        if size > free:
            raise DiskIsFull(
                f"{size_words(size)} are to come to {self.folder}, and its disk has room for {size_words(free)}."
                " Make room, or fetch fewer files (`include`, `exclude`)."
            )

    def close(self) -> None:
        """Remove what is aside."""
        self._remove_parts()

    def _make_folders(self, folder: Path, name: str) -> None:
        if folder in self._known:
            return
        existing = folder
        while not existing.exists() and not existing.is_symlink():
            existing = existing.parent
        if not is_inside(os.path.realpath(existing), self._root):
            raise TransferError(f"{name!r} would leave {self.folder}: {existing} is a symbolic link that leads out")
        folder.mkdir(parents=True, exist_ok=True)
        self._known.add(folder)

    def _remove_parts(self) -> None:
        if self.parts.is_symlink() or self.parts.is_file():
            self.parts.unlink()
        shutil.rmtree(self.parts, ignore_errors=True)

    def _remove_empty(self, folder: Path) -> None:
        while folder != self.folder:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def clean(folder: Path, remark: Remark) -> None:
    """Remove the files of earlier runs from a folder."""
    if not folder.is_dir():
        return
    landing = Landing(folder)
    names = list(listed(folder))
    for name in names:
        landing.remove(name)
    landing.close()
    if names:
        remark(f"removed {len(names):,} file{'' if len(names) == 1 else 's'} of earlier runs from {folder}")


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk says of a path into a TransferError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskIsFull(f"no room is left on the disk for {path}: {error.strerror}") from error
        raise TransferError(f"{path}: {error.strerror}") from error
