"""What is in `.crude-link/` after a run: all that it takes to understand it later."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest
from acceptance.starting import Folder

SCRIPT = """
import json, os, resource, sys
print("to stdout")
print("to stderr", file=sys.stderr)
with open("result.txt", "w") as file:
    file.write("a result")
with open("metrics.json", "w") as file:
    json.dump({"accuracy": 0.93, "label": "good"}, file)
with open(os.environ["CRUDE_LINK_METRICS"], "a") as file:
    print("loss=0.25", file=file)
memory = bytearray(60_000_000)
for number in range(600_000):
    number * number
"""
CONFIG = """
name: demo
params: {rate: 0.1}
env: {MODE: fast}
steps:
  - name: work
    script: work.py
    argument_style: plain
    arguments: {rate: "${params.rate}", folder: "${run.dir}", user: "${oc.env:SOMEBODY}"}
    outputs: result.txt
    metrics: metrics.json
  - name: use
    command: echo accuracy ${steps.work.metrics.accuracy} of ${steps.work.stdout}
"""


@pytest.fixture
def recorded(folder: Folder) -> Folder:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    folder.write("work.py", SCRIPT)
    folder.config(CONFIG)
    subprocess.run(["git", "init", "-q"], cwd=folder.directory, check=True)
    subprocess.run(["git", "add", "."], cwd=folder.directory, check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], cwd=folder.directory, check=True)
    folder.write("work.py", SCRIPT + "# not committed\n")
    ended = folder.run("run", "--set", "rate=0.5", env={"SOMEBODY": "ada"})
    assert ended.status == 0, ended.err
    return folder


def test_the_record_holds_config_code_arguments_environment_and_ends(recorded: Folder) -> None:
    shown = recorded.json("show")
    assert shown["config"]["text"] == CONFIG
    assert shown["params"] == {"rate": 0.5}
    assert shown["settings"] == ["rate=0.5"]
    assert "ada" in str(shown["config"]["resolved"])
    sitting = shown["sittings"][0]
    assert sitting["host"] == os.uname().nodename
    assert sitting["argv"][-2:] == ["--set", "rate=0.5"]
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=recorded.directory, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert sitting["code"]["commit"] == commit
    assert sitting["code"]["dirty"] is True
    work, use = shown["attempts"]
    assert work["argv"][1] == "work.py"
    assert "--rate=0.5" in work["argv"]
    assert "--user=ada" in work["argv"]
    assert work["env"]["MODE"] == "fast"
    assert "PATH" in work["env"]
    assert work["interpreter"].startswith(sys.executable) or "3." in work["interpreter"]
    assert work["script_digest"] == hashlib.sha256((SCRIPT + "# not committed\n").encode()).hexdigest()
    outcome = work["outcome"]
    assert outcome["exit_status"] == 0
    assert outcome["wall_seconds"] > 0
    assert outcome["cpu_seconds"] > 0
    assert outcome["peak_memory"] > 60_000_000
    assert work["metrics"] == {"accuracy": 0.93, "label": "good", "loss": 0.25}
    assert work["outputs"][0]["path"] == "result.txt"
    assert work["outputs"][0]["digest"] == hashlib.sha256(b"a result").hexdigest()
    assert use["resolved"] or use["argv"]
    assert "accuracy 0.93 of to stdout" in recorded.run("logs", "use").out


def test_stdout_and_stderr_are_kept_apart(recorded: Folder) -> None:
    assert recorded.run("logs", "work", "--stdout").out == "to stdout\n"
    assert recorded.run("logs", "work", "--stderr").out == "to stderr\n"


def test_every_run_has_a_folder_of_its_own(recorded: Folder) -> None:
    recorded.run("run", env={"SOMEBODY": "ada"})
    folders = [
        next(word for word in recorded.json("show", run)["attempts"][0]["argv"] if word.startswith("--folder="))
        for run in ("1", "2")
    ]
    assert folders[0] != folders[1]


def test_rerun_says_what_differs_in_the_code(recorded: Folder) -> None:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run([*git, "commit", "-q", "-a", "-m", "second"], cwd=recorded.directory, check=True)
    ended = recorded.run("rerun", env={"SOMEBODY": "grace"})
    assert ended.status == 0, ended.err
    assert "the code is at commit" in ended.err
    shown = recorded.json("show")
    assert "--rate=0.5" in shown["attempts"][0]["argv"]
    assert "--user=ada" in shown["attempts"][0]["argv"]


def test_what_a_resumed_run_had_before_is_kept(folder: Folder) -> None:
    folder.config("""
steps:
  - {name: one, command: 'echo ${now:%f} > first; echo made'}
  - {name: two, command: 'test "$(cat first)" = "${now:%f}"; test -e good'}
""")
    assert folder.run("run", "--no-prompt").status == 1
    folder.write("good", "")
    assert folder.run("resume").status == 0
    attempts = [(each["key"]["step"], each["status"]) for each in folder.json("show")["attempts"]]
    assert attempts == [("one", "succeeded"), ("two", "failed"), ("two", "succeeded")]
    assert folder.run("logs", "two", "--attempt", "1").status == 0


def test_a_moved_project_keeps_its_history(folder: Folder) -> None:
    folder.config("steps: [{name: one, command: 'echo x; test -e good'}]\n")
    assert folder.run("run", "--no-prompt").status == 1
    moved = folder.directory.parent / "moved"
    folder.directory.rename(moved)
    there = Folder.at(moved)
    assert there.run("logs", "one").out == "x\n"
    there.write("good", "")
    assert there.run("resume").status == 0
    there.end()


def test_retention_keeps_the_newest_of_a_schedule(folder: Folder) -> None:
    folder.config("cron: {second: '*'}\nretention: {runs: 2}\nsteps: [{name: one, command: echo x >> lines}]\n")
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "run 5 succeeded")
    begun.terminate()
    begun.wait()
    runs = [run["id"] for run in folder.runs()]
    assert len(runs) <= 4
    assert 1 not in runs
    assert not (folder.home / "runs" / "1").exists()
