"""What a person sees of a fan-out, and the commands that look at its tasks, with the program as it is started."""

from __future__ import annotations

import json

import pexpect
import pytest
from acceptance.starting import Folder, plain

FAN = """
steps:
  - name: fetch
    command: |
      echo "page {item}"
      test {item} -ne 3 -o -e mended || { echo "HTTP 403: page {item}" >&2; exit 22; }
      test {item} -ne 5 || while ! test -e go; do sleep 0.02; done
    foreach: {range: [1, 7]}
    parallel: 2
"""


@pytest.fixture
def fan(folder: Folder) -> Folder:
    folder.config(FAN)
    return folder


def test_a_terminal_shows_a_line_that_lives_and_leaves_nothing_of_it(fan: Folder) -> None:
    terminal = fan.terminal("run", "--no-prompt")
    terminal.expect("slowest 5: ")  # told while no task ends
    seen = plain(terminal.before or "")
    assert "5/6 done · 1 failed · 1 running" in seen
    fan.write("go", "")
    terminal.expect(pexpect.EOF)
    assert "1 of 6 tasks failed" in plain(terminal.before or "")
    assert "\r\x1b[2K" in (terminal.before or "")


def test_a_pipe_gets_plain_lines(fan: Folder) -> None:
    fan.write("go", "")
    ended = fan.run("run", "--no-prompt")
    assert ended.status == 1
    assert "\x1b" not in ended.err
    assert "✗ fetch  task 3: exit 22" in ended.err
    assert ended.last_line.endswith("crude-link tasks 1 fetch --failed · crude-link resume 1")


def test_resume_failed_runs_only_what_failed(fan: Folder) -> None:
    fan.write("go", "")
    fan.run("run", "--no-prompt")
    fan.write("mended", "")
    ended = fan.run("resume", "--failed")
    assert ended.status == 0, ended.err
    assert "1 more task in " in ended.err
    tasks = fan.json("tasks", "last", "fetch")
    assert [(task["task"], task["try"]) for task in tasks if task["try"] > 1] == [(3, 2)]
    assert fan.run("logs", "--task", "3").out == "page 3\n"


def test_a_limit_takes_the_first_inputs_and_holds_when_it_is_resumed(fan: Folder) -> None:
    fan.write("go", "")
    assert fan.run("run", "--limit", "4", "--no-prompt").status == 1
    assert [task["task"] for task in fan.json("tasks")] == [1, 2, 3, 4]
    fan.write("mended", "")
    assert fan.run("resume").status == 0
    results = [json.loads(line) for line in fan.run("results").out.splitlines()]
    assert [each["stdout"] for each in results] == ["page 1", "page 2", "page 3", "page 4"]


def test_options_about_tasks_are_refused_where_there_are_none(folder: Folder) -> None:
    folder.config("steps: [{command: exit 1}]\n")
    assert "there is no such step" in folder.run("run", "--limit", "3").err
    folder.run("run", "--no-prompt")
    ended = folder.run("resume", "--failed")
    assert ended.status == 2
    assert "--failed is about tasks" in ended.err


def test_a_log_tells_how_a_fan_out_began_and_ended(fan: Folder) -> None:
    fan.write("go", "")
    fan.write("mended", "")
    assert fan.run("--non-interactive").status == 0
    log = fan.read("crude-link.log")
    assert "for each of range [1, 7], in 2 slots" in log
    assert "succeeded: 6 tasks in " in log
