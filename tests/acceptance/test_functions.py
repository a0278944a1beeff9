"""Python functions: called with what the config gives them, each in its own process; what they return is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from acceptance.starting import Folder

FUNCTIONS = """
import os
import signal
import sys
from enum import Enum
from neighbour import VALUE

def add(a, b=VALUE):
    print("adds", a, b)
    return a + b

def whole(item):
    return [item, type(item).__name__]

def mixed(n):
    if n == 1:
        raise ValueError("no one")
    if n == 2:
        sys.exit(4)
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if n == 4:
        return lambda: None
    if n == 5:
        return "x" * 20_000_000
    if n == 6:
        sys.exit()
    if n == 7:
        return {"nested": [1, 2.5, None, True, "ü", (1,)]}
    if n == 8:
        os._exit(0)

def where(n):
    told = os.environ["CRUDE_LINK_TASK"], "CRUDE_LINK_RESULT" in os.environ
    return [os.getcwd(), sys.argv, sys.path[0], __name__, *told]

def secret():
    return {"token": os.environ["TOKEN"]}

def two(a, b): pass
def none(): pass
def nothing(n): yield n
async def later(n): pass
class Thing: pass
"""
CONFIG = """
steps:
  - function: tasks/work.py:{name}
    foreach: {{items: {items}}}
    parallel: 2
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("tasks/work.py", FUNCTIONS)
    folder.write("tasks/neighbour.py", "VALUE = 100\n")
    return folder


def results(project: Folder) -> list[dict[str, Any]]:
    ended = project.run("results", "--jsonl")
    assert ended.status == 0, ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


def test_arguments_arrive_as_they_are_and_what_is_returned_is_kept(project: Folder) -> None:
    arguments = "    arguments: {a: '{item}', b: 2.5}\n"
    project.config(CONFIG.format(name="add", items="[1, 2, 3]") + arguments)
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert [each["value"] for each in results(project)] == [3.5, 4.5, 5.5]
    assert project.run("logs", "last", "add", "--task", "2").out == "adds 2 2.5\n"


def test_an_input_that_is_a_mapping_is_given_by_name_and_any_other_whole(project: Folder) -> None:
    project.config(CONFIG.format(name="add", items="[{a: 1}, {a: 2, b: 3}]"))
    assert project.run("run").status == 0
    assert [each["value"] for each in results(project)] == [101, 5]
    project.config(CONFIG.format(name="whole", items="[7, seven, [7], null]"))
    assert project.run("run").status == 0
    values = [each["value"] for each in results(project)]
    assert values == [[7, "int"], ["seven", "str"], [[7], "list"], [None, "NoneType"]]


def test_the_data_of_a_task_file_is_what_is_given(project: Folder) -> None:
    project.write("tasks.json", json.dumps([{"task_id": "x", "data": {"a": 1}}, {"task_id": "y", "data": {"a": 5}}]))
    project.config(CONFIG.format(name="add", items="[]").replace("{items: []}", "{task_file: tasks.json}"))
    ended = project.run("run")
    assert ended.status == 0, ended.err
    assert [each["value"] for each in results(project)] == [101, 105]


@pytest.mark.parametrize("warm", [True, False])
def test_each_end_of_a_function_is_one_clear_outcome(project: Folder, warm: bool) -> None:
    project.config(CONFIG.format(name="mixed", items="[1, 2, 3, 4, 5, 6, 7, 8]") + f"    warm: {str(warm).lower()}\n")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 1
    assert "ordinary way" not in ended.err
    tasks = project.json("tasks", "last", "mixed")
    found = results(project)
    assert [(task["exit_status"], task["signal"]) for task in tasks] == [
        (1, None), (4, None), (None, 9), (0, None), (1, None), (0, None), (0, None), (0, None)
    ]  # fmt: skip
    assert [task["last_line"] for task in tasks[:2]] == ["ValueError: no one", ""]
    assert "write that into a file" in tasks[4]["last_line"]
    assert found[3]["repr"].startswith("<function mixed.<locals>.<lambda>")
    assert "value" not in found[5]
    assert found[6]["value"] == {"nested": [1, 2.5, None, True, "ü", [1]]}
    assert "value" not in found[7]
    trace = project.run("logs", "last", "mixed", "--task", "1", "--stderr").out
    assert trace.splitlines()[0] == "Traceback (most recent call last):"
    assert "call.py" not in trace
    assert "in mixed" in trace
    project.wait_for_nobody()


