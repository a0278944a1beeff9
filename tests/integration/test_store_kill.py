"""`kill -9` at random moments: what was committed is there, and the store opens."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

from store_values import HERE, NOON, PYTHON, SITTING, store_at

from crude_link.errors import UnknownRun
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.status import Status

WORKER = """
import itertools, sys
from store_values import NEW_RUN, SITTING, SUCCESS, attempt_of, store_at
from crude_link.model.run import Findings
store = store_at(sys.argv[1])
print("open", flush=True)
while True:
    run = store.runs.begin_run(NEW_RUN, SITTING).id
    print("run", run, flush=True)
    with store.locks.hold(run):
        for number in range(1, 8):
            attempt = attempt_of(run, number)
            store.attempts.begin_attempt(attempt)
            print("began", run, number, flush=True)
            store.attempts.end_attempt(attempt.key, SUCCESS, Findings(metrics={"n": number}))
            print("ended", run, number, flush=True)
"""
ROUNDS = 30


def lines_before_death(folder: Path, lines: int) -> list[str]:
    """Let a worker work until it has told so many lines, kill it, and return all it told."""
    process = subprocess.Popen(
        [*PYTHON, WORKER, folder], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": HERE}, text=True
    )
    with process:
        assert process.stdout
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    return [line for line in told if line.endswith("\n")]


def test_what_was_committed_survives_every_kill(tmp_path: Path) -> None:
    chance = random.Random(4711)
    runs: set[int] = set()
    began: set[AttemptKey] = set()
    ended: set[AttemptKey] = set()
    for _ in range(ROUNDS):
        for line in lines_before_death(tmp_path, chance.randrange(1, 40)):
            word, *numbers = line.split()
            if word == "run":
                runs.add(int(numbers[0]))
            elif numbers:
                (began if word == "began" else ended).add(AttemptKey(int(numbers[0]), "train", 1, int(numbers[1])))
        with store_at(tmp_path) as store:
            seen = {run.id: run for run in store.history.runs()}
            assert runs <= seen.keys()
            assert {run.status for run in seen.values()} <= {Status.LOST}
            attempts = {each.key: each for run in seen for each in store.attempts.attempts(run)}
            assert began <= attempts.keys()
            assert ended <= {key for key, attempt in attempts.items() if attempt.outcome}
            for key, attempt in attempts.items():
                found = store.attempts.findings(key.run).get(key) if key in ended else None
                assert key not in ended or (found and found.metrics == {"n": key.number})
                assert attempt.status in (Status.RUNNING, Status.SUCCEEDED)
            for run in seen:
                store.history.document(run)
    with store_at(tmp_path) as store:
        open_ones = {key for key, attempt in attempts.items() if not attempt.outcome}
        lost = [key for run in seen for key in store.runs.begin_sitting(run, SITTING)[1]]
        assert set(lost) == open_ones
        for run in seen:
            store.runs.end_sitting(run, Status.CANCELLED, "enough", NOON)
            endings = {each.outcome and each.outcome.ending for each in store.attempts.attempts(run)}
            assert endings <= {Ending.EXITED, Ending.LOST}


def test_a_removal_that_is_killed_is_finished_by_the_next_sweep(tmp_path: Path) -> None:
    code = """
import sys, os, shutil
from store_values import store_at
store = store_at(sys.argv[1])
shutil.rmtree = lambda folder: os.kill(os.getpid(), 9)
store.removal.remove_run(1)
"""
    lines_before_death(tmp_path, 3)
    done = subprocess.run(
        [*PYTHON, code, tmp_path], env={**os.environ, "PYTHONPATH": HERE}, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (-9, b"")
    with store_at(tmp_path) as store:
        left = store.files.folder(1).parent
        assert any(path.name.endswith("1") for path in left.iterdir())
        assert store.removal.sweep() == 1
        assert not any(path.name.endswith("1") for path in left.iterdir())
        try:
            store.runs.run(1)
        except UnknownRun:
            return
        raise AssertionError("run 1 is still there")
