"""`${steps.S.results_file}`: a later step reads all that an earlier one gave, in one file."""

from __future__ import annotations

import pytest
from acceptance.starting import Folder

FUNCTIONS = """
import json
import os

def square(n):
    if n == 2 and not os.path.exists("mended"):
        raise ValueError("no two yet")
    return n * n

def total(path):
    return sum(json.loads(line)["value"] for line in open(path) if '"succeeded"' in line)
"""
CONFIG = """
steps:
  - {function: tasks/work.py:square, foreach: {range: 4}, allow_failed: 1}
  - {function: tasks/work.py:total, arguments: {path: '${steps.square.results_file}'}}
  - {name: printed, command: 'echo {item}', foreach: {range: 2}, needs: []}
  - name: show
    command: cat ${steps.square.results_file} ${steps.total.results_file} ${steps.printed.results_file}
    needs: [square, total, printed]
  - name: each
    command: "echo {item.task} {item.status}"
    foreach: {jsonl: '${steps.square.results_file}'}
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("tasks/work.py", FUNCTIONS)
    folder.config(CONFIG)
    return folder


def test_the_file_has_the_lines_that_the_command_results_prints(project: Folder) -> None:
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    lines = [project.run("results", "1", step).out for step in ("square", "total", "printed")]
    assert project.run("logs", "1", "show").out == "".join(lines)
    assert lines[1] == '{"value": 10}\n'
    assert len(project.run("logs", "1", "each").out.split("==>")) == 5


def test_after_a_resume_the_file_tells_of_what_is_so_now(project: Folder) -> None:
    project.config(CONFIG.replace("allow_failed: 1", "allow_failed: 0"))
    assert project.run("run", "--no-prompt").status == 1
    project.write("mended", "")
    ended = project.run("resume", "--no-prompt")
    assert ended.status == 0, ended.err
    assert project.run("results", "1", "total").out == '{"value": 14}\n'
    assert project.run("logs", "1", "show").out.count('"failed"') == 0
