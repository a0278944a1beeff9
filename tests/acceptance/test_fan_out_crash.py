"""kill -9 in the midst of a fan-out: each task has one final record, none that was done runs again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress

import pytest
from acceptance.starting import Folder, wait_until

COUNT = 1500
SLOTS = 3
CONFIG = f"""
steps:
  - name: many
    command: echo {{item}} >> ran; echo out {{item}}; [ {{item}} -ne 77 ]
    foreach: {{lines: items.txt}}
    parallel: {SLOTS}
    stop_grace: 1s
  - {{name: after, command: echo after >> lines}}
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("items.txt", "".join(f"{number}\n" for number in range(1, COUNT + 1)))
    folder.config(CONFIG)
    return folder


def ran(project: Folder) -> Counter[int]:
    return Counter(int(line) for line in project.read("ran").split())


def rows(project: Folder, query: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(project.home / "crude-link.db")) as database:
        return database.execute(query).fetchall()


def recorded(project: Folder) -> set[int]:
    """Return the tasks that are recorded as done."""
    if not (project.home / "crude-link.db").exists():
        return set()
    return {int(task["task"]) for task in tasks(project) if task["status"] == "succeeded"}


def tasks(project: Folder) -> list[dict[str, int | str]]:
    if not project.runs() or not ran(project):
        return []
    found: list[dict[str, int | str]] = project.json("tasks", "1", "many")
    return found


def kill(project: Folder, coordinator: int, victim: str) -> None:
    pids = {
        "coordinator": [coordinator],
        "agent": project.agents()[:1],
        "both": [coordinator, *project.agents()[:1]],
        "everybody of ours": [coordinator, *project.agents()],
    }[victim]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("seed", range(3))
def test_after_any_number_of_crashes_each_task_has_one_record_and_few_ran_twice(project: Folder, seed: int) -> None:
    dice = random.Random(seed)
    begun = project.start("run", "--no-prompt")
    wait_until(lambda: ran(project), "the first task")
    crashes = 0
    done: dict[int, int] = {}
    for victim in dice.sample(["coordinator", "both", "everybody of ours", "coordinator", "agent"], 4):
        count = sum(ran(project).values())
        wait_until(lambda: sum(ran(project).values()) > count + 50 or begun.poll() is not None, "fifty tasks more")  # noqa: B023
        time.sleep(dice.uniform(0, 0.1))  # the moment, not a condition
        if begun.poll() is not None:
            break
        kill(project, begun.pid, victim)
        crashes += 1
        if victim == "agent":
            continue
        begun.wait()
        if dice.random() < 0.5:
            project.wait_for_nobody()
        counts = ran(project)
        done |= {task: counts[task] for task in recorded(project)}
        begun = project.start("resume", "--no-prompt")
    assert begun.wait() == 1, project.read("err")  # for task 77
    counts = ran(project)
    assert set(counts) == set(range(1, COUNT + 1))
    again = {task: (before, counts[task]) for task, before in done.items() if counts[task] != before}
    assert not again, "tasks that were recorded as done ran again"
    twice = sum(count - 1 for task, count in counts.items() if task != 77)
    assert twice <= crashes * SLOTS
    ends = Counter(task["status"] for task in tasks(project))
    assert ends == {"succeeded": COUNT - 1, "failed": 1}
    assert len({task["task"] for task in tasks(project)}) == COUNT
    assert rows(project, "SELECT count(*) FROM leases") == [(0,)]
    project.wait_for_nobody()
    assert project.run("logs", "1", "many", "--task", str(COUNT)).out == f"out {COUNT}\n"
    assert project.read("lines") == ""


def test_resume_runs_the_failed_ones_and_then_what_needs_the_step(project: Folder) -> None:
    assert project.run("run", "--no-prompt").status == 1
    project.config(CONFIG.replace("-ne 77", "-ne 0"))
    counts = ran(project)
    assert project.run("resume", "--reload").status == 0
    assert ran(project) - counts == Counter({77: 1})
    assert project.read("lines") == "after\n"


def test_resume_after_the_list_grew_and_was_put_in_another_order_runs_what_is_new(project: Folder) -> None:
    assert project.run("run", "--no-prompt").status == 1
    counts = ran(project)
    numbers = [COUNT + 1, *range(COUNT, 0, -1), COUNT + 2]
    project.write("items.txt", "".join(f"{number}\n" for number in numbers))
    assert project.run("resume", "--no-prompt").status == 1
    assert ran(project) - counts == Counter([77, COUNT + 1, COUNT + 2])


def test_an_interrupted_fan_out_goes_on_where_it_was(project: Folder) -> None:
    begun = project.start("run", "--no-prompt")
    wait_until(lambda: sum(ran(project).values()) > 100, "a hundred tasks")
    begun.send_signal(signal.SIGINT)
    assert begun.wait() == 130
    project.wait_for_nobody()
    assert project.steps()["many"] == "cancelled"
    before = recorded(project)
    assert len(before) > 90
    assert project.run("resume", "--no-prompt").status == 1
    assert sum(ran(project).values()) <= COUNT + SLOTS + 1  # task 77 has failed, and is tried again


def test_failed_tasks_of_a_success_can_be_wanted_again(project: Folder) -> None:
    project.config(CONFIG.replace("parallel:", "allow_failed: 1\n    parallel:"))
    assert project.run("run", "--no-prompt").status == 0
    counts = ran(project)
    ended = project.run("resume", "1", "--failed", "--no-prompt")
    assert ended.status == 0
    assert ran(project) - counts == Counter({77: 1})
    assert project.read("lines") == "after\n"
    assert project.run("resume", "1").last_line.startswith("run 1 has succeeded: nothing is left to do")
