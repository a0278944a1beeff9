"""`export --joblog`: which command each task ran."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from acceptance.starting import Folder

#: The interpreter of the steps as job logs name it.
PYTHON = Path(sys.executable).name

CONFIG = """
secrets: [TOKEN]
resources: {KEY: [k1, k2]}
steps:
  - name: shell
    command: echo "{item}" {index} ${run.id} ${secrets.TOKEN} {resource.KEY}
    foreach: {lines: in.txt}
    resources: {KEY: per task}
  - {name: words, command: [echo, "x{item}"], foreach: {step: lister}, needs: [lister]}
  - {name: lister, command: "printf '1\\\\n2\\\\n'", needs: []}
  - name: script
    script: work.py
    arguments: {name: "{item.name}", rate: "{item.rate}"}
    foreach: {items: [{name: p q, rate: 1}, {name: -r, rate: 2.5}]}
  - {name: printed, command: "echo {item}", foreach: {command: seq 2}}
"""
SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("--rate", type=float)
print(parser.parse_args())
"""


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("work.py", SCRIPT)
    folder.write("in.txt", "a b\nit's\nthree\n")
    folder.config(CONFIG)
    ended = folder.run("run", "--no-prompt", env={"TOKEN": "hunter2"})
    assert ended.status == 0, ended.err
    return folder


def commands(project: Folder, step: str) -> list[str]:
    assert project.run("export", "1", step, "--joblog", "jobs.tsv").status == 0
    return [line.split("\t")[-1] for line in project.read("jobs.tsv").splitlines()[1:]]


def test_each_task_has_the_command_that_ran_without_secrets_and_what_slots_held(project: Folder) -> None:
    hidden = "'${secrets.TOKEN}' '{resource.KEY}'"
    assert commands(project, "shell") == [
        f'echo "a b" 1 1 {hidden}',
        f'echo "it\'s" 2 1 {hidden}',
        f'echo "three" 3 1 {hidden}',
    ]
    assert commands(project, "words") == ["echo x1", "echo x2"]
    assert commands(project, "script") == [f"{PYTHON} work.py --rate=1 'p q'", f"{PYTHON} work.py --rate=2.5 -- -r"]


def test_where_an_input_or_the_script_is_another_now_the_command_is_that_of_the_step(project: Folder) -> None:
    project.write("in.txt", "a b\nother\n")
    assert [command.startswith('echo "{item}" {index}') for command in commands(project, "shell")] == [
        False,
        True,
        True,
    ]
    project.write("work.py", SCRIPT + "# changed\n")
    assert commands(project, "script") == 2 * [PYTHON + " work.py '--rate={item.rate}' '{item.name}'"]
    assert commands(project, "printed") == 2 * ["echo {item}"]
