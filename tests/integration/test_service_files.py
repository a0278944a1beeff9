"""The files of services on a real disk, and systemd's own opinion of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from service_examples import SERVICE

from crude_link.errors import CrudeLinkError, UsageError
from crude_link.model.service import Service
from crude_link.service.files import Change, check_place, check_removal, services_of, write_service
from crude_link.service.systemd import SystemdManager

#: Names that mean something to systemd, to a shell or to a pattern.
ODD = ["with space", "50%h", "a$b", "it's", 'say "x"', "back\\slash", "é漢", "[a]*", "tail ", "end\\", "tab\there"]


class Systemctl:
    """A systemd that does what it is told, or one that cannot be reached."""

    def __init__(self) -> None:
        self.is_reachable = True
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, words: Sequence[str]) -> str:
        self.asked.append(tuple(words))
        if not self.is_reachable:
            raise CrudeLinkError("Failed to connect to bus")
        return "ActiveState=active\nUnitFileState=enabled\n" if "show" in words else ""


@pytest.fixture
def systemctl() -> Systemctl:
    return Systemctl()


@pytest.fixture
def manager(tmp_path: Path, systemctl: Systemctl) -> SystemdManager:
    return SystemdManager(tmp_path / "config" / "systemd" / "user", "ada", systemctl)


def test_a_service_is_found_again_by_its_project(manager: SystemdManager) -> None:
    assert write_service(manager, SERVICE) == (Change.WRITTEN, ())
    (found,) = services_of(manager, SERVICE.project)
    assert found.name == "demo"
    assert found.argv == SERVICE.argv
    assert found.environment == SERVICE.environment
    assert found.environment_file == SERVICE.environment_file
    assert found.umask == SERVICE.umask
    assert not services_of(manager, Path("/elsewhere"))


def test_writing_the_same_changes_nothing(manager: SystemdManager) -> None:
    write_service(manager, SERVICE)
    before = manager.path("demo").stat()
    assert write_service(manager, SERVICE) == (Change.SAME, ())
    assert manager.path("demo").stat() == before


def test_writing_another_says_what_changed(manager: SystemdManager) -> None:
    write_service(manager, SERVICE)
    change, lines = write_service(manager, replace(SERVICE, umask=0o022))
    assert (change, lines) == (Change.CHANGED, ["-UMask=0027", "+UMask=0022"])


def test_the_file_can_be_read_by_its_owner_only(manager: SystemdManager) -> None:
    write_service(manager, SERVICE)
    assert manager.path("demo").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in manager.path("demo").parent.iterdir()] == ["crude-link-demo.service"]


def test_a_file_that_somebody_else_wrote_stays(manager: SystemdManager) -> None:
    path = manager.path("demo")
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\nExecStart=/bin/true\n")
    with pytest.raises(UsageError, match=r"not written by `schedule install` and stays.*--name"):
        check_place(manager, SERVICE)
    with pytest.raises(UsageError, match="not written by"):
        check_removal(manager, "demo", SERVICE.project)


def test_a_file_that_was_edited_stays(manager: SystemdManager) -> None:
    write_service(manager, SERVICE)
    path = manager.path("demo")
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(UsageError, match=r"was edited since.*systemctl --user edit"):
        check_place(manager, SERVICE)


def test_the_service_of_another_project_stays(manager: SystemdManager) -> None:
    write_service(manager, SERVICE)
    other = replace(SERVICE, project=Path("/home/ada/other"))
    with pytest.raises(UsageError, match="is the service of /home/ada/my project"):
        check_place(manager, other)
    with pytest.raises(UsageError, match="remove it from there"):
        check_removal(manager, "demo", other.project)


def test_a_project_has_one_service(manager: SystemdManager) -> None:
    write_service(manager, SERVICE)
    with pytest.raises(UsageError, match=r"has a service already.*--name demo"):
        check_place(manager, replace(SERVICE, name="second"))


def test_a_file_beside_the_unit_is_read_too(manager: SystemdManager) -> None:
    write_service(manager, SERVICE)
    beside = manager.path("demo").with_name("crude-link-demo.service.d")
    beside.mkdir()
    (beside / "mine.conf").write_text('[Service]\nEnvironment="DATA=/mine" MORE=1\n')
    found = manager.read(manager.path("demo"))
    assert found is not None
    assert found.environment == {"PATH": "/usr/bin:/bin", "DATA": "/mine", "MORE": "1"}


def test_a_service_is_enabled_and_started(manager: SystemdManager, systemctl: Systemctl) -> None:
    doings = manager.take_in("demo", start=True)
    assert doings.done == ("enabled crude-link-demo.service, and started it",)
    assert [" ".join(words) for words in systemctl.asked] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable --now crude-link-demo.service",
    ]


def test_where_systemd_cannot_be_reached_the_commands_are_left_to_the_person(
    manager: SystemdManager, systemctl: Systemctl
) -> None:
    systemctl.is_reachable = False
    doings = manager.take_in("demo", start=True)
    assert not doings.done
    assert doings.left[0][0] == (
        "systemctl --user daemon-reload && systemctl --user enable --now crude-link-demo.service"
    )
    assert manager.standing("demo").is_active is None


@pytest.mark.parametrize("is_reachable", [True, False])
def test_taking_a_service_out_removes_its_file_and_its_links_only(
    manager: SystemdManager, systemctl: Systemctl, is_reachable: bool
) -> None:
    systemctl.is_reachable = is_reachable
    write_service(manager, SERVICE)
    path = manager.path("demo")
    wants = path.parent / "default.target.wants"
    wants.mkdir()
    (wants / path.name).symlink_to(path)
    (wants / "other.service").symlink_to("/bin/true")
    (path.parent / "crude-link-other.service").write_text("")
    manager.take_out("demo")
    left = {each.name for each in path.parent.rglob("*")}
    # A systemctl that is reached removes the link itself.
    assert left - {path.name} == {"default.target.wants", "other.service", "crude-link-other.service"}
    assert not path.exists()
    assert is_reachable or not (wants / path.name).is_symlink()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("name", ["plain", *ODD])
def test_systemd_finds_nothing_wrong_with_a_unit(manager: SystemdManager, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    interpreter = folder / "python"
    interpreter.symlink_to(sys.executable)
    service: Service = replace(
        SERVICE,
        project=folder,
        argv=(str(interpreter), "-c", name, "a b", "$HOME", "100%"),
        environment={"X": name, "LINES": "one\ntwo"},
        environment_file=folder / "x.env",
    )
    write_service(manager, service)
    found = manager.read(manager.path("demo"))
    assert found is not None
    assert found.project == folder
    assert found.argv[-5:] == service.argv[1:]
    ended = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(manager.path("demo"))],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    # It looks at other units of the machine too, whose faults are not ours.
    assert [line for line in ended.stderr.splitlines() if "crude-link" in line] == []
