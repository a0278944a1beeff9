"""`warm: {reuse: N}`: a process does several tasks of a function, and each is recorded as if it had its own."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from acceptance.starting import Folder, wait_until

FUNCTIONS = """
import os
import subprocess
import sys
import threading
import time

calls = 0

def seen(n):
    global calls
    calls += 1
    print("out", n)
    sys.stderr.write(f"err {n}\\n")
    return {"pid": os.getpid(), "calls": calls, "own": os.environ.get("OWN"), "task": os.environ["CRUDE_LINK_TASK"]}

def mixed(n):
    if n == 1:
        raise ValueError("no one")
    if n == 2:
        sys.exit(4)
    if n == 3:
        os.kill(os.getpid(), 9)
    if n == 4:
        time.sleep(1000)
    if n == 5:
        os._exit(0)
    if n == 6:
        sys.stdout.close()
    if n == 7:
        os.chdir("/")
    if n == 8:
        subprocess.Popen(["sleep", "1000"])
    if n == 9:
        threading.Thread(target=lambda: (time.sleep(0.05), print("late"))).start()
    if n == 10:
        print("x" * 2_000_000)
    if n == 11 and os.fork() == 0:
        return "of another process"
    return {**seen(n), "cwd": os.getcwd()}

def waits(n):
    open(f"pid-{n}", "w").write(str(os.getpid()))
    while not os.path.exists("go"):
        time.sleep(0.01)
    return os.getpid()

def busy(n):
    if n == 1:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
        return len(bytearray(b"x" * 60_000_000))
    return n
"""
CONFIG = """
steps:
  - function: tasks/work.py:{name}
    foreach: {{range: {count}}}
    parallel: {parallel}
    warm: {{reuse: {reuse}}}
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("tasks/work.py", FUNCTIONS)
    return folder


def config(name: str, count: int = 6, parallel: int = 1, reuse: int = 3) -> str:
    return CONFIG.format(name=name, count=count, parallel=parallel, reuse=reuse)


def results(project: Folder) -> list[Any]:
    lines = project.run("results", "--jsonl").out.splitlines()
    return [json.loads(line).get("value") for line in lines]


def test_so_many_tasks_share_a_process_and_each_has_its_own_record(project: Folder) -> None:
    project.config(config("seen", count=7) + "    env: {OWN: '{item}'}\n")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    values = results(project)
    assert [value["calls"] for value in values] == [1, 2, 3, 1, 2, 3, 1]
    assert len({value["pid"] for value in values}) == 3
    assert [(value["own"], value["task"]) for value in values] == [(str(n), str(n + 1)) for n in range(7)]
    for task in range(1, 8):
        words = ("logs", "last", "seen", "--task", str(task))
        assert project.run(*words, "--stdout").out == f"out {task - 1}\n"
        assert project.run(*words, "--stderr").out == f"err {task - 1}\n"
    assert "left" not in ended.err
    project.wait_for_nobody()


def test_whatever_a_task_does_to_its_process_is_its_own_outcome_alone(project: Folder) -> None:
    project.config(config("mixed", count=13, reuse=100) + "    timeout: 500ms\n    stop_grace: 500ms\n")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 1
    tasks = project.json("tasks", "last", "mixed")
    assert [(task["exit_status"], task["signal"]) for task in tasks[1:6]] == [
        (1, None), (4, None), (None, 9), (None, 2), (0, None)
    ]  # fmt: skip
    assert "timed out" in tasks[4]["reason"]
    assert tasks[6]["last_line"] == "ValueError: I/O operation on closed file."
    assert all(task["status"] == "succeeded" for task in [tasks[0], *tasks[7:]])
    values = results(project)
    assert [value and value["task"] for value in values] == ["1", *[None] * 6, "8", "9", "10", "11", "12", "13"]
    assert {value["cwd"] for value in values[8:]} == {str(project.directory)}
    late = project.run("logs", "last", "mixed", "--task", "10", "--stdout").out
    assert late == "out 9\nlate\n"
    assert len(project.run("logs", "last", "mixed", "--task", "11", "--stdout").out) > 2_000_000
    assert project.run("logs", "last", "mixed", "--task", "13", "--stdout").out == "out 12\n"
    project.wait_for_nobody()


def test_time_and_memory_are_those_of_the_task(project: Folder) -> None:
    project.config(config("busy", count=4, reuse=4))
    assert project.run("run").status == 0
    tasks = project.json("tasks", "last", "busy")
    assert tasks[1]["cpu_seconds"] >= 0.3
    assert all(task["cpu_seconds"] < 0.2 for task in (tasks[0], *tasks[2:]))
    assert tasks[1]["peak_memory"] > 60_000_000
    assert all((task["peak_memory"] or 0) < 60_000_000 for task in (tasks[0], *tasks[2:]))


def test_a_kill_of_crude_link_ends_the_processes_and_a_resume_does_the_rest(project: Folder) -> None:
    project.config(config("waits", count=6, parallel=2, reuse=2))
    run = project.start("run", "--no-prompt")
    wait_until(lambda: project.read("pid-0") and project.read("pid-1"), "two tasks")
    os.kill(run.pid, signal.SIGKILL)
    project.wait_for_nobody()
    project.write("go", "")
    ended = project.run("resume", "--no-prompt")
    assert ended.status == 0, ended.err
    assert len(results(project)) == 6


def test_a_zygote_that_dies_takes_no_task_with_it(project: Folder) -> None:
    project.config(config("waits", count=4, parallel=2, reuse=4))
    run = project.start("run", "--no-prompt")
    wait_until(lambda: project.read("pid-0") and project.read("pid-1"), "two tasks")
    zygotes = {each.pid for each in project.living() if "zygote.py" in each.command}
    tasks = {int(project.read(f"pid-{number}")) for number in (0, 1)}
    os.kill((zygotes - tasks).pop(), signal.SIGKILL)
    project.write("go", "")
    assert run.wait(30) == 0
    assert [task["try"] for task in project.json("tasks", "last", "waits")] == [1, 1, 1, 1]
    project.wait_for_nobody()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{script: tasks/work.py, foreach: [1], warm: {reuse: 2}}", "`reuse` is for functions"),
        ("{function: tasks/work.py:seen, foreach: [1], warm: {reuse: 0}}", "is how many tasks each process does"),
        ("{function: tasks/work.py:seen, foreach: [1], warm: {again: 2}}", "known is reuse"),
        ("{function: tasks/work.py:seen, arguments: {n: 1}, warm: {reuse: 2}}", "without `foreach`"),
        ("{command: 'true', foreach: [1], warm: {reuse: 2}}", "a command is no Python"),
    ],
)
def test_what_cannot_be_reused_is_refused(project: Folder, step: str, words: str) -> None:
    project.config(f"steps:\n  - {step}\n")
    ended = project.run("validate")
    assert (ended.status, words in ended.err) == (2, True), ended.err
