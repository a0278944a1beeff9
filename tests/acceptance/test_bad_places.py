"""Full disks, missing folders, foreign and damaged stores, several crude-links at once: nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from acceptance.starting import Folder

TWO = "steps: [{name: one, command: echo one}, {name: two, command: 'echo two >> lines'}]\n"
HOLD = """
steps:
  - {name: one, command: 'echo talk; while [ ! -e go ]; do echo more; sleep 0.05; done'}
  - {name: two, command: echo two}
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Folder]:
    """A project on a disk of its own of 70 MB: below 50 nothing is begun."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=70m", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small disk")
    made = Folder.at(disk)
    try:
        yield made
    finally:
        made.end()
        made.wait_for_nobody()
        subprocess.run(["umount", str(disk)], check=True)


def fill(folder: Folder) -> Path:
    """Leave not a byte."""
    path = folder.directory / "filler"
    with path.open("wb") as file:
        try:
            while True:
                os.write(file.fileno(), bytes(1 << 16))
        except OSError:
            pass
    return path


def integrity(folder: Folder) -> str:
    with closing(sqlite3.connect(folder.home / "crude-link.db")) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def test_a_disk_that_is_full_before_the_run_is_said_and_nothing_begins(small: Folder) -> None:
    small.config(TWO)
    assert small.run("run").status == 0
    filler = fill(small)
    ended = small.run("run")
    assert ended.status in (2, 3)
    assert "full" in ended.err or "no room" in ended.err
    assert len(small.runs()) == 1
    assert small.run("show", "1").status == 0
    assert small.run("logs", "1").out.endswith("one\n")
    filler.unlink()
    assert small.run("run").status == 0


@pytest.mark.parametrize("how", ["head -c 200000000 /dev/zero > big", "yes 0123456789012345678901234567890123456789"])
def test_a_step_that_fills_the_disk_loses_nothing_that_was_there(small: Folder, how: str) -> None:
    small.config(TWO)
    assert small.run("run").status == 0
    small.config(f"""
steps:
  - {{name: one, command: echo one >> ones}}
  - {{name: fill, command: 'test -e ok || {how}', timeout: 20s}}
