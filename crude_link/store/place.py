"""Project: the directory in which paths start, and the home of its store."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HOME_NAME = ".crude-link"
HOME_VARIABLE = "CRUDE_LINK_HOME"

#: Here the locks of SQLite and the memory that its connections share cannot be trusted.
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "ncpfs"}
_NETWORK_FUSE = {
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.s3fs",
    "fuse.rclone",
    "fuse.gcsfuse",
    "fuse.juicefs",
}
#: Here an flock is seen by all who see the file.
_LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "bcachefs", "ramfs", "reiserfs"}
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """Where a project is and where its store lives."""

    #: All relative paths of a config file start here.
    directory: Path
    home: Path

    @property
    def has_own_home(self) -> bool:
        """True when the store's home is the folder of that name in the project, which nothing else uses."""
        return self.home == self.directory / HOME_NAME

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / "crude-link.db"

    @property
    def runs(self) -> Path:
        """The folder that holds a folder for each run."""
        return self.home / "runs"


def find_project(start: Path, environment: Mapping[str, str]) -> Project:
    """Return the project of `start`: there, or the nearest directory above that holds a `.crude-link/`.

    Directories at or above `$HOME`, behind a mount border, or whose `.crude-link/` is another user's are not
    looked at. `CRUDE_LINK_HOME` says where the store lives instead.
    """
    start = Path(os.path.abspath(start))  # noqa: PTH100  # a link stays as the person wrote it
    directory = next(_holders(start, environment.get("HOME")), start)
    elsewhere = environment.get(HOME_VARIABLE)
    home = start / Path(elsewhere).expanduser() if elsewhere else directory / HOME_NAME
    return Project(directory=directory, home=home)


def is_network(path: Path) -> bool:
    """True when `path` lies on another machine's file system."""
    kind = file_system(path)
    return kind in _NETWORK or kind in _NETWORK_FUSE


def is_local(path: Path) -> bool:
    """True when `path` surely lies on a file system of this machine."""
    return file_system(path) in _LOCAL


def file_system(path: Path) -> str | None:
    """Return the type of the file system of `path`, as the kernel names it; None where it cannot be known."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    return file_system_in(mounts, os.path.realpath(path))


def file_system_in(mounts: str, place: str) -> str | None:
    """Return the type of the file system of a real path by the text of `/proc/self/mounts`."""
    best, kind = "", None
    for line in mounts.splitlines():
        _, written, name, *_ = line.split(" ")
        mount = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), written)
        inside = place == mount or place.startswith(mount.rstrip("/") + "/")
        # A later mount at the same place hides the earlier one.
        if inside and len(mount) >= len(best):
            best, kind = mount, name
    return kind


def _holders(start: Path, home: str | None) -> Iterator[Path]:
    if _directory(start / HOME_NAME):
        yield start
    # The way that the shell shows and the one without links.
    homes = [Path(home), Path(home).resolve()] if home else []
    border = _directory(start)
    for folder in start.parents:
        if any(each.is_relative_to(folder) for each in homes):
            return
        here = _directory(folder)
        if border is None or here is None or here.st_dev != border.st_dev:
            return
        held = _directory(folder / HOME_NAME)
        if held and held.st_uid == os.getuid():
            yield folder


def _directory(path: Path) -> os.stat_result | None:
    """Return what is known of a directory; None when it is none, or may not be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found if stat.S_ISDIR(found.st_mode) else None
