"""`once: true`: what an earlier run has done is left out, also after crashes, removals and beside another run."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

import pytest
from acceptance.starting import Folder, wait_until

COUNT = 600
SLOTS = 3
CONFIG = f"""
name: intake
steps:
  - name: each
    command: echo {{item}} >> ran; [ {{item}} -ne 77 ] || [ -e mended ]
    foreach: {{lines: items.txt, once: true}}
    parallel: {SLOTS}
    stop_grace: 1s
"""


def numbers(*some: int) -> str:
    return "".join(f"{number}\n" for number in some)


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.config(CONFIG)
    return folder


def ran(project: Folder) -> Counter[int]:
    return Counter(int(line) for line in project.read("ran").split())


def test_only_what_no_earlier_run_has_done_is_done_and_a_failed_one_again(project: Folder) -> None:
    project.write("items.txt", numbers(1, 2, 77, 2))
    ended = project.run("run", "--no-prompt")
    assert ended.status == 1
    assert ran(project) == Counter({1: 1, 2: 2, 77: 1})  # equal inputs of one run are separate tasks
    project.write("items.txt", numbers(77, 3, 1, 2))
    project.write("mended", "")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0
    assert "2 done by earlier runs" in ended.err
    assert ran(project) == Counter({1: 1, 2: 2, 77: 2, 3: 1})
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0
    assert "nothing left to do: 4 done by earlier runs" in project.run("show", "last").out
    assert sum(ran(project).values()) == 6


def test_a_resume_goes_on_with_its_own_run_and_leaves_out_what_others_did_since(project: Folder) -> None:
    project.write("items.txt", numbers(1, 77))
    assert project.run("run", "--no-prompt").status == 1
    project.write("mended", "")
    assert project.run("run", "--no-prompt").status == 0
    ended = project.run("resume", "1", "--no-prompt")
    assert ended.status == 0, ended.err
    assert ran(project) == Counter({1: 1, 77: 2})


def test_memory_outlives_the_runs_until_it_is_forgotten(project: Folder) -> None:
    project.write("items.txt", numbers(1, 2))
    for _ in range(2):
        assert project.run("run", "--no-prompt").status == 0
    assert project.run("clean", "--runs", "0", "--yes").status == 0
    assert [run["id"] for run in project.runs()] == [2]
    assert project.run("run", "--no-prompt").status == 0
    assert sum(ran(project).values()) == 2
    listed = project.run("clean", "--forget", "intake", "each")
    assert listed.last_line.startswith("2 inputs that each of intake has done would be forgotten")
    assert project.run("run", "--no-prompt").status == 0
    assert sum(ran(project).values()) == 2
    assert project.run("clean", "--forget", "intake", "each", "--yes").last_line.startswith("forgot 2 inputs")
    assert project.run("run", "--no-prompt").status == 0
    assert sum(ran(project).values()) == 4
    wrong = project.run("clean", "--forget", "intake", "eech")
    assert wrong.status == 2
    assert "as PIPELINE STEP: intake each" in wrong.err


def test_two_runs_at_once_do_everything_and_remember_it(project: Folder) -> None:
    project.write("items.txt", numbers(*range(100, 100 + COUNT)))
    both = [project.start("run", "--no-prompt") for _ in range(2)]
    assert [begun.wait() for begun in both] == [0, 0]
    assert set(ran(project)) == set(range(100, 100 + COUNT))
    before = ran(project)
    assert project.run("run", "--no-prompt").status == 0
    assert ran(project) == before


@pytest.mark.parametrize("seed", range(2))
def test_after_crashes_new_runs_do_only_what_no_run_had_done(project: Folder, seed: int) -> None:
    dice = random.Random(seed)
    project.write("items.txt", numbers(*range(100, 100 + COUNT)))
    crashes = 0
    for word in dice.choices(["run", "resume"], k=4):
        count = sum(ran(project).values())
        begun = project.start(word if crashes else "run", "--no-prompt")
        wait_until(lambda: sum(ran(project).values()) > count + 40 or begun.poll() is not None, "forty more")  # noqa: B023
        time.sleep(dice.uniform(0, 0.1))  # the moment, not a condition
        for pid in [begun.pid, *(project.agents()[:1] if dice.random() < 0.5 else [])]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        begun.wait()
        project.wait_for_nobody()
        crashes += 1
    assert project.run("run", "--no-prompt").status == 0
    counts = ran(project)
    assert set(counts) == set(range(100, 100 + COUNT))
    assert sum(counts.values()) - COUNT <= crashes * SLOTS
    assert project.run("run", "--no-prompt").status == 0
    assert ran(project) == counts