""")
    begun = small.start("run", "--no-prompt")
    assert begun.wait() in (1, 3)
    said = small.read("err")
    assert "no room" in said or "No space left" in said
    small.wait_for_nobody()
    big = small.directory / "big"
    if big.exists():
        big.unlink()
    (small.directory / "out").write_text("")
    shutil.rmtree(small.home / "runs" / "2" / "steps" / "fill", ignore_errors=True)
    assert integrity(small) == "ok"
    assert [run["id"] for run in small.runs()] == [2, 1]
    assert small.runs()[0]["status"] in ("failed", "lost")
    assert small.runs()[1]["status"] == "succeeded"
    small.write("ok", "")
    ended = small.run("resume")
    assert ended.status == 0, ended.err
    assert small.read("ones") == "one\n"


def test_a_full_disk_does_not_stop_the_schedule_for_ever(small: Folder) -> None:
    small.config("cron: {second: '*'}\nsteps: [{name: work, command: 'echo x >> /dev/null'}]\n")
    begun = small.start("--non-interactive", "--keep-running", "--log-file", str(small.directory.parent / "log"))
    log = Folder(small.directory.parent, small.environment)
    log.wait_for_text("log", "run 1 succeeded")
    filler = fill(small)
    log.wait_for_text("log", "full")
    filler.unlink()
    newest = small.runs()[0]["id"]
    log.wait_for_text("log", f"run {newest + 1} succeeded")
    begun.terminate()
    assert begun.wait() == 143


def test_the_folder_of_a_run_that_is_removed_under_it_is_said(folder: Folder) -> None:
    folder.config(HOLD)
    begun = folder.start("run", "--no-prompt")
    folder.wait_for_text("out", "talk")
    shutil.rmtree(folder.home / "runs" / "1")
    folder.write("go", "")
    assert begun.wait() in (0, 1, 3)
    assert "Traceback" not in folder.read("err")
    assert "should not have happened" not in folder.read("err")
    folder.wait_for_nobody()
    assert folder.run("runs").status == 0
    folder.config(TWO)
    assert folder.run("run").status == 0


def test_the_store_that_is_removed_under_a_run_is_said(folder: Folder) -> None:
    folder.config(HOLD)
    begun = folder.start("run", "--no-prompt")
    folder.wait_for_text("out", "talk")
    shutil.rmtree(folder.home)
    folder.write("go", "")
    assert begun.wait() == 3
    assert "removed" in folder.read("err")
    folder.wait_for_nobody()
    folder.config(TWO)
    assert folder.run("run").status == 0


def test_many_crude_links_in_one_directory_at_once_are_normal(folder: Folder) -> None:
    folder.config("steps:\n" + "".join(f"  - {{name: s{n}, command: echo s{n} >> lines}}\n" for n in range(5)))
    begun = [folder.start("run", "--no-prompt") for _ in range(8)]
    assert [each.wait() for each in begun] == [0] * 8
    assert sorted(run["id"] for run in folder.runs()) == list(range(1, 9))
    assert {run["status"] for run in folder.runs()} == {"succeeded"}
    assert sorted(folder.read("lines").split()) == sorted([f"s{n}" for n in range(5)] * 8)
    assert "locked" not in folder.read("err")


def test_a_run_that_somebody_works_on_is_not_resumed(folder: Folder) -> None:
    folder.config(HOLD)
    begun = folder.start("run")
    folder.wait_for_text("out", "talk")
    ended = folder.run("resume")
    assert ended.status == 3
    assert f"pid {begun.pid}" in ended.err
    folder.write("go", "")
    assert begun.wait() == 0


def test_a_store_of_a_newer_crude_link_is_left_alone(folder: Folder) -> None:
    folder.config(TWO)
    assert folder.run("run").status == 0
    database = folder.home / "crude-link.db"
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 9999")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    before = database.read_bytes()
    for words in (("run",), ("runs",), ("show",), ("resume",), ("--non-interactive",), ("clean", "--yes")):
        ended = folder.run(*words)
        assert ended.status == 3, words
        assert "newer crude-link" in ended.err
    assert database.read_bytes() == before
    assert folder.read("lines") == "two\n"


@pytest.mark.parametrize("damage", ["header", "pages", "empty text"])
def test_a_damaged_store_is_said_and_the_logs_stay(folder: Folder, damage: str) -> None:
    folder.config(TWO)
    assert folder.run("run").status == 0
    database = folder.home / "crude-link.db"
    data = bytearray(database.read_bytes())
    match damage:
        case "header":
            data[:100] = b"x" * 100
        case "pages":
            data[100:] = b"\xff" * (len(data) - 100)
        case _:
            data[:] = b"this was never a database\n" * 500
    database.write_bytes(data)
    for words in (("run",), ("runs",), ("resume",), ("show",)):
        ended = folder.run(*words)
        assert ended.status == 3, (words, ended)
        assert "damaged" in ended.err
        assert str(database) in ended.err
    assert folder.read("lines") == "two\n"
    (folder.directory / "aside").mkdir()
    for path in folder.home.glob("crude-link.db*"):
        path.rename(folder.directory / "aside" / path.name)
    assert folder.run("run").status == 0
    assert folder.runs()[0]["id"] == 2
    assert (folder.home / "runs" / "1" / "steps" / "one" / "1.stdout").read_text() == "one\n"


def test_crude_link_home_moves_the_store(folder: Folder) -> None:
    folder.config(TWO)
    elsewhere = folder.directory.parent / "elsewhere"
    env = {"CRUDE_LINK_HOME": str(elsewhere)}
    assert folder.run("run", env=env).status == 0
    assert not folder.home.exists()
    assert (elsewhere / "crude-link.db").exists()
    assert "succeeded" in folder.run("runs", env=env).out
    assert folder.run("runs").status in (0, 2)
    assert elsewhere.stat().st_mode & 0o777 == 0o700


def test_the_home_is_for_its_owner_only_and_git_ignores_it(folder: Folder) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder.directory, check=True)
    folder.config(TWO)
    assert folder.run("run").status == 0
    assert folder.home.stat().st_mode & 0o777 == 0o700
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=folder.directory, check=True, capture_output=True, text=True
    ).stdout
    assert ".crude-link" not in status


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Folder]:
    """A project with one run on a disk that is then made read-only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a disk")
    made = Folder.at(disk)
    made.config("steps: [{name: one, command: echo one}]\n")
    try:
        assert made.run("run").status == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield made
    finally:
        made.end()
        made.wait_for_nobody()
        subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_directory_can_be_looked_at_and_says_why_nothing_runs(read_only: Folder) -> None:
    ended = read_only.run("run")
    assert ended.status == 3
    assert "read-only" in ended.err
    assert "succeeded" in read_only.run("runs").out
    assert read_only.run("logs").out.endswith("one\n")
    assert read_only.run("show").status == 0
    elsewhere = read_only.run("run", env={"CRUDE_LINK_HOME": str(read_only.directory.parent / "home")})
    assert elsewhere.status == 0, elsewhere.err


def test_a_log_that_cannot_be_opened_ends_it_before_anything_is_run(folder: Folder) -> None:
    folder.config("cron: {second: 0}\nsteps: [{name: talk, command: 'touch done'}]\n")
    for log in (".", "config.yaml/today.log"):
        ended = folder.run("--non-interactive", "--log-file", log)
        assert ended.status == 2
        assert f"the log {log} cannot be opened" in ended.err
        assert ended.err.count("\n") == 1
    assert not (folder.directory / "done").exists()
