"""Classes as steps: made with the config, validated before anything begins, and run."""

from __future__ import annotations

import json

import pytest
from acceptance.starting import Folder, wait_until

CLASSES = """
import os
import sys

open("imported", "a").write("x")

class Base:
    def __init__(self, config):
        self.config = config

class Train(Base):
    def validate(self):
        how = self.config.get("arguments", {}).get("how")
        open("validated", "a").write(f"{self.config['name']} {self.config.get('item', '')}\\n")
        if how == "raise":
            raise ValueError("no such data set")
        if how == "refuse":
            return False
        if how == "exit":
            sys.exit("not today")
        if how == "die":
            os.kill(os.getpid(), 9)
        if how == "leak":
            raise ValueError(self.config["arguments"]["token"])

    def run(self):
        print("trains")
        return self.config

class Fails(Base):
    def run(self):
        open("ran", "a").write("x")
        if not os.path.exists("repaired"):
            raise KeyError("lost")

class Plain:
    def __init__(self, config): pass
    def run(self): return 1

class NoRun:
    def __init__(self, config): pass

class NoConfig:
    def run(self): pass

class TwoThings:
    def __init__(self, config, more): pass
    def run(self): pass

class RunWants(Base):
    def run(self, item): pass

class Later(Base):
    async def run(self): pass

class Yields(Base):
    def run(self): yield 1
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("tasks/tasks.py", CLASSES)
    return folder


def config(name: str, more: str) -> str:
    return f"name: demo\nparams: {{lr: 0.1}}\nsteps:\n  - {{name: one, function: tasks/tasks.py:{name}, {more}}}\n"


def test_a_class_is_made_with_the_document_and_the_keys_of_its_step_over_it(project: Folder) -> None:
    project.config(config("Train", "timeout: 10m, arguments: {lr: '${params.lr}', to: '${run.dir}/x'}"))
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert json.loads(project.run("results", "last", "one").out)["value"] == {
        "name": "one",
        "params": {"lr": 0.1},
        "function": "tasks/tasks.py:Train",
        "timeout": "10m",
        "arguments": {"lr": 0.1, "to": f"{project.home}/runs/1/files/x"},
    }
    assert project.run("logs", "last", "one").out == "trains\n"


@pytest.mark.parametrize("warm", ["", ", warm: false"])
def test_with_inputs_each_task_finds_its_own_in_the_config(project: Folder, warm: str) -> None:
    project.config(config("Train", "arguments: {n: '{item.n}'}, foreach: [{n: 1}, {n: 2}]" + warm))
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    values = [json.loads(line)["value"] for line in project.run("results", "last", "--jsonl").out.splitlines()]
    assert [(value["item"], value["arguments"]) for value in values] == [
        ({"n": 1}, {"n": 1}),
        ({"n": 2}, {"n": 2}),
    ]
    assert "foreach" not in values[0]
    assert project.read("validated") == "one {'n': 1}\n"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raise", "does not validate: ValueError: no such data set\n    Traceback"),
        ("refuse", "does not validate: its `validate` returned False"),
        ("exit", "does not validate: not today"),
        ("die", "does not validate: was killed by signal 9"),
    ],
)
def test_a_class_that_does_not_validate_lets_nothing_begin(project: Folder, how: str, words: str) -> None:
    steps = config("Fails", "") + f"  - {{name: two, function: tasks/tasks.py:Train, arguments: {{how: {how}}}}}\n"
    project.config(steps)
    ended = project.run("run", "--no-prompt")
    assert (ended.status, words in ended.err) == (2, True), ended.err
    assert "config.yaml:5:" in ended.err
    assert "call.py" not in ended.err
    assert project.read("ran") == ""
    assert "no runs" in project.run("runs").err


def test_what_validating_says_of_a_secret_is_masked(project: Folder) -> None:
    step = config("Train", "arguments: {how: leak, token: '${secrets.TOKEN}'}")
    project.config("secrets: [TOKEN]\n" + step)
    ended = project.run("run", "--no-prompt", env={"TOKEN": "very-secret-word"})
    assert ended.status == 2
    assert "ValueError: ***" in ended.err
    assert "very-secret" not in ended.err


def test_looking_at_a_config_imports_nothing(project: Folder) -> None:
    project.config(config("Train", "arguments: {how: raise}"))
    for command in ("validate", "plan"):
        assert project.run(command).status == 0
    assert project.read("imported") == ""


@pytest.mark.parametrize("foreach", ["", "foreach: [1]"])
def test_a_class_that_a_file_only_imports_is_not_made_and_thrown_away(project: Folder, foreach: str) -> None:
    project.write("tasks/other.py", "from tasks import Train\nclass Mine(Train): pass\n")
    project.config(config("Train", foreach).replace("tasks.py", "other.py"))
    ended = project.run("run", "--no-prompt")
    assert ended.status == 1
    assert "class MyTrain(Train): pass" in ended.err
    project.config(config("Mine", foreach).replace("tasks.py", "other.py"))
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err


def test_a_resume_validates_what_is_still_to_run(project: Folder) -> None:
    first = "  - {name: first, function: tasks/tasks.py:Train}\n"
    last = "  - {name: last-one, function: tasks/tasks.py:Train, arguments: {how: fine}}\n"
    middle = "  - {name: middle, function: tasks/tasks.py:Fails}\n"
    project.config(f"steps:\n{first}{middle}{last}")
    assert project.run("run", "--no-prompt").status == 1
    assert project.read("validated").split() == ["first", "last-one"]
    project.write("validated", "")
    project.write("repaired", "")
    ended = project.run("resume", "--no-prompt")
    assert ended.status == 0, ended.err
    assert project.read("validated").split() == ["last-one"]


def test_a_run_in_the_background_is_validated_once_in_front_of_the_person(project: Folder) -> None:
    project.config(config("Train", ""))
    assert project.run("run", "--detach").status == 0
    wait_until(lambda: project.json("show", "1")["status"] == "succeeded", "the run")
    assert project.read("validated").split() == ["one"]
    project.config(config("Train", "arguments: {how: raise}"))
    assert project.run("run", "--detach").status == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NoRun", "tasks/tasks.py:NoRun has no method `run`"),
        ("NoConfig", "takes no config: give it `def __init__(self, config)`"),
        ("TwoThings", "is made with the config alone; its `__init__` takes something else"),
        ("RunWants", "`run` is given nothing; what it needs stands in the config"),
        ("Later", "`run` is async"),
        ("Yields", "`run` is a generator"),
        ("Trian", "Did you mean 'Train'?"),
    ],
)
def test_what_is_no_class_for_a_step_is_told_before_the_run(project: Folder, name: str, words: str) -> None:
    project.config(config(name, ""))
    ended = project.run("validate")
    assert (ended.status, words in ended.err) == (2, True), ended.err


def test_a_scheduler_validates_when_it_begins_and_keeps_no_other_schedule_waiting_for_that(project: Folder) -> None:
    project.config("schedule: {cron: {second: '*'}}\n" + config("Train", "timeout: 1m"))
    begun = project.start("schedule", "start")
    wait_until(lambda: len(project.runs()) > 2, "three runs")
    begun.terminate()
    assert begun.wait() == 143
    assert project.read("validated").split() == ["one"]
