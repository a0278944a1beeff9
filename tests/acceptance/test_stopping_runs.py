"""Ctrl-C, TERM, a closed terminal and `stop`: the whole tree of a step ends, and the run can be resumed."""

from __future__ import annotations

import signal
import sys
import time

import pexpect
import pytest
from acceptance.starting import Folder, plain, wait_until

#: A step with a child in another session; `deaf` ones hear nothing but KILL. The file `go` lets it succeed.
STEP = """
import os, signal, sys, time
if os.path.exists("go"):
    print("went through")
    sys.exit(0)
if "deaf" in sys.argv:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
else:
    def say(number, frame):
        with open("heard", "a") as file:
            file.write(signal.Signals(number).name + "\\n")
        if number == signal.SIGTERM:
            sys.exit(1)
    signal.signal(signal.SIGINT, say)
    signal.signal(signal.SIGTERM, say)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
print("begun", flush=True)
with open("begun", "a") as file:
    file.write("begun\\n")
while True:
    time.sleep(0.05)
"""


def prepare(folder: Folder, *, deaf: bool, grace: str) -> None:
    folder.write("step.py", STEP)
    word = ", deaf" if deaf else ""
    folder.config(f"""
defaults: {{stop_grace: {grace}}}
steps:
  - {{name: first, command: echo first >> firsts}}
  - {{name: long, command: [{sys.executable}, step.py{word}]}}
  - {{name: after, command: echo after}}
""")


def check_cancelled_and_resumable(folder: Folder) -> None:
    folder.wait_for_nobody()
    run = folder.runs()[0]
    assert run["status"] == "cancelled"
    assert run["reason"]
    steps = folder.steps()
    assert steps["first"] == "succeeded"
    assert steps["long"] == "cancelled"
    assert steps["after"] != "succeeded"
    folder.write("go", "")
    ended = folder.run("resume")
    assert ended.status == 0, ended.err
    assert "went through" in ended.out
    assert folder.read("firsts") == "first\n"


@pytest.mark.parametrize("deaf", [False, True])
def test_ctrl_c_ends_the_whole_tree_and_the_run_is_cancelled(folder: Folder, deaf: bool) -> None:
    prepare(folder, deaf=deaf, grace="0.3s")
    terminal = folder.terminal()
    terminal.expect("begun")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    last = plain(terminal.before or "").rstrip().splitlines()[-1]
    assert "cancelled" in last
    assert "crude-link resume 1" in last
    if not deaf:
        assert folder.read("heard").split() == ["SIGINT", "SIGTERM"]
    check_cancelled_and_resumable(folder)


def test_a_second_ctrl_c_ends_it_at_once(folder: Folder) -> None:
    prepare(folder, deaf=False, grace="1h")
    terminal = folder.terminal()
    terminal.expect("begun")
    terminal.sendintr()
    folder.wait_for_text("heard", "SIGINT")
    time.sleep(0.2)  # what comes at once is no second Ctrl-C
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert folder.read("heard").split() == ["SIGINT"]
    check_cancelled_and_resumable(folder)


def test_term_ends_it_with_143(folder: Folder) -> None:
    prepare(folder, deaf=False, grace="0.3s")
    begun = folder.start("run")
    folder.wait_for_text("begun", "begun")
    begun.terminate()
    assert begun.wait() == 143
    assert "stopped by TERM" in folder.runs()[0]["reason"]
    check_cancelled_and_resumable(folder)


def test_a_closed_terminal_ends_it(folder: Folder) -> None:
    prepare(folder, deaf=True, grace="0.3s")
    terminal = folder.terminal()
    terminal.expect("begun")
    terminal.close(force=False)
    wait_until(lambda: not terminal.isalive(), "crude-link ends")
    check_cancelled_and_resumable(folder)


@pytest.mark.parametrize(("words", "grace"), [(("stop",), "0.3s"), (("stop", "1", "--now"), "1h")])
def test_stop_works_from_another_process(folder: Folder, words: tuple[str, ...], grace: str) -> None:
    prepare(folder, deaf=False, grace=grace)
    begun = folder.start("run")
    folder.wait_for_text("begun", "begun")
    stopped = folder.run(*words)
    assert stopped.status == 0
    assert stopped.last_line.endswith("crude-link resume 1")
    assert begun.wait() == 1
    assert "stopped by" in folder.runs()[0]["reason"]
    assert folder.run("stop").status == 0  # once more does no harm
    check_cancelled_and_resumable(folder)


def test_a_gentle_stop_can_be_followed_by_one_at_once(folder: Folder) -> None:
    prepare(folder, deaf=False, grace="1h")
    begun = folder.start("run")
    folder.wait_for_text("begun", "begun")
    gentle = folder.start("stop")
    folder.wait_for_text("heard", "SIGINT")
    assert folder.run("stop", "--now").status == 0
    assert gentle.wait() == 0
    begun.wait()
    check_cancelled_and_resumable(folder)


def test_a_timeout_ends_the_whole_tree_and_is_said_in_words(folder: Folder) -> None:
    prepare(folder, deaf=True, grace="0.2s")
    folder.config(folder.read("config.yaml").replace("{name: long,", "{name: long, timeout: 1s,"))
    ended = folder.run("run")
    assert ended.status == 1
    assert "'long': timed out after 1 s" in ended.err
    folder.wait_for_nobody()
    assert folder.steps()["long"] == "failed"


def test_the_run_itself_can_time_out(folder: Folder) -> None:
    prepare(folder, deaf=False, grace="0.2s")
    folder.config("timeout: 1s\n" + folder.read("config.yaml"))
    ended = folder.run("run")
    assert ended.status == 1
    assert "the run timed out after 1 s · crude-link logs 1 long · " in ended.err
    folder.wait_for_nobody()


def test_ctrl_c_while_the_config_is_read_ends_it_and_nothing_is_recorded(folder: Folder) -> None:
    folder.config("params: {a: '${exec:touch asked; sleep 100}'}\nsteps: ['echo ${params.a}']\n")
    terminal = folder.terminal("run")
    wait_until((folder.directory / "asked").exists, "the program of the reference runs")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert folder.runs() == []


def test_term_while_the_config_is_read_ends_it_unattended_too(folder: Folder) -> None:
    folder.config("params: {a: '${exec:touch asked; sleep 100}'}\nsteps: ['echo ${params.a}']\n")
    begun = folder.start("--non-interactive")
    wait_until((folder.directory / "asked").exists, "the program of the reference runs")
    begun.send_signal(signal.SIGTERM)
    assert begun.wait() in (143, -signal.SIGTERM)
    assert folder.runs() == []


def test_a_ctrl_c_that_a_wrapper_passes_on_once_more_is_no_second_one(folder: Folder) -> None:
    folder.config("""
steps:
  - name: careful
    command: |
      trap 'sleep 0.5; echo saved > saved; exit 1' INT
      touch ready
      while :; do sleep 0.05; done
""")
    begun = folder.start("run")
    wait_until((folder.directory / "ready").exists, "the step is ready")
    begun.send_signal(signal.SIGINT)
    begun.send_signal(signal.SIGINT)
    assert begun.wait() == 130
    assert folder.read("saved") == "saved\n"
