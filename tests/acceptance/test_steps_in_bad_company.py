"""What people complain of elsewhere: each of it tried here, as far as one machine and one pipeline go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from acceptance.starting import COMMAND, Folder, wait_until


def test_it_works_from_cron_with_hardly_an_environment(folder: Folder) -> None:
    folder.write("which.py", "import sys; print(sys.executable)\n")
    folder.config("steps: [{script: which.py}, {name: shell, command: 'echo $PATH | grep -q bin && date'}]\n")
    ended = subprocess.run(
        [*COMMAND, "--non-interactive"],
        cwd=folder.directory,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder.directory.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert sys.executable in folder.read("crude-link.log")


def test_a_step_that_leaves_a_process_behind_does_not_hold_up_the_run(folder: Folder) -> None:
    folder.config("steps: [{name: leaves, command: 'sleep 600 & echo left'}, {name: after, command: echo after}]\n")
    ended = folder.run("run")
    assert ended.status == 0
    assert ended.out.split() == ["left", "after"]
    folder.wait_for_nobody()


def test_a_daemon_that_a_step_leaves_behind_is_ended(folder: Folder) -> None:
    folder.config("steps: [{name: leaves, command: 'setsid sh -c \"trap : INT TERM; sleep 600\" & sleep 1.2'}]\n")
    assert folder.run("run").status == 0
    folder.wait_for_nobody()


def test_a_very_long_line_and_bytes_that_are_no_text_pass(folder: Folder) -> None:
    folder.write("big.py", "import os\nos.write(1, b'x' * 3_000_000 + b'\\n' + bytes(range(256)) + b'\\n')\n")
    folder.config("steps: [{script: big.py}]\n")
    for words in (("run",), ("--non-interactive",)):
        ended = subprocess.run(
            [*COMMAND, *words], cwd=folder.directory, env=folder.environment, capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
    logged = subprocess.run(
        [*COMMAND, "logs", "1", "big", "--stdout"],
        cwd=folder.directory,
        env=folder.environment,
        capture_output=True,
        check=True,
    )
    assert logged.stdout.startswith(b"x" * 3_000_000 + b"\n")


def test_much_output_of_both_streams_arrives_whole(folder: Folder) -> None:
    folder.config("steps: [{name: much, command: 'seq 200000; seq 200000 >&2'}]\n")
    ended = folder.run("run")
    assert ended.status == 0
    assert ended.out.split() == [str(number) for number in range(1, 200_001)]
    assert folder.run("logs", "much", "--stderr").out == ended.out


def test_a_stopped_reader_holds_up_the_step_but_loses_nothing(folder: Folder) -> None:
    folder.config("steps: [{name: much, command: 'seq 300000; touch done'}]\n")
    source, sink = os.pipe()
    begun = subprocess.Popen(
        [*COMMAND, "run"], cwd=folder.directory, env=folder.environment, stdout=sink, stderr=subprocess.DEVNULL
    )
    os.close(sink)
    with os.fdopen(source, "rb") as reader:
        read = reader.read()
    assert begun.wait() == 0
    assert read.split()[-1] == b"300000"


def test_a_suspended_crude_link_goes_on_where_it_was(folder: Folder) -> None:
    folder.config("steps: [{name: one, command: 'touch one; sleep 0.3'}, {name: two, command: echo two}]\n")
    begun = folder.start("run")
    wait_until((folder.directory / "one").exists, "the step begins")
    begun.send_signal(signal.SIGSTOP)
    wait_until(lambda: not folder.step_processes(), "the step ends meanwhile")
    begun.send_signal(signal.SIGCONT)
    assert begun.wait() == 0
    assert folder.read("out") == "two\n"


def test_the_config_may_be_edited_while_a_run_goes_on(folder: Folder) -> None:
    text = """
steps:
  - {name: one, command: 'touch one; while [ ! -e go ]; do sleep 0.05; done'}
  - {name: two, command: echo A}
"""
    folder.config(text)
    begun = folder.start("run")
    wait_until((folder.directory / "one").exists, "the step begins")
    folder.config(text.replace("echo A", "echo B"))
    folder.write("go", "")
    assert begun.wait() == 0
    assert folder.read("out") == "A\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("- a\n- b\n", "steps"),
        ("name: x\n", "steps"),
        ("steps: [{command: echo a, comand: echo b}]\n", "command"),
        ("steps: [{command: echo a}]\nsteps: [{command: echo b}]\n", "steps"),
        ("steps: [{command: echo a, needs: [missing]}]\n", "missing"),
        ("steps: [{command: echo a, foreach: {items: [1]}}]\n", "foreach"),
        ("steps: [{command: echo a, docker: alpine}]\n", "docker"),
        ("steps: [{command: echo a, python: 3.10}]\n", "python"),
        ("steps: [{command: echo a, env: {A: yes}}]\n", "env"),
        ("steps: [{command: echo a}]\ncron: {minute: */10}\n", "quote"),
        ("steps: [{command: echo a}]\ncron: {hour: 25}\n", "25"),
        ("steps: [{script: train.py --lr 3}]\n", "arguments"),
        ("steps:\n  - command: echo\n    when: 'a' == b\n", "quote"),
        ("steps:\n\t- command: echo\n", "tab"),
    ],
)
def test_a_broken_config_is_told_with_its_line_and_no_traceback(folder: Folder, text: str, words: str) -> None:
    folder.config(text)
    for command in ("validate", "run"):
        ended = folder.run(command)
        assert ended.status == 2, ended
        assert words in ended.err.lower()
        assert "config.yaml" in ended.err
        assert "Traceback" not in ended.err


def test_without_history_and_with_it_the_run_says_how_long_it_takes(folder: Folder) -> None:
    folder.config("steps: [{name: one, command: sleep 1}]\n")
    assert "usually" not in folder.run("run").err
    assert "usually" in folder.run("run").err
    assert "usually" in folder.run("plan").out


def test_keep_going_or_not_is_the_users_choice(folder: Folder) -> None:
    folder.config("""
steps:
  - {name: bad, needs: [], command: exit 1}
  - {name: beside, needs: [], command: echo beside}
  - {name: tolerated, needs: [], command: exit 1, continue_on_failure: true}
  - {name: after-tolerated, needs: [tolerated], command: echo after tolerated}
  - {name: after-bad, needs: [bad], command: echo never}
  - {name: cleanup, needs: [bad], command: echo cleanup, when: always}
  - {name: alarm, needs: [bad], command: echo alarm, when: failed}
""")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 1
    assert folder.steps() == {
        "bad": "failed",
        "beside": "succeeded",
        "tolerated": "failed",
        "after-tolerated": "succeeded",
        "after-bad": "skipped",
        "cleanup": "succeeded",
        "alarm": "succeeded",
    }
    assert "never" not in ended.out
