"""Pools: each item is in one pair of hands at a time, whatever dies."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing, suppress
from typing import Any

import pytest
from acceptance.starting import Folder, wait_until

#: Holds a lock for as long as its process lives, and notes when somebody else has it.
HOLD = """
import fcntl, os, sys, time
number, seconds, *items = sys.argv[1:]
held = [open(f"lock-{item}", "a") for item in items]
for lock in held:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(lock.name, file=open("clashes", "a"))
time.sleep(float(seconds))
print(number, *items, file=open("ran", "a"))
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("hold.py", HOLD)
    folder.write("proxies.txt", "p1\np2\n\np3\np1\n")
    return folder


def config(project: Folder, needs: str, *, count: int = 30, seconds: float = 0.02, more: str = "") -> None:
    items = " ".join(f'"${name}"' for name in ("WORKER_RESOURCE_PROXY", "TASK_RESOURCE_SEAT") if name[-4:] in needs)
    project.config(
        f"""
resources:
  PROXY: {{lines: proxies.txt}}
  SEAT: [s1, s2]
steps:
  - name: many
    command: {sys.executable} -S hold.py {{item}} {seconds} {items}
    foreach: {{range: {count}}}
    parallel: 8
    stop_grace: 1s
    resources: {needs}
{more}
"""
    )


def ran(project: Folder) -> list[list[str]]:
    return [line.split() for line in project.read("ran").splitlines()]


def results(project: Folder, step: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in project.run("results", "1", step, "--jsonl").out.splitlines()]


def leases(project: Folder) -> int:
    with closing(sqlite3.connect(project.home / "crude-link.db")) as database:
        held, waiting = database.execute("SELECT (SELECT count(*) FROM leases), count(*) FROM lease_waits").fetchone()
        return int(held) + int(waiting)


def check(project: Folder, runs: int, count: int = 30) -> None:
    assert project.read("clashes") == ""
    assert Counter(words[0] for words in ran(project)) == dict.fromkeys(map(str, range(count)), runs)
    assert leases(project) == 0


def test_each_slot_has_an_item_of_its_own_and_there_are_no_more_slots_than_items(project: Folder) -> None:
    config(project, "{PROXY: per slot}")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert "in 3 slots" in ended.err
    assert {words[1] for words in ran(project)} == {"p1", "p2", "p3"}
    slots = {task["task"]: task["slot"] for task in project.json("tasks", "1", "many")}
    assert len({(slots[int(number) + 1], item) for number, item in ran(project)}) == 3
    check(project, 1)


def test_each_task_has_an_item_while_it_runs(project: Folder) -> None:
    config(project, "{SEAT: per task, PROXY: per worker}")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert "in 2 slots" in ended.err
    assert {words[2] for words in ran(project)} == {"s1", "s2"}
    check(project, 1)


@pytest.mark.parametrize("needs", ["{PROXY: per slot}", "{SEAT: per task}"])
def test_two_runs_at_once_never_hold_the_same_item_and_both_come_to_their_end(project: Folder, needs: str) -> None:
    config(project, needs)
    begun = [project.start("run", "--no-prompt") for _ in range(2)]
    assert [one.wait() for one in begun] == [0, 0], project.read("err")
    check(project, 2)


def test_two_steps_of_one_run_that_want_the_same_pool_share_it(project: Folder) -> None:
    other = f"""
  - name: others
    command: {sys.executable} -S hold.py {{item}} 0.02 "$TASK_RESOURCE_SEAT"
    foreach: {{range: 30}}
    resources: {{SEAT: per task}}
    needs: []
"""
    config(project, "{SEAT: per task}", more=other)
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    check(project, 2)


def test_an_item_is_free_again_after_failures_timeouts_and_retries(project: Folder) -> None:
    config(project, "{SEAT: per task}", count=4, seconds=30, more="    timeout: 300ms\n    retries: 1")
    assert project.run("run", "--no-prompt").status == 1
    assert [task["try"] for task in project.json("tasks", "1", "many")] == [2] * 4
    assert project.read("clashes") == ""
    assert leases(project) == 0


