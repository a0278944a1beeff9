"""The failure prompt: the menu in a terminal, plain questions in a pipe."""

from __future__ import annotations

import signal
import sys

import pexpect
import pytest
from acceptance.starting import Folder, plain

#: The menu's lines, in its order.
MENU = (
    "rerun this step",
    "rerun the whole pipeline",
    "edit the config and rerun the step",
    "skip the step and go on",
    "open a shell in the step's directory and environment",
    "stop here (crude-link resume 1)",
)
DOWN = "\x1b[B"


@pytest.fixture
def failing(folder: Folder) -> Folder:
    """A pipeline whose second step fails unless the file `good` is there; each step leaves a line."""
    folder.config("""
name: demo
env: {COLOUR: green}
steps:
  - {name: first, command: echo first >> lines}
  - {name: second, command: echo second >> lines; echo looking for good; test -e good}
  - {name: third, command: echo third >> lines}
""")
    return folder


class Menu:
    """A crude-link in a terminal whose failure prompt is open."""

    def __init__(self, folder: Folder, *words: str, editor: str = "", shell: str = "") -> None:
        env = {name: value for name, value in (("EDITOR", editor), ("SHELL", shell)) if value}
        self.folder = folder
        self.terminal = folder.terminal(*words, env=env)
        self.wait()

    def wait(self) -> None:
        self.terminal.expect("What now")
        self.terminal.expect("stop here")

    def choose(self, line: str) -> None:
        self.terminal.send(DOWN * MENU.index(line) + "\r")

    def end(self) -> tuple[int | None, str]:
        """Return the exit status and what was shown since the last look."""
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        return self.terminal.exitstatus, plain(self.terminal.before or "")


def test_the_menu_follows_the_last_lines_and_the_exit_in_words(failing: Folder) -> None:
    terminal = failing.terminal()
    terminal.expect("looking for good")
    terminal.expect("exit 1")
    terminal.expect("What now")
    for line in MENU:
        terminal.expect_exact(line)
    terminal.send("\x03")
    terminal.expect("stays failed at 'second'")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert failing.steps() == {"first": "succeeded", "second": "failed", "third": "skipped"}


def test_rerun_this_step_goes_on_from_there(failing: Folder) -> None:
    menu = Menu(failing)
    failing.write("good", "")
    menu.choose("rerun this step")
    status, _ = menu.end()
    assert status == 0
    assert failing.read("lines").split() == ["first", "second", "second", "third"]
    assert len(failing.runs()) == 1


def test_a_step_that_fails_again_is_asked_about_again(failing: Folder) -> None:
    menu = Menu(failing)
    menu.choose("rerun this step")
    menu.wait()
    menu.choose(MENU[-1])
    status, shown = menu.end()
    assert status == 1
    assert "crude-link resume 1" in shown.rstrip().splitlines()[-1]
    assert failing.read("lines").split() == ["first", "second", "second"]


def test_rerun_the_whole_pipeline_is_a_new_run(failing: Folder) -> None:
    menu = Menu(failing)
    failing.write("good", "")
    menu.choose("rerun the whole pipeline")
    status, _ = menu.end()
    assert status == 0
    assert failing.read("lines").split() == ["first", "second", "first", "second", "third"]
    assert [(run["id"], run["status"]) for run in failing.runs()] == [(2, "succeeded"), (1, "failed")]


def test_skip_goes_on_without_the_step(failing: Folder) -> None:
    menu = Menu(failing)
    menu.choose("skip the step and go on")
    status, shown = menu.end()
    assert failing.steps()["second"] == "skipped"
    assert failing.steps()["third"] == "succeeded"
    assert failing.read("lines").split() == ["first", "second", "third"]
    assert "skipped" in shown
    assert status == 0


def test_edit_reads_the_config_again_and_reruns_the_step(failing: Folder) -> None:
    editor = failing.write("editor", "#!/bin/sh\nsed -i 's/test -e good/echo is good now/' \"$1\"\n")
    editor.chmod(0o755)
    menu = Menu(failing, editor=str(editor))
    menu.choose("edit the config and rerun the step")
    status, shown = menu.end()
    assert status == 0
    assert "is good now" in shown
    assert failing.read("lines").split() == ["first", "second", "second", "third"]
    assert "is good now" in failing.json("show")["config"]["text"]


def test_an_edit_that_breaks_the_config_says_where_and_asks_again(failing: Folder) -> None:
    editor = failing.write("editor", "#!/bin/sh\nsed -i 's/^steps:/stpes:/' \"$1\"\n")
    editor.chmod(0o755)
    menu = Menu(failing, editor=str(editor))
    menu.choose("edit the config and rerun the step")
    menu.terminal.expect("did you mean|Did you mean")
    menu.wait()
    menu.choose(MENU[-1])
    assert menu.end()[0] == 1


@pytest.mark.parametrize("editor", ["false", "/no/such/editor"])
def test_an_editor_that_fails_does_not_end_the_prompt(failing: Folder, editor: str) -> None:
    menu = Menu(failing, editor=editor)
    menu.choose("edit the config and rerun the step")
    menu.terminal.expect("editor")
    menu.wait()
    menu.choose(MENU[-1])
    assert menu.end()[0] == 1


