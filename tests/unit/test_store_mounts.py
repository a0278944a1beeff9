"""Which file system a path lies on, by the kernel's list of mounts."""

from __future__ import annotations

import pytest

from crude_link.store.place import file_system_in

MOUNTS = r"""overlay / overlay rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/ada/fast xfs rw 0 0
//nas/data /mnt/my\040data cifs rw 0 0
tmpfs /covered tmpfs rw 0 0
ada@thor:/ /covered fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/", "overlay"),
        ("/work/project", "overlay"),
        ("/home/ada", "nfs4"),
        ("/home", "nfs4"),
        ("/homework", "overlay"),
        ("/home/ada/fast/project", "xfs"),
        ("/mnt/my data/project", "cifs"),
        ("/covered/project", "fuse.sshfs"),
    ],
)
def test_the_innermost_and_newest_mount_counts(place: str, kind: str) -> None:
    assert file_system_in(MOUNTS, place) == kind


def test_without_a_mount_nothing_is_known() -> None:
    assert file_system_in("", "/work") is None
