"""`crude-link logs`, also while a run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from look_project import SUCCESS, LookProject

from crude_link.cli import main
from crude_link.model.event import Stream
from crude_link.model.status import Status

CRUDE_LINK = [sys.executable, "-m", "crude_link"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LookProject]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRUDE_LINK_HOME", raising=False)
    project = LookProject.at(tmp_path)
    yield project
    project.leave()


Logs = Callable[..., str]


@pytest.fixture
def logs(capfdbinary: pytest.CaptureFixture[bytes]) -> Logs:
    def logs(*words: str) -> str:
        capfdbinary.readouterr()
        assert main(["logs", *words]) == 0
        return capfdbinary.readouterr().out.decode()

    return logs


def test_a_step_s_newest_attempt_is_printed_in_order_of_arrival(project: LookProject, logs: Logs) -> None:
    run = project.failed_run()
    for words in ([str(run), "train"], ["train"], ["last", "train"]):
        assert logs(*words) == "epoch 1\nTraceback\nend\n"


def test_one_stream_and_one_attempt_can_be_chosen(project: LookProject, logs: Logs) -> None:
    project.failed_run()
    assert logs("train", "--stdout") == "epoch 1\nend\n"
    assert logs("train", "--stderr", "--attempt", "1") == "Traceback\n"


def test_all_steps_come_with_heads(project: LookProject, logs: Logs) -> None:
    project.failed_run()
    assert logs().splitlines()[:5] == ["==> prepare <==", "prepared 500 images", "", "==> train <==", "epoch 1"]
    assert "==> train, try 2 <==" in logs()


def test_lines_as_json_say_whose_they_are(project: LookProject, logs: Logs) -> None:
    project.failed_run()
    lines = [json.loads(line) for line in logs("--json").splitlines()]
    assert lines[0] == {"step": "prepare", "attempt": 1, "stream": "stdout", "line": "prepared 500 images"}


def test_bytes_that_are_no_text_pass_unchanged(
    project: LookProject, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run = project.begin()
    project.write(project.attempt(run, "prepare"), [(Stream.STDOUT, b"\xff\x00\xfe\n")])
    main(["logs", "prepare"])
    assert capfdbinary.readouterr().out == b"\xff\x00\xfe\n"


def test_silence_is_explained(project: LookProject, capfd: pytest.CaptureFixture[str]) -> None:
    run = project.failed_run()
    main(["logs", "deploy"])
    assert "has not been started: it is skipped (needs train, which failed)" in capfd.readouterr().err
    for file in (project.directory / ".crude-link" / "runs" / str(run) / "steps" / "prepare").iterdir():
        file.unlink()
    main(["logs", "prepare"])
    assert "wrote 20 bytes, but its log is gone" in capfd.readouterr().err


def test_following_a_run_that_is_over_prints_it_and_ends(project: LookProject, logs: Logs) -> None:
    project.failed_run()
    assert logs("-f") == logs()
    assert logs("train", "-f") == "epoch 1\nTraceback\nend\n"


def test_following_goes_on_with_new_lines_and_later_steps_until_the_end(project: LookProject) -> None:
    run = project.begin()
    first = project.attempt(run, "prepare")
    project.write(first, [(Stream.STDOUT, b"one\n")])
    with subprocess.Popen([*CRUDE_LINK, "logs", "-f"], stdout=subprocess.PIPE) as follower:
        assert follower.stdout
        assert follower.stdout.readline() == b"==> prepare <==\n"
        assert follower.stdout.readline() == b"one\n"
        project.write(first, [(Stream.STDERR, b"two\n")])
        assert follower.stdout.readline() == b"two\n"
        project.end(first, SUCCESS)
        second = project.attempt(run, "train")
        project.write(second, [(Stream.STDOUT, b"three\n")])
        assert follower.stdout.readline() == b"\n"
        assert follower.stdout.readline() == b"==> train <==\n"
        assert follower.stdout.readline() == b"three\n"
        project.end(second, SUCCESS)
        project.finish(run, Status.SUCCEEDED)
        assert follower.stdout.read() == b""
        assert follower.wait() == 0


def test_following_a_step_ends_with_it(project: LookProject) -> None:
    run = project.begin()
    key = project.attempt(run, "prepare")
    with subprocess.Popen([*CRUDE_LINK, "logs", "prepare", "-f"], stdout=subprocess.PIPE) as follower:
        assert follower.stdout
        project.write(key, [(Stream.STDOUT, b"one\n")], passing=b"open end")
        assert follower.stdout.readline() == b"one\n"
        project.end(key, SUCCESS)
        project.settle(run, "prepare", Status.SUCCEEDED)
        assert follower.stdout.read() == b"open end\n"
        assert follower.wait() == 0


def test_following_ends_when_the_run_is_lost(project: LookProject) -> None:
    run = project.begin()
    project.write(project.attempt(run, "prepare"), [(Stream.STDOUT, b"one\n")])
    with subprocess.Popen([*CRUDE_LINK, "logs", "prepare", "-f"], stdout=subprocess.PIPE) as follower:
        assert follower.stdout
        assert follower.stdout.readline() == b"one\n"
        project.leave()
        assert follower.wait() == 0


def test_a_bar_that_moves_is_seen_moving_on_a_terminal(project: LookProject) -> None:
    run = project.begin()
    key = project.attempt(run, "prepare")
    project.write(key, [(Stream.STDOUT, b"one\n")], passing=b" 10% #")
    bar = project.store.logs.place(key).stdout
    environment = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(
        CRUDE_LINK[0], [*CRUDE_LINK[1:], "logs", "prepare", "-f"], env=environment, encoding="utf-8"
    )
    child.expect_exact("one\r\n")
    child.expect_exact(" 10% #")
    with bar.open("r+b") as file:  # in place, as an agent does it
        file.seek(len(b"one\n"))
        file.write(b" 90% #")
    child.expect_exact("\r\x1b[2K 90% #")
    project.end(key, SUCCESS)
    project.settle(run, "prepare", Status.SUCCEEDED)
    child.expect_exact("\r\x1b[2K 90% #\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_reader_who_leaves_is_no_error(project: LookProject) -> None:
    run = project.begin()
    project.write(project.attempt(run, "prepare"), [(Stream.STDOUT, b"line\n" * 200_000)])
    with subprocess.Popen([*CRUDE_LINK, "logs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0
