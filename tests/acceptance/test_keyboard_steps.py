"""Steps with `stdin: terminal`, and the person's window."""

from __future__ import annotations

import sys

import pexpect
import pytest
from acceptance.starting import Folder, plain

ASK = """
import getpass, os, sys
name = input("your name? ")
print("hello", name, os.isatty(0), os.get_terminal_size(0).columns)
word = getpass.getpass("a word? ")
print("of", len(word), "letters")
"""


@pytest.fixture
def asking(folder: Folder) -> Folder:
    folder.write("ask.py", ASK)
    folder.config(f"steps: [{{name: ask, command: [{sys.executable}, ask.py], stdin: terminal}}]\n")
    return folder


def test_a_step_with_the_keyboard_can_ask(asking: Folder) -> None:
    terminal = asking.terminal("run")
    terminal.expect("your name")
    terminal.send("ada\r")
    terminal.expect("hello ada True 120")
    terminal.expect("a word")
    terminal.send("secret\r")
    terminal.expect("of 6 letters")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_ctrl_c_still_ends_a_step_with_the_keyboard(asking: Folder) -> None:
    terminal = asking.terminal("run")
    terminal.expect("your name")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert asking.runs()[0]["status"] == "cancelled"


def test_the_terminal_is_as_before_when_it_is_over(asking: Folder) -> None:
    asking.write("config.yaml", asking.read("config.yaml"))
    terminal = asking.terminal("-c", f"{sys.executable} -m crude_link run; stty -a; cat", entrance=("/bin/sh",))
    terminal.expect("your name")
    terminal.send("ada\r")
    terminal.expect("a word")
    terminal.send("secret\r")
    terminal.expect("run 1 succeeded")
    terminal.expect("speed")
    terminal.expect(" -?icanon .* -?echo ")
    assert " icanon" in str(terminal.after)
    assert " echo" in str(terminal.after)
    terminal.sendeof()
    terminal.expect(pexpect.EOF)


def test_without_a_terminal_a_question_fails_at_once(asking: Folder) -> None:
    ended = asking.run("run", "--no-prompt", keys="ada\nsecret\n")
    assert ended.status in (1, 2)
    assert "terminal" in ended.err or "keyboard" in ended.err
    asking.wait_for_nobody()


def test_a_step_hears_of_another_size_of_the_window(folder: Folder) -> None:
    folder.write(
        "size.py",
        "import os, time\nprint('begins', flush=True)\n"
        "while os.get_terminal_size(1).columns != 77:\n    time.sleep(0.02)\nprint('is 77 wide')\n",
    )
    folder.config(f"steps: [{{name: size, command: [{sys.executable}, size.py], timeout: 10s}}]\n")
    terminal = folder.terminal("run", "--no-prompt")
    terminal.expect("begins")
    terminal.setwinsize(30, 77)
    terminal.expect(pexpect.EOF)
    assert "is 77 wide" in plain(terminal.before or "")
