"""kill -9 of crude-link, of its agent, of both, of a step, at any moment: nothing is lost, nothing runs twice."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from contextlib import suppress

import pytest
from acceptance.starting import Folder, wait_until

#: Takes its locks for as long as it lives; says when it begins and ends, and when another one lives already.
STEP = """
import fcntl, os, sys, time
name, seconds, *locks = sys.argv[1:]
def say(what):
    with open("executions", "a") as file:
        file.write(f"{what} {name} {os.getpid()}\\n")
for lock in locks:
    held = os.open(f"lock-{lock}", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("overlap")
say("begin")
time.sleep(float(seconds))
say("end")
"""
CONFIG = """
defaults: {stop_grace: 1s}
steps:
  - {name: one, command: [PYTHON, step.py, one, "0.15", one, chain]}
  - {name: two, command: [PYTHON, step.py, two, "0.3", two, chain]}
  - {name: left, needs: [two], command: [PYTHON, step.py, left, "0.3", left]}
  - {name: right, needs: [two], command: [PYTHON, step.py, right, "0.2", right]}
  - {name: three, needs: [left, right], command: [PYTHON, step.py, three, "0.2", left, right, three, chain]}
  - {name: four, command: [PYTHON, step.py, four, "0.05", four, chain]}
"""
STEPS = ("one", "two", "left", "right", "three", "four")
#: Leaves a process in another session that hears nothing but KILL.
STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    time.sleep(600)
with open("executions", "a") as file:
    file.write("begin stubborn 0\\n")
while os.path.exists("hang"):
    time.sleep(0.05)
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("step.py", STEP)
    folder.write("stubborn.py", STUBBORN)
    folder.config(CONFIG.replace("PYTHON", sys.executable))
    return folder


def executions(project: Folder, what: str = "begin") -> dict[str, int]:
    lines = [line.split() for line in project.read("executions").splitlines()]
    return {step: sum(1 for line in lines if line[:2] == [what, step]) for step in STEPS}


def finished(project: Folder) -> set[str]:
    if not project.runs():
        return set()
    return {name for name, status in project.steps().items() if status == "succeeded"}


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_some(project: Folder, coordinator: int, victim: str) -> None:
    match victim:
        case "coordinator":
            kill([coordinator])
        case "agent":
            kill(project.agents()[:1])
        case "both":
            kill([coordinator, *project.agents()[:1]])
        case "everybody of ours":
            kill([coordinator, *project.agents()])
        case "step":
            kill([process.pid for process in project.step_processes()[:1]])


def wait_for_another(project: Folder, step: str) -> None:
    count = executions(project)[step]
    wait_until(lambda: executions(project)[step] > count, f"{step} begins once more")


def check_the_end(project: Folder) -> None:
    """After a crash and `resume`: all is done, and nothing ever ran beside itself."""
    assert project.runs()[0]["status"] == "succeeded"
    assert set(project.steps().values()) == {"succeeded"}
    assert all(count >= 1 for count in executions(project, "end").values())
    assert not any(executions(project, "overlap").values()), project.read("executions")


MOMENTS = [
    (victim, moment)
    for victim, count in (("coordinator", 8), ("agent", 5), ("both", 5), ("everybody of ours", 3), ("step", 4))
    for moment in range(count)
]


@pytest.mark.parametrize(("victim", "moment"), MOMENTS)
def test_a_run_survives_kill_9_at_any_moment(project: Folder, victim: str, moment: int) -> None:
    delay = random.Random(f"{victim} {moment}").uniform(0.1, 1.6)
    begun = project.start("run", "--no-prompt")
    time.sleep(delay)  # the moment, not a condition
    kill_some(project, begun.pid, victim)
    if victim in ("agent", "step"):
        begun.wait()
    if moment % 2:
        time.sleep(0.1)  # a resume a tenth of a second later: what is left is still being ended
    else:
        project.wait_for_nobody()
    if not project.runs():
        assert not project.read("executions")
        project.start("run", "--no-prompt").wait()
        check_the_end(project)
        return
    if not moment % 2:
        newest = project.runs()[0]
        assert newest["status"] != "running"
        if newest["status"] != "succeeded":
            assert newest["reason"]
        assert "running" not in project.steps().values()
    done, before = finished(project), executions(project)
    ended = project.run("resume")
    assert ended.status == 0, ended.err
    after = executions(project)
    assert {step: after[step] for step in done} == {step: before[step] for step in done}
    check_the_end(project)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_survives_one_crash_after_another(project: Folder, seed: int) -> None:
    chance = random.Random(seed)
    words = ("run", "--no-prompt")
    for _ in range(4):
        before = executions(project)
        done = finished(project)
        begun = project.start(*words)
        time.sleep(chance.uniform(0.2, 0.9))
        kill_some(project, begun.pid, chance.choice(["coordinator", "both", "everybody of ours"]))
        begun.wait()
        if project.runs():
            words = ("resume", "--no-prompt")
        after = executions(project)
        assert {step: after[step] for step in done} == {step: before[step] for step in done}
    project.wait_for_nobody()
    assert project.run(*words).status == 0
    check_the_end(project)


def test_a_lost_run_says_why_and_is_not_running(project: Folder) -> None:
    begun = project.start("run")
    project.wait_for_text("executions", "begin two")
    kill([begun.pid])
    project.wait_for_nobody()
    listed = project.run("runs")
    assert "lost" in listed.out
    assert "running" not in listed.out
    newest = project.runs()[0]
    assert newest["status"] == "lost"
    assert "resume" in newest["reason"]
    assert project.steps()["one"] == "succeeded"
    assert project.steps()["two"] == "lost"
    assert "lost" in project.run("why").out


@pytest.mark.parametrize("victim", ["coordinator", "both", "everybody of ours"])
def test_nothing_that_hides_in_another_session_survives_a_crash(project: Folder, victim: str) -> None:
    project.config(f"steps:\n  - {{name: stubborn, command: [{sys.executable}, stubborn.py]}}\n")
    hang = project.write("hang", "")
    begun = project.start("run")
    project.wait_for_text("executions", "begin stubborn")
    kill_some(project, begun.pid, victim)
    if victim != "everybody of ours":
        project.wait_for_nobody()
        assert project.runs()[0]["status"] == "lost"
    hang.unlink()
    ended = project.run("resume")
    assert ended.status == 0, ended.err
    project.wait_for_nobody()


def test_a_second_resume_does_not_run_beside_the_first(project: Folder) -> None:
    begun = project.start("run")
    project.wait_for_text("executions", "begin two")
    kill([begun.pid])
    resumes = [project.start("resume") for _ in range(3)]
    statuses = sorted(each.wait() for each in resumes)
    assert statuses[0] == 0
    assert set(statuses) <= {0, 3}
    check_the_end(project)


def test_an_agent_that_dies_again_and_again_ends_the_program_not_the_run(project: Folder) -> None:
    project.config("steps: [{name: one, command: 'echo x >> lines; while [ ! -e go ]; do sleep 0.05; done'}]\n")
    begun = project.start("run", "--no-prompt")
    for deaths in range(3):
        wait_until(lambda: project.read("lines").count("x") > deaths, "the step begins once more")  # noqa: B023
        kill(project.agents()[:1])
    assert begun.wait() == 4
    project.wait_for_nobody()
    assert project.runs()[0]["status"] == "lost"
    project.write("go", "")
    assert project.run("resume").status == 0


def test_the_next_cron_start_is_unharmed_by_a_crash(project: Folder) -> None:
    project.config("cron: {second: '*'}\n" + project.read("config.yaml"))
    for _ in range(2):
        begun = project.start("--non-interactive")
        wait_for_another(project, "two")
        kill([begun.pid])
        begun.wait()
    newest = max(run["id"] for run in project.runs())
    begun = project.start("--non-interactive")
    wait_until(
        lambda: any(run["id"] > newest and run["status"] == "succeeded" for run in project.runs()),
        "a run after the crash succeeds",
    )
    begun.terminate()
    assert begun.wait() == 143
    lost = [run for run in project.runs() if run["status"] == "lost"]
    assert len(lost) == 2
    assert not any(executions(project, "overlap").values())