def test_the_plan_and_the_summary_say_what_allows_no_more_slots(project: Folder) -> None:
    config(project, "{PROXY: per slot, SEAT: per task}")
    assert "in 2 slots (all that SEAT allows)" in project.run("plan").out
    ended = project.run("run", "--no-prompt")
    assert "(all that SEAT allows)" in ended.err
    assert "30 tasks done, limited by SEAT" in ended.err


def test_an_empty_pool_is_told_before_anything_runs(project: Folder) -> None:
    project.write("proxies.txt", "\n\n")
    config(project, "{PROXY: per slot}", more="  - {name: after, command: echo after >> lines}")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 2
    assert "the pool PROXY is empty" in ended.err
    assert project.read("ran") == ""


GPUS = """
steps:
  - {name: whole, command: "sleep 0.02; echo {item} {gpu} $CUDA_VISIBLE_DEVICES", foreach: {range: 8}, gpus: 1}
  - {name: half, command: "echo {item} {gpu} $CUDA_VISIBLE_DEVICES", foreach: {range: 8}, gpus: 0.5, parallel: 9}
  - {name: both, command: "echo {item} {gpu} $CUDA_VISIBLE_DEVICES", foreach: {range: 3}, gpus: 2}
  - {name: slots, command: "echo {item} x $CUDA_VISIBLE_DEVICES", foreach: {range: 8}, resources: {GPU: per slot}}
"""


def path_with_gpus(project: Folder, count: int) -> dict[str, str]:
    """Return a PATH in which nvidia-smi knows of some GPUs."""
    program = project.write("bin/nvidia-smi", f"#!/bin/sh\nseq 0 {count - 1}\n")
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_tasks_have_gpus_to_themselves_or_share_them(project: Folder) -> None:
    project.config(GPUS)
    ended = project.run("run", "--no-prompt", env=path_with_gpus(project, 2))
    assert ended.status == 0, ended.err
    given = {name: Counter(task["stdout"].split()[2] for task in results(project, name)) for name in project.steps()}
    assert set(given["whole"]) == set(given["half"]) == set(given["slots"]) == {"0", "1"}
    assert given["both"] == {"0,1": 3}
    assert [f"in {slots} slot" in ended.err for slots in (2, 4, 1)] == [True] * 3
    assert leases(project) == 0


def test_gpus_that_are_given_by_hand_or_by_the_surroundings_are_used(project: Folder) -> None:
    project.config("resources: {GPU: [5]}" + GPUS.split("  - {name: half", maxsplit=1)[0])
    assert project.run("run", "--no-prompt").status == 0
    assert {task["stdout"].split()[2] for task in results(project, "whole")} == {"5"}
    project.config(GPUS.split("  - {name: half", maxsplit=1)[0])
    assert project.run("run", "--no-prompt", env={"CUDA_VISIBLE_DEVICES": "7"}).status == 0
    assert project.run("logs", "2", "whole", "--task", "1").out == "0 7 7\n"


def test_the_driver_is_asked_for_gpus_where_that_can_be_done(project: Folder) -> None:
    project.write(
        "library/pynvml.py",
        """
class NVMLError(Exception): pass
def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return 1
""",
    )
    project.config(GPUS.split("  - {name: half", maxsplit=1)[0])
    paths = [str(project.directory / "library"), *filter(None, [os.environ.get("PYTHONPATH")])]
    ended = project.run("run", "--no-prompt", env={"PYTHONPATH": ":".join(paths)})
    assert ended.status == 0, ended.err
    assert "in 1 slot (all that GPU allows)" in ended.err


def test_where_there_is_no_gpu_or_too_few_that_is_told_before_anything_runs(project: Folder) -> None:
    project.config(GPUS)
    ended = project.run("run", "--no-prompt")
    assert (ended.status, "no GPU is found" in ended.err) == (2, True)
    ended = project.run("run", "--no-prompt", env=path_with_gpus(project, 1))
    assert (ended.status, "each task needs 2 of GPU, and there are 1" in ended.err) == (2, True)


