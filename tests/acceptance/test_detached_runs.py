"""Runs in the background: begun by --detach, waited for, followed, and found by whoever looks."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from acceptance.starting import THREE, Folder, wait_until


def lines(folder: Folder) -> list[str]:
    return folder.read("lines").splitlines()


def test_detach_prints_the_id_and_wait_returns_the_status(three: Folder) -> None:
    three.config(THREE.replace("test ! -e bad", "while [ ! -e go ]; do sleep 0.05; done"))
    begun = three.run("run", "--detach")
    assert (begun.status, begun.out) == (0, "1\n")
    assert three.json("runs")[0]["status"] in ("waiting", "running")
    waiting = three.start("wait", "1")
    three.wait_for_text("lines", "two")
    assert waiting.poll() is None
    three.write("go", "")
    assert waiting.wait() == 0
    assert three.runs()[0]["status"] == "succeeded"
    three.config(THREE)
    three.write("bad", "")
    three.run("run", "--detach")
    ended = three.run("wait")
    assert ended.status == 1
    assert ended.last_line == "run 2 failed at 'two': exit 1 · crude-link logs 2 two · crude-link resume 2"
    three.wait_for_nobody()


def test_wait_and_logs_f_end_when_the_run_is_lost(three: Folder) -> None:
    three.config(THREE.replace("test ! -e bad", "while [ ! -e go ]; do sleep 0.05; done"))
    three.run("run", "--detach")
    three.wait_for_text("lines", "two")
    waiting, following = three.start("wait"), three.start("logs", "-f")
    os.kill(three.json("show")["sittings"][0]["pid"], signal.SIGKILL)
    assert waiting.wait() == 1
    assert following.wait() == 0
    assert "run 1 lost" in three.read("err")
    three.write("go", "")
    assert three.run("resume").status == 0
    assert lines(three) == ["one hello", "two", "two", "three"]


def test_a_detached_run_outlives_the_terminal(three: Folder) -> None:
    three.config(THREE.replace("test ! -e bad", "while [ ! -e go ]; do sleep 0.05; done"))
    terminal = three.terminal("run", "--detach")
    terminal.expect("1")
    wait_until(lambda: not terminal.isalive(), "the command returns")
    terminal.close()
    three.wait_for_text("lines", "two")
    three.write("go", "")
    assert three.run("wait").status == 0


@pytest.mark.parametrize("module", ["click", "yaml", "select", "omegaconf", "json"])
def test_a_detached_run_is_not_confused_by_modules_of_the_project(folder: Folder, module: str) -> None:
    folder.write(f"{module}.py", "raise SystemExit('this is not the library')\n")
    folder.config("steps: [{name: only, command: echo done}]\n")
    # The test's own entrance is `python -m`, which the project's modules would confuse: started from elsewhere.
    program = "import sys; sys.path.remove(''); from crude_link.cli import main; sys.exit(main())"
    ended = folder.run("run", "--detach", entrance=(sys.executable, "-c", program))
    assert ended.status == 0, ended.err
    waited = folder.run("wait", ended.out.strip(), entrance=(sys.executable, "-c", program))
    assert waited.status == 0, waited.err


def test_a_detached_run_finds_a_store_whose_place_was_given_relative(folder: Folder) -> None:
    folder.config("steps: [{name: only, command: echo done}]\n")
    env = {"CRUDE_LINK_HOME": "records"}
    inner = folder.directory / "inner"
    inner.mkdir()
    (folder.home).mkdir()
    ended = folder.run("run", "-c", "../config.yaml", "--detach", cwd=inner, env=env)
    assert ended.status == 0, ended.err
    assert folder.run("wait", "1", cwd=inner, env=env).status == 0


def test_several_detached_runs_at_once_are_normal(three: Folder) -> None:
    for expected in ("1", "2", "3", "4"):
        assert three.run("run", "--detach").out.strip() == expected
    for run in ("1", "2", "3", "4"):
        assert three.run("wait", run).status == 0
    assert sorted(lines(three)) == sorted(["one hello", "two", "three"] * 4)


# --- going on -----------------------------------------------------------------------------------------------
