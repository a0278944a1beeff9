"""What a person sees while a run goes on, and what the log keeps of it."""

from __future__ import annotations

import subprocess
import sys

import pexpect
import pytest
from acceptance.starting import COMMAND, Folder, plain

BAR = """
import os, sys, time
for number in range(1, 6):
    sys.stderr.write(f"\\r{number * 20:3d} % done")
    sys.stderr.flush()
    while number == 3 and not os.path.exists("go"):
        time.sleep(0.02)
sys.stderr.write("\\n")
print("terminal" if sys.stdout.isatty() else "no terminal", os.isatty(2))
"""


@pytest.fixture
def bar(folder: Folder) -> Folder:
    folder.write("bar.py", BAR)
    folder.config(f"steps: [{{name: bar, command: [{sys.executable}, bar.py]}}]\n")
    return folder


def test_a_progress_bar_moves_live_and_the_log_keeps_its_end(bar: Folder) -> None:
    terminal = bar.terminal("run")
    terminal.expect("\r 20 % done\r 40 % done\r 60 % done")
    bar.write("go", "")
    terminal.expect(pexpect.EOF)
    assert "100 % done" in (terminal.before or "")
    assert "terminal True" in (terminal.before or "")
    logged = bar.run("logs", "bar").out.splitlines()
    assert [line for line in logged if "%" in line] == ["100 % done"]


def test_between_pipes_a_step_sees_no_terminal(bar: Folder) -> None:
    bar.write("go", "")
    ended = bar.run("run")
    assert "no terminal False" in ended.out
    assert "\x1b" not in ended.out + ended.err


def test_python_output_comes_at_once_without_a_terminal_too(folder: Folder) -> None:
    folder.write(
        "talk.py", "import os, time\nprint('early')\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\n"
    )
    folder.config("steps: [{script: talk.py}]\n")
    begun = folder.start("run")
    folder.wait_for_text("out", "early")
    assert begun.poll() is None
    folder.write("go", "")
    assert begun.wait() == 0


def test_colours_on_a_terminal_and_none_with_no_color(folder: Folder) -> None:
    folder.config("steps: [{name: talk, command: 'echo hello'}]\n")
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = folder.terminal("run", env=env)
        terminal.expect(pexpect.EOF)
        assert ("\x1b[" in (terminal.before or "")) is coloured
        assert "succeeded" in plain(terminal.before or "")
    for words in (("runs",), ("show",), ("--help",)):
        terminal = folder.terminal(*words, env={"NO_COLOR": "1"})
        terminal.expect(pexpect.EOF)
        assert "\x1b[3" not in (terminal.before or "")


def test_steps_write_to_stdout_and_our_talk_to_stderr(folder: Folder) -> None:
    folder.config("steps: [{name: talk, command: 'echo to out; echo to err >&2'}]\n")
    ended = folder.run("run")
    assert ended.out == "to out\n"
    assert "to err" in ended.err
    assert "run 1 succeeded" in ended.err
    silent = subprocess.run(
        [*COMMAND, "run"],
        cwd=folder.directory,
        env=folder.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    assert silent.stdout == b"to out\n"


def test_steps_side_by_side_write_whole_lines_with_their_names(folder: Folder) -> None:
    loop = "for i in $(seq 200); do printf half-; echo $i; done"
    folder.config(f"""
steps:
  - {{name: left, needs: [], command: '{loop}'}}
  - {{name: right, needs: [], command: '{loop}'}}
""")
    ended = folder.run("run")
    assert ended.status == 0
    lines = ended.out.splitlines()
    assert sorted(lines) == sorted(f"{name} | half-{n}" for name in ("left", "right") for n in range(1, 201))
    assert folder.run("logs", "left").out.splitlines() == [f"half-{n}" for n in range(1, 201)]


def test_independent_steps_really_run_side_by_side(folder: Folder) -> None:
    folder.config("""
steps:
  - {name: left, needs: [], command: 'touch left; while [ ! -e right ]; do sleep 0.02; done', timeout: 20s}
  - {name: right, needs: [], command: 'touch right; while [ ! -e left ]; do sleep 0.02; done', timeout: 20s}
  - {name: both, needs: [left, right], command: 'test -e left; test -e right'}
""")
    ended = folder.run("run")
    assert ended.status == 0, ended.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("kill -SEGV $$", "signal 11 (segmentation fault)"),
        ("kill -KILL $$", "killed by signal 9, not by crude-link"),
        ("exit 42", "exit 42"),
        ("sleep 600", "timed out after 0.5 s"),
    ],
)
def test_an_end_is_said_in_words(folder: Folder, command: str, words: str) -> None:
    folder.config(f"steps: [{{name: ends, command: '{command}', timeout: 0.5s}}]\n")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 1
    assert words in ended.err
    assert words in ended.last_line
    assert words in folder.run("why").out


def test_the_run_ends_with_a_table_of_times_against_the_usual_ones(folder: Folder) -> None:
    folder.config("""
steps:
  - {name: one, command: 'sleep 1'}
  - {name: two, when: params.go == 1, command: 'true'}
params: {go: 0}
""")
    assert folder.run("run").status == 0
    ended = folder.run("run")
    table = ended.err[ended.err.index("step ") :]
    for word in ("status", "time", "memory", "CPU", "reason", "succeeded", "skipped", "params.go"):
        assert word in table
    assert "usually" in ended.err
    assert "two skipped" in ended.last_line


def test_the_last_lines_of_a_failed_step_are_shown_where_its_output_was_mixed(folder: Folder) -> None:
    folder.config("""
steps:
  - {name: bad, needs: [], command: 'seq 100; echo the reason >&2; exit 1'}
  - {name: other, needs: [], command: 'sleep 0.2; seq 500'}
""")
    ended = folder.run("run", "--no-prompt")
    assert "the last lines of bad" in ended.err
    tail = ended.err[ended.err.index("the last lines of bad") :]
    assert "the reason" in tail


def test_every_other_ending_of_a_step_goes_to_its_own_place(folder: Folder) -> None:
    folder.config("""
steps:
  - {name: makes, command: 'true', outputs: not-made.txt, continue_on_failure: true}
  - {name: measures, command: 'true', metrics: not-there.json, continue_on_failure: true}
  - {name: tries, command: 'test -e tried || { touch tried; exit 1; }', retries: 2}
  - {name: always, command: 'echo cleaned up', when: always}
""")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 1
    assert folder.steps() == {"makes": "failed", "measures": "failed", "tries": "succeeded", "always": "succeeded"}
    assert "not-made.txt" in ended.err
    assert "not-there.json" in ended.err
    assert "try 2 of 3" in ended.err