def test_placeholders_say_where_a_task_runs_and_what_it_holds(project: Folder) -> None:
    project.config("""
resources:
  PROXY: {lines: proxies.txt}
  SEAT: {range: [10, 12]}
steps:
  - name: many
    command: >
      sleep 0.01; echo {slot} {resource.PROXY} $WORKER_RESOURCE_PROXY {resource.SEAT} $TASK_RESOURCE_SEAT $X {item}
    env: {X: "{resource.SEAT}/{slot}"}
    foreach: {range: 20}
    resources: {PROXY: per slot, SEAT: per task}
  - {name: slots, command: "echo {slot} {item}", foreach: {range: 100}, parallel: 3}
""")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    told = [task["stdout"].split() for task in results(project, "many")]
    assert [words[-1] for words in told] == list(map(str, range(20)))
    for slot, proxy, ours, seat, held, both, _ in told:
        assert (proxy, seat, both) == (ours, held, f"{seat}/{slot}")
    assert {(words[0], words[1]) for words in told} == {("1", "p1"), ("2", "p2")}
    assert {words[3] for words in told} == {"10", "11"}
    slots = {task["task"]: str(task["slot"]) for task in project.json("tasks", "1", "slots")}
    assert {task["task"]: task["stdout"].split()[0] for task in results(project, "slots")} == slots


@pytest.mark.parametrize("scope", ["per slot", "per task"])
def test_an_item_that_keeps_failing_is_put_aside(project: Folder, scope: str) -> None:
    variable = "$WORKER_RESOURCE_PROXY" if scope == "per slot" else "$TASK_RESOURCE_PROXY"
    project.config(f"""
resources: {{PROXY: {{lines: proxies.txt, quarantine: 2}}}}
steps:
  - name: many
    command: "echo {variable} >> ran; sleep 0.01; [ {variable} != p2 ]"
    foreach: {{range: 200}}
    env: {{X: "{{item}}"}}
    retries: 5
    resources: {{PROXY: {scope}}}
""")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert ended.err.count("many: p2 of PROXY is put aside after 2 failures in a row") == 1
    used = Counter(words[0] for words in ran(project))
    assert used["p2"] < 10
    assert used["p1"] + used["p3"] == 200
    assert leases(project) == 0


def test_a_slot_whose_item_was_put_aside_takes_another_that_is_free(project: Folder) -> None:
    config(project, "{PROXY: per slot}", count=40)
    text = (
        project.read("config.yaml")
        .replace("parallel: 8", "parallel: 1\n    retries: 9")
        .replace("proxies.txt}", "proxies.txt, quarantine: 3}")
    )
    project.config(text.replace("-S hold.py", "-S fail.py"))
    project.write("fail.py", HOLD + "sys.exit(items == ['p1'])")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    used = Counter(words[1] for words in ran(project))
    assert 3 <= used["p1"] < 10
    assert used["p2"] == 40


def test_when_all_is_put_aside_the_step_gives_up(project: Folder) -> None:
    config(project, "{SEAT: per task}", count=400, more="    retries: 1")
    text = project.read("config.yaml").replace("SEAT: [s1, s2]", "SEAT: {items: [s1, s2], quarantine: 3}")
    project.config(text.replace("hold.py", "missing.py"))
    ended = project.run("run", "--no-prompt")
    assert ended.status == 1
    assert "given up: too much of SEAT was put aside after failures (quarantine)" in ended.err
    assert len(project.json("tasks", "1", "many")) < 50


