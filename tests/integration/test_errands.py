"""What a task's transfers leave, by the program itself: killed at any moment, and where places differ."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import crude_link
from crude_link.storage.errand_order import read_errand
from crude_link.storage.errand_places import Places
from crude_link.storage.failures import TransferError

PACKAGE = Path(crude_link.__file__).parent
HEAD = (sys.executable, str(PACKAGE / "agent" / "around.py"), str(PACKAGE / "storage" / "errand.py"))


@dataclass
class Task:
    """A task in a folder, with far folders beside it; `end` is what its program ends with."""

    folder: Path
    legs: list[dict[str, Any]] = field(default_factory=list)

    def leg(self, kind: str, remote: str, local: str, **more: object) -> None:
        order = {"kind": kind, "remote": str(self.folder / remote), "local": str(self.folder / local)}
        own = str(self.folder / "work/1")
        names = ("keep", "always", "claim")
        of_leg = {name: value for name, value in more.items() if name in names}
        self.legs.append(
            {"order": {**order, **{n: v for n, v in more.items() if n not in names}}, "own": own, **of_leg}
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, program: str, task: int = 1) -> subprocess.Popen[bytes]:
        order = {"task": task, "notes": "notes", "locks": "locks", "legs": self.legs}
        argv = [*HEAD, json.dumps(order), "--", "sh", "-ec", program]
        out = (self.folder / "out").open("ab")
        return subprocess.Popen(argv, cwd=self.folder, stdout=out, stderr=out, start_new_session=True)

    def run(self, program: str, task: int = 1) -> int:
        return self.start(program, task).wait(timeout=60)

    def here(self, place: str = "work") -> dict[str, str]:
        root = self.folder / place
        return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}

    @property
    def said(self) -> str:
        return (self.folder / "out").read_text()


@pytest.fixture
def task(tmp_path: Path) -> Task:
    made = Task(tmp_path)
    made.write("far/in/a.txt", "one")
    made.write("far/in/sub/b.txt", "two")
    made.leg("download", "far/in", "work/1/in")
    made.leg("upload", "far/out", "work/1/out")
    return made


MAKE = "mkdir -p work/1/out; cat work/1/in/a.txt work/1/in/sub/b.txt > work/1/out/all.txt"


def test_a_folder_is_fetched_and_what_was_made_of_it_brought(task: Task) -> None:
    assert task.run(MAKE) == 0
    assert task.here("far/out") == {"all.txt": "onetwo"}
    assert list((task.folder / "work").iterdir()) == []
    assert list((task.folder / "notes").iterdir()) == list((task.folder / "locks").iterdir()) == []


@pytest.mark.parametrize("moment", ["touch ready; sleep 60", f"{MAKE}; touch ready; sleep 60"])
def test_what_a_killed_try_left_is_known_to_the_next(task: Task, moment: str) -> None:
    process = task.start(moment)
    while not (task.folder / "ready").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert set(task.here()) >= {"1/in/a.txt", "1/in/sub/b.txt"}
    assert task.run("exit 3") == 3
    assert set(task.here()) <= {"1/out/all.txt"}
    assert task.run(MAKE) == 0
    assert task.here("far/out") == {"all.txt": "onetwo"}
    assert list((task.folder / "work").iterdir()) == []


def test_a_try_that_was_killed_as_it_fetched_is_tidied_up_after(task: Task) -> None:
    state: dict[str, object] = {"before": {}, "absent": [str(task.folder / "work/1")], "fetched": None, "made": None}
    places = [leg["order"]["local"] for leg in task.legs]
    task.write("notes/1.json", json.dumps({"places": places, **state}))
    task.write("work/1/in/a.txt", "one")
    task.write("work/1/in/.crude-link-parts/1", "hal")
    assert task.run("exit 3") == 3
    assert task.here() == {}
    assert task.run(MAKE) == 0
    assert task.here("far/out") == {"all.txt": "onetwo"}


def test_a_file_that_the_program_changed_is_a_result(task: Task) -> None:
    task.legs.clear()
    task.leg("download", "far/in", "work/1/in")
    assert task.run("echo changed > work/1/in/a.txt") == 0
    assert task.here() == {"1/in/a.txt": "changed\n"}


def test_what_was_fetched_and_not_changed_is_not_brought(task: Task) -> None:
    task.legs.clear()
    task.leg("download", "far/in", "work/1")
    task.leg("upload", "far/out", "work/1", stale="upload")
    assert task.run("echo changed > work/1/a.txt; echo new > work/1/sub/c.txt") == 0
    assert task.here("far/out") == {"a.txt": "changed\n", "sub/c.txt": "new\n"}
    assert task.here() == {}


def test_a_place_is_cleaned_once_and_not_before_every_try(task: Task) -> None:
    task.legs[1]["order"]["stale"] = "clean"
    task.write("work/1/out/old.txt", "of another run")
    assert task.run("echo 1 > work/1/out/first; exit 3") == 3
    assert task.here() == {"1/out/first": "1\n"}
    assert task.run(MAKE) == 0
    assert task.here("far/out") == {"all.txt": "onetwo", "first": "1\n"}


def test_a_program_that_made_nothing_fails_and_runs_again(task: Task) -> None:
    assert task.run("true") == 1
    assert "nothing to upload" in task.said
    assert task.here() == {}
    assert task.run(MAKE) == 0


def test_a_task_of_another_number_cannot_have_a_claimed_place(task: Task) -> None:
    task.legs[1]["claim"] = True
    assert task.run(f"{MAKE}; exit 3") == 3
    assert task.run(MAKE, task=2) == 1
    assert "is where task 1 has its files" in task.said
    assert task.here() == {"1/out/all.txt": "onetwo"}
    assert task.run(MAKE, task=1) == 0
    assert task.run(MAKE, task=2) == 0


@pytest.mark.parametrize(("first", "second"), [("work/a", "work/a/b"), ("work/a/b/c", "work/a")])
def test_no_place_can_be_in_one_that_another_task_has(tmp_path: Path, first: str, second: str) -> None:
    one, two = places(tmp_path, 1, first), places(tmp_path, 2, second)
    one.take(print)
    with pytest.raises(TransferError, match="is where task 1 has its files"):
        two.take(print)
    beside = places(tmp_path, 3, "work/ab")
    beside.take(print)
    one.give_up()
    two.take(print)
    two.give_up()
    beside.give_up()
    assert [path for path in (tmp_path / "notes/claims").rglob("*") if path.is_symlink()] == []


def test_a_task_can_have_a_place_in_one_of_its_own(tmp_path: Path) -> None:
    places(tmp_path, 1, "work/a", "work/a/out").take(print)


def test_what_was_left_of_a_claim_keeps_nobody_from_its_place(tmp_path: Path) -> None:
    killed = places(tmp_path, 1, "work/a/b/c")
    killed.take(print)
    for claim in [path for path in (tmp_path / "notes/claims").rglob("*") if path.is_symlink()]:
        claim.unlink()
    places(tmp_path, 2, "work/a").take(print)


def places(folder: Path, task: int, *local: str) -> Places:
    legs = [
        {"order": {"kind": "upload", "remote": "far", "local": str(folder / each)}, "own": each, "claim": True}
        for each in local
    ]
    order = {"task": task, "notes": str(folder / "notes"), "locks": str(folder / "locks"), "legs": legs}
    return Places(read_errand(json.dumps(order), {}))


@pytest.mark.parametrize(
    ("program", "ends"),
    [("exit 75", 75), ("kill -TERM $$", -signal.SIGTERM), ("kill -KILL $$", -signal.SIGKILL), ("exit 255", 255)],
)
def test_it_ends_as_its_program_ends(task: Task, program: str, ends: int) -> None:
    assert task.run(program) == ends
    assert task.here() == {}


def test_a_program_that_is_not_there_is_named(task: Task) -> None:
    order = {"task": 1, "notes": "notes", "locks": "locks", "legs": task.legs}
    argv = [*HEAD, json.dumps(order), "--", "no-such-program", "x"]
    ended = subprocess.run(argv, cwd=task.folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 127
    assert "no such program: no-such-program" in ended.stderr
    assert task.here() == {}


def test_a_place_that_cannot_be_read_fails_the_task_in_words(task: Task) -> None:
    task.write("work/1", "a file, where a folder should be")
    assert task.run(MAKE) == 1
    assert "Traceback" not in task.said
    assert task.here() == {"1": "a file, where a folder should be"}
