"""Functions that raise `crude_link.Retry`, under a Python that has no crude-link."""

from __future__ import annotations

import venv
from pathlib import Path

import pytest
from acceptance.starting import Folder

FUNCTIONS = """
import os
from datetime import timedelta
import crude_link

ATTEMPT = "CRUDE_LINK_ATTEMPT"

class Busy(crude_link.Retry):
    pass

def twice(n=1):
    print("try", os.environ[ATTEMPT])
    if n == 1 and int(os.environ[ATTEMPT]) < 3:
        raise Busy("server\\nis busy", after=timedelta(seconds=0.2))
    return n

def always(n=1):
    raise crude_link.Retry("never ready")

def once(n=1):
    if os.environ[ATTEMPT] == "1":
        raise crude_link.Retry(os.environ.get("TOKEN", "no token"), after=0)
    raise KeyError("really wrong")
"""


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without any package."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder / "bin" / "python"


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.write("tasks/work.py", FUNCTIONS)
    return folder


@pytest.mark.parametrize("more", ["", "foreach: [1, 2]", "foreach: [1, 2], warm: false"])
def test_a_function_that_asks_is_tried_again_under_any_python(project: Folder, bare_python: Path, more: str) -> None:
    project.config(f"steps:\n  - {{function: tasks/work.py:twice, python: {bare_python}, {more}}}\n")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert "asked for another try: server is busy" in ended.err
    if not more:
        attempts = project.json("show", "last")["attempts"]
        assert [each["outcome"]["reason"] for each in attempts] == ["asked for another try: server is busy"] * 2 + [
            ""
        ]
        return
    assert [(each["task"], each["try"]) for each in project.json("tasks", "last", "twice")] == [(1, 3), (2, 1)]
    said = project.run("logs", "last", "twice", "--task", "1", "--attempt", "1")
    assert said.out.splitlines() == ["try 1", "asked for another try: server is busy"]


@pytest.mark.parametrize(("retries", "tries"), [("", 21), ("retries: 2", 3)])
def test_one_that_always_asks_comes_to_an_end(project: Folder, retries: str, tries: int) -> None:
    project.config(f"steps:\n  - {{function: tasks/work.py:always, foreach: [1], {retries}}}\n")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 1
    task = project.json("tasks", "last", "always")[0]
    assert (task["try"], task["exit_status"], task["reason"]) == (tries, 75, "asked for another try: never ready")
    assert project.run("results", "last", "always", "--jsonl").out.count("value") == 0


def test_one_that_asks_and_then_fails_has_failed(project: Folder) -> None:
    project.config("steps:\n  - {function: tasks/work.py:once, foreach: [1]}\n")
    assert project.run("run", "--no-prompt").status == 1
    task = project.json("tasks", "last", "once")[0]
    assert (task["try"], task["exit_status"], task["last_line"]) == (2, 1, "KeyError: 'really wrong'")


@pytest.mark.parametrize("foreach", ["", "foreach: [1]"])
def test_a_secret_in_the_reason_is_masked(project: Folder, foreach: str) -> None:
    step = f"{{function: tasks/work.py:once, env: {{TOKEN: '${{secrets.TOKEN}}'}}, {foreach}}}"
    project.config(f"secrets: [TOKEN]\nsteps:\n  - {step}\n")
    ended = project.run("run", "--no-prompt", env={"TOKEN": "very-secret-word"})
    assert "asked for another try: ***" in ended.err
    assert "very-secret" not in ended.err
    kept = b"".join(path.read_bytes() for path in project.home.rglob("*") if path.is_file())
    assert b"very-secret-word" not in kept


def test_a_projects_own_package_of_that_name_goes_first(project: Folder) -> None:
    project.write("tasks/crude_link.py", "class Retry(Exception):\n    after_seconds = 0\n")
    project.config("steps:\n  - {function: tasks/work.py:always, foreach: [1]}\n")
    ended = project.run("run", "--no-prompt")
    assert ended.status == 1