def test_the_items_of_a_secret_pool_are_written_nowhere(project: Folder) -> None:
    project.write("keys.txt", "hunter2-one\nhunter2-two\n")
    project.config("""
resources: {KEY: {lines: keys.txt, secret: true}, TOKEN: {command: "cat keys.txt", secret: true}}
steps:
  - name: many
    command: |
      echo {item} {resource.KEY} $TASK_RESOURCE_TOKEN $WORKER_RESOURCE_KEY > told{item}; cat told{item}
      while [ ! -e seen ]; do sleep 0.05; done
    foreach: {range: 4}
    resources: {KEY: per slot, TOKEN: per task}
""")
    begun = project.start("run", "--no-prompt")
    wait_until(lambda: "hunter2" in project.read("told0"), "the first task")
    wait_until(lambda: "KEY" in project.run("why", "1", "many").out, "its leases")
    project.write("seen", "")
    assert begun.wait() == 0, project.read("err")
    assert project.run("logs", "1", "many", "--task", "1").out == "0 *** *** ***\n"
    for path in [path for path in project.home.rglob("*") if path.is_file()]:
        assert b"hunter2" not in path.read_bytes(), path


@pytest.mark.parametrize("seed", range(3))
def test_after_crashes_beside_another_run_no_lease_is_stuck_and_nothing_was_held_twice(
    project: Folder, seed: int
) -> None:
    config(project, "{PROXY: per slot, SEAT: per task}", count=60)
    dice = random.Random(seed)
    begun = project.start("run", "--no-prompt")
    wait_until(lambda: len(ran(project)) > 2, "the first tasks")
    other = project.start("run", "--no-prompt")
    wait_until(lambda: len(ran(project)) > 9, "the tasks of both")
    for victim in dice.sample(["coordinator", "both", "agent"], 3):
        agents = project.agents()[:1]
        count = len(ran(project))
        pids = {"coordinator": [begun.pid], "agent": agents, "both": [begun.pid, *agents]}[victim]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if victim == "agent":
            wait_until(lambda: len(ran(project)) > count or begun.poll() is not None, "the next tasks")  # noqa: B023
            continue
        begun.wait()
        begun = project.start("resume", "1", "--no-prompt")
        wait_until(lambda: len(ran(project)) > count or begun.poll() is not None, "the next tasks")  # noqa: B023
    assert (begun.wait(), other.wait()) == (0, 0), project.read("err")
    assert project.read("clashes") == ""
    for run in ("1", "2"):
        ends = [(task["task"], task["status"]) for task in project.json("tasks", run, "many")]
        assert ends == [(number, "succeeded") for number in range(1, 61)]
    assert leases(project) == 0
    project.wait_for_nobody()


def test_a_resume_without_resources_gives_back_what_the_run_held(project: Folder) -> None:
    config(project, "{PROXY: per slot}", count=3, seconds=60)
    killed = project.start("run", "--no-prompt")
    wait_until(lambda: len(list(project.directory.glob("lock-*"))) == 3, "all items to be held")
    killed.kill()
    killed.wait()
    project.wait_for_nobody()
    assert leases(project) == 3
    project.config("steps: [{name: many, command: 'echo {item}', foreach: {range: 3}}]")
    assert project.run("resume", "--reload", "--no-prompt").status == 0
    assert leases(project) == 0


def test_what_a_killed_run_held_goes_to_one_that_waits(project: Folder) -> None:
    config(project, "{PROXY: per slot}", count=3, seconds=60)
    killed = project.start("run", "--no-prompt")
    wait_until(lambda: len(list(project.directory.glob("lock-*"))) == 3, "all items to be held")
    config(project, "{PROXY: per slot}", count=6)
    waiting = project.start("run", "--no-prompt")
    wait_until(lambda: leases(project) == 4, "the second run to wait")
    wait_until(lambda: "many: waits for PROXY, held by many of run 1" in project.read("err"), "its words")
    assert "It holds p1, p2, p3 of PROXY." in project.run("why", "1", "many").out
    assert "many of run 1 holds p1, p2, p3." in project.run("why", "2", "many").out
    assert ran(project) == []
    killed.kill()
    assert waiting.wait() == 0, project.read("err")
    check(project, 1, 6)