@pytest.mark.parametrize("warm", ["true", "false"])
def test_it_runs_where_the_step_does_and_beside_its_own_file(project: Folder, warm: str) -> None:
    project.config(CONFIG.format(name="where", items="[0]") + f"    warm: {warm}\n")
    assert project.run("run").status == 0
    here = str(project.directory)
    expected = [here, ["tasks/work.py"], f"{here}/tasks", "work", "1", False]
    assert results(project)[0]["value"] == expected


def test_a_function_is_a_step_without_inputs_too(project: Folder) -> None:
    project.config("steps:\n  - function: tasks/work.py:add\n    arguments: {a: 1}\n")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert ended.out == "adds 1 100\n"
    assert json.loads(project.run("results", "last", "add").out) == {"value": 101}


@pytest.mark.parametrize("foreach", ["", "    foreach: {items: [{}]}\n"])
def test_a_secret_that_is_returned_is_masked(project: Folder, foreach: str) -> None:
    project.config(
        "secrets: [TOKEN]\nsteps:\n  - function: tasks/work.py:secret\n    env: {TOKEN: '${secrets.TOKEN}'}\n"
        + foreach
    )
    ended = project.run("run", env={"TOKEN": "very-secret-word"})
    assert ended.status == 0, ended.err
    kept = b"".join(path.read_bytes() for path in project.home.rglob("*") if path.is_file())
    assert b"very-secret-word" not in kept
    assert '{"token": "***"}' in project.run("results", "last", "secret").out


def test_a_resume_runs_what_failed_and_keeps_what_was_returned(project: Folder) -> None:
    arguments = "    arguments: {a: '{item}'}\n"
    project.config(CONFIG.format(name="add", items="[1, x, 3]") + arguments)
    assert project.run("run", "--no-prompt").status == 1
    project.write("tasks/neighbour.py", "class Odd:\n    def __radd__(self, a): return str(a)\nVALUE = Odd()\n")
    assert project.run("resume").status == 0
    assert [each["value"] for each in results(project)] == [101, "x", 103]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{function: tasks/work.py:ad}", "there is no function 'ad' in tasks/work.py. Did you mean 'add'?"),
        ("{function: tasks/work.py:add}", "tasks/work.py:add needs 'a', which is not given"),
        ("{function: tasks/work.py:add, arguments: {a: 1, c: 2}}", "has no argument 'c'; it has: a, b"),
        ("{function: tasks/work.py:two, foreach: [1]}", "needs 'b' beside the input; give it under `arguments`"),
        ("{function: tasks/work.py:none, foreach: [1]}", "takes nothing by place, but is given the input"),
        ("{function: tasks/work.py:nothing, foreach: [1]}", "is a generator"),
        ("{function: tasks/work.py:later, foreach: [1]}", "is an async function"),
        ("{function: tasks/work.py:Thing, foreach: [1]}", "tasks/work.py:Thing takes no config: give it"),
        ("{function: tasks/work.py:add, foreach: [1], arguments: {a: 1}}", "its input is used nowhere"),
        ("{function: tasks/gone.py:add, foreach: [1]}", "tasks/gone.py"),
        ("{function: add, foreach: [1]}", "write FILE:NAME, such as tasks/add.py:process_task"),
        ("{function: tasks/work.py, foreach: [1]}", "write FILE:NAME"),
        ("{function: 'tasks/work.py:a b', foreach: [1]}", "'a b' cannot be the name of a function"),
        ("{function: tasks/work.py:add, script: tasks/work.py}", "exclude each other"),
    ],
)
def test_what_cannot_be_called_is_told_before_the_run(project: Folder, step: str, words: str) -> None:
    project.config(f"steps:\n  - {step}\n")
    ended = project.run("validate")
    assert (ended.status, words in ended.err) == (2, True), ended.err
