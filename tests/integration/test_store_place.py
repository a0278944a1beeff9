"""Where a project and its store are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crude_link.store.place import file_system, find_project, is_network


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_project_is_where_one_starts(tmp_path: Path) -> None:
    project = find_project(tmp_path, {})
    assert (project.directory, project.home) == (tmp_path, tmp_path / ".crude-link")
    assert project.database == tmp_path / ".crude-link" / "crude-link.db"


def test_the_nearest_directory_above_with_a_store_is_the_project(tmp_path: Path) -> None:
    make(tmp_path / ".crude-link")
    make(tmp_path / "a" / ".crude-link")
    start = make(tmp_path / "a" / "b" / "c")
    assert find_project(start, {}).directory == tmp_path / "a"


def test_a_store_at_or_above_the_home_of_the_user_is_not_looked_at(tmp_path: Path) -> None:
    make(tmp_path / ".crude-link")
    start = make(tmp_path / "ada" / "work")
    assert find_project(start, {"HOME": str(tmp_path / "ada")}).directory == start
    assert find_project(start, {"HOME": str(tmp_path)}).directory == start
    assert find_project(start, {"HOME": "/elsewhere"}).directory == tmp_path


def test_a_home_behind_a_link_is_known_too(tmp_path: Path) -> None:
    start = make(tmp_path / "disk" / "ada" / "work")
    make(tmp_path / "disk" / "ada" / ".crude-link")
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    assert find_project(start, {"HOME": str(tmp_path / "home" / "ada")}).directory == start


def test_who_starts_at_home_may_have_a_store_there(tmp_path: Path) -> None:
    make(tmp_path / ".crude-link")
    assert find_project(tmp_path, {"HOME": str(tmp_path)}).directory == tmp_path


def test_a_store_behind_a_mount_border_is_not_looked_at() -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == Path("/dev").stat().st_dev:
        pytest.skip("there is no mount to try")
    assert find_project(shared, {}).directory == shared


def test_a_store_of_another_user_is_not_looked_at(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(make(tmp_path / ".crude-link"), 12345, 12345)
    start = make(tmp_path / "work")
    assert find_project(start, {}).directory == start


def test_a_variable_moves_the_store_only(tmp_path: Path) -> None:
    project = find_project(tmp_path, {"CRUDE_LINK_HOME": "/var/store"})
    assert (project.directory, project.home) == (tmp_path, Path("/var/store"))
    assert find_project(tmp_path, {"CRUDE_LINK_HOME": "here"}).home == tmp_path / "here"
    assert find_project(tmp_path, {"CRUDE_LINK_HOME": ""}).home == tmp_path / ".crude-link"


def test_the_file_system_of_a_path_is_that_of_the_innermost_mount(tmp_path: Path) -> None:
    if not Path("/proc/self/mounts").exists():
        pytest.skip("only Linux tells its mounts")
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(tmp_path / "not" / "there") == file_system(tmp_path)
    assert not is_network(tmp_path)
