"""Whoever reads our output may stand still, leave, or never have been there: the work goes on and can be stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from acceptance.starting import COMMAND, PATIENCE, Folder, wait_until

FLOOD = "steps: [{{name: flood, command: 'yes this floods every pipe'{more}}}]\n"


@contextmanager
def unread(folder: Folder) -> Iterator[subprocess.Popen[str]]:
    """Start a run whose stdout is a pipe that nobody reads."""
    source, sink = os.pipe()
    with (folder.directory / "err").open("w") as err:
        begun = subprocess.Popen(
            [*COMMAND, "run", "--no-prompt"],
            cwd=folder.directory,
            env=folder.environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=err,
            text=True,
        )
    folder.started.append(begun)
    os.close(sink)
    try:
        folder.wait_for_text("err", "flood")
        yield begun
    finally:
        os.close(source)


def test_a_timeout_holds_while_nobody_reads_the_output(folder: Folder) -> None:
    folder.config(FLOOD.format(more=", timeout: 1s"))
    with unread(folder) as begun:
        wait_until(lambda: folder.runs()[0]["status"] == "failed", "the run fails for its timeout")
        folder.wait_for_text("err", "run 1 failed at 'flood': timed out after 1 s")
        assert begun.poll() is None  # it waits for its reader, as every program in a pipe does
    assert begun.wait(PATIENCE) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_run_and_the_program_while_nobody_reads_the_output(
    folder: Folder, number: signal.Signals
) -> None:
    folder.config(FLOOD.format(more=""))
    with unread(folder) as begun:
        begun.send_signal(number)
        assert begun.wait(PATIENCE) == 128 + number
    assert folder.steps() == {"flood": "cancelled"}


def test_a_run_whose_output_nobody_reads_is_stopped_from_another_process(folder: Folder) -> None:
    folder.config(FLOOD.format(more=""))
    with unread(folder) as begun:
        folder.run("stop", "1")
        begun.wait(PATIENCE)
    assert folder.steps() == {"flood": "cancelled"}


def test_a_program_that_waits_for_its_reader_gives_way_to_a_signal(folder: Folder) -> None:
    folder.config("steps: [{name: much, command: 'seq 100000'}]\n")
    source, sink = os.pipe()
    begun = subprocess.Popen(
        [*COMMAND, "run"], cwd=folder.directory, env=folder.environment, stdin=subprocess.DEVNULL, stdout=sink,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    folder.started.append(begun)
    os.close(sink)
    wait_until(lambda: folder.runs() and folder.runs()[0]["status"] == "succeeded", "the run succeeds")
    assert begun.poll() is None
    while begun.poll() is None:
        begun.terminate()
    os.close(source)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_run_without_streams_goes_its_way(folder: Folder, closed: str) -> None:
    folder.config("steps: [{name: talk, command: 'echo out; echo err >&2; touch done'}]\n")
    ended = subprocess.run(
        ["sh", "-c", f'"$@" run {closed}', "sh", *COMMAND],
        cwd=folder.directory, env=folder.environment, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert folder.steps() == {"talk": "succeeded"}
    assert folder.run("logs", "talk").out.splitlines() == ["out", "err"]