def test_an_edit_that_changes_a_finished_step_asks_whether_to_go_on(failing: Folder) -> None:
    editor = failing.write("editor", "#!/bin/sh\nsed -i 's/echo first/echo FIRST/; s/test -e good/true/' \"$1\"\n")
    editor.chmod(0o755)
    menu = Menu(failing, editor=str(editor))
    menu.choose("edit the config and rerun the step")
    menu.terminal.expect("finished already.*first.*N")
    menu.terminal.send("y\r")
    assert menu.end()[0] == 0
    assert failing.read("lines").split() == ["first", "second", "second", "third"]


def test_the_shell_opens_in_the_steps_directory_and_environment(failing: Folder) -> None:
    shell = failing.write("shell", '#!/bin/sh\necho "$COLOUR $CRUDE_LINK_STEP $(pwd)" > seen\ntouch good\n')
    shell.chmod(0o755)
    menu = Menu(failing, shell=str(shell))
    menu.choose("open a shell in the step's directory and environment")
    menu.wait()
    assert failing.read("seen") == f"green second {failing.directory}\n"
    menu.choose("rerun this step")
    assert menu.end()[0] == 0


def test_a_shell_that_cannot_start_does_not_end_the_prompt(failing: Folder) -> None:
    menu = Menu(failing, shell="/no/such/shell")
    menu.choose("open a shell in the step's directory and environment")
    menu.terminal.expect("cannot be started")
    menu.wait()
    menu.choose(MENU[-1])
    assert menu.end()[0] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_ends_it_and_the_run_stays_failed(failing: Folder, number: signal.Signals) -> None:
    menu = Menu(failing)
    menu.terminal.kill(number)
    status, _ = menu.end()
    assert status == 128 + number
    assert [run["status"] for run in failing.runs()] == ["failed"]


TWO = """
pipelines:
  one: {steps: [{name: bad, command: exit 3}]}
  two: {steps: [{name: good, command: echo two >> lines}]}
"""


@pytest.mark.parametrize(("key", "status"), [("stop", 1), ("ctrl-c", 130)])
def test_who_stops_at_the_prompt_wants_no_further_pipeline(folder: Folder, key: str, status: int) -> None:
    folder.config(TWO)
    menu = Menu(folder)
    if key == "stop":
        menu.terminal.send("\x1b[A\r")
    else:
        menu.terminal.send("\x03")
    assert menu.end()[0] == status
    assert folder.read("lines") == ""


def test_without_an_answer_the_next_pipeline_runs(folder: Folder) -> None:
    folder.config(TWO)
    assert folder.run(keys="").status == 1
    assert folder.read("lines") == "two\n"


def test_rerunning_the_pipeline_takes_the_config_that_was_read(failing: Folder) -> None:
    menu = Menu(failing)
    (failing.directory / "config.yaml").unlink()
    failing.write("good", "")
    menu.choose("rerun the whole pipeline")
    assert menu.end()[0] == 0
    shown = failing.json("show", "2")
    assert "looking for good" in shown["config"]["text"]
    assert shown["origin"] == "rerun"


def test_no_prompt_asks_nothing(failing: Folder) -> None:
    terminal = failing.terminal("--no-prompt")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 1
    assert "What now" not in (terminal.before or "")


def test_a_pipe_is_asked_plain_questions(failing: Folder) -> None:
    ended = failing.run(keys="n\nn\n")
    assert ended.status == 1
    questions = [line for line in ended.err.splitlines() if "[y/N]" in line]
    assert len(questions) == 2
    assert "step" in questions[0]
    assert "whole pipeline" in questions[1]
    assert ended.last_line.endswith("crude-link resume 1")


def test_y_reruns_the_step_and_n_y_the_pipeline(failing: Folder) -> None:
    ended = failing.run(keys="y\nn\ny\n")
    assert ended.status == 1
    assert failing.read("lines").split() == ["first", "second", "second", "first", "second"]
    assert [run["id"] for run in failing.runs()] == [2, 1]


def test_a_step_that_was_repaired_meanwhile_ends_well(folder: Folder) -> None:
    folder.config("steps: [{name: once, command: 'test -e tried || { touch tried; exit 4; }'}]\n")
    ended = folder.run(keys="y\n")
    assert ended.status == 0, ended.err
    assert "exit 4" in ended.err


@pytest.mark.parametrize("keys", ["", "\n", "maybe\nno\n", "n"])
def test_end_of_input_and_anything_else_mean_no(failing: Folder, keys: str) -> None:
    assert failing.run(keys=keys).status == 1
    assert failing.read("lines").split() == ["first", "second"]


def test_a_script_that_asks_is_told_that_steps_have_no_keyboard(folder: Folder) -> None:
    folder.write("ask.py", "name = input('your name? ')\n")
    folder.config(f"steps: [{{name: ask, command: [{sys.executable}, ask.py]}}]\n")
    ended = folder.run("run", "--no-prompt", keys="ada\n")
    assert ended.status == 1
    assert "steps have no keyboard" in ended.err
    terminal = folder.terminal("run", "--no-prompt")
    terminal.expect("steps have no keyboard")
    terminal.expect(pexpect.EOF)
