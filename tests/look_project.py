"""A project with recorded runs, for the tests of the commands that look."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from crude_link.model.event import Stream
from crude_link.model.run import (
    Attempt,
    AttemptKey,
    Code,
    Decision,
    Ending,
    Findings,
    NewRun,
    Origin,
    Outcome,
    Output,
    Sitting,
    StepState,
    Verdict,
)
from crude_link.model.status import Status
from crude_link.model.value import Plain
from crude_link.store import Project, SqliteStore, open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
DOCUMENT: Mapping[str, Plain] = {
    "name": "demo",
    "steps": [
        {"name": "prepare", "command": "true"},
        {"name": "train", "command": "true", "retries": 2},
        {"name": "deploy", "command": "true", "when": "steps.train.metrics.accuracy > 0.9"},
    ],
}
NEW_RUN = NewRun(
    pipeline="demo",
    origin=Origin.PERSON,
    began=NOON,
    config_file="config.yaml",
    config_text="steps: [prepare, train, deploy]\n",
    document=DOCUMENT,
    resolved={},
    steps=("prepare", "train", "deploy"),
    params={"lr": 0.1},
)
SITTING = Sitting(
    number=1,
    began=NOON,
    host=os.uname().nodename,
    pid=4711,
    user="ada",
    argv=("/usr/bin/crude-link", "run"),
    python="/usr/bin/python3 3.12",
    code=Code(commit="0123456789abcdef", dirty=True),
)
SUCCESS = Outcome(
    ending=Ending.EXITED,
    ended=NOON + timedelta(seconds=12),
    exit_status=0,
    wall=timedelta(seconds=12),
    cpu=timedelta(seconds=11),
    peak_memory=350_000_000,
)
FAILURE = replace(SUCCESS, exit_status=1, reason="exit 1", wall=timedelta(seconds=3.2))


@dataclass
class LookProject:
    """A project directory whose store is open, as a running crude-link would have it."""

    directory: Path
    store: SqliteStore

    @classmethod
    def at(cls, directory: Path) -> LookProject:
        return cls(directory, open_store(Project(directory=directory, home=directory / ".crude-link")))

    def leave(self) -> None:
        """Let go of everything, as if crude-link had been killed."""
        self.store.close()

    def begin(self, new: NewRun = NEW_RUN) -> int:
        return self.store.runs.begin_run(new, SITTING).id

    def attempt(self, run: int, step: str, number: int = 1) -> AttemptKey:
        key = AttemptKey(run, step, 1, number)
        argv = ("/usr/bin/python3", f"{step}.py")
        self.store.attempts.begin_attempt(
            Attempt(key=key, sitting=1, began=NOON, host="thor", argv=argv, cwd=str(self.directory))
        )
        return key

    def end(self, key: AttemptKey, outcome: Outcome, findings: Findings | None = None) -> None:
        self.store.attempts.end_attempt(key, outcome, findings or Findings())

    def settle(self, run: int, step: str, status: Status, reason: str = "") -> None:
        self.store.states.set_states(run, [StepState(name=step, status=status, reason=reason)])

    def finish(self, run: int, status: Status, reason: str = "") -> None:
        self.store.runs.end_sitting(run, status, reason, NOON + timedelta(seconds=14))

    def write(self, key: AttemptKey, pieces: Sequence[tuple[Stream, bytes]], passing: bytes = b"") -> None:
        """Append pieces to the log of an attempt as an agent does; `passing` lies past the index, on stdout."""
        place = self.store.logs.place(key)
        paths = {Stream.STDOUT: place.stdout, Stream.STDERR: place.stderr}
        for stream, data in pieces:
            with paths[stream].open("ab") as file:
                file.write(data)
            with place.index.open("ab") as index:
                index.write(f"{stream.value[3]} {paths[stream].stat().st_size} 5\n".encode())
        with place.stdout.open("ab") as file:
            file.write(passing)

    def failed_run(self) -> int:
        """A run whose second step failed twice, and whose third was skipped for it."""
        run = self.begin()
        prepared = self.attempt(run, "prepare")
        self.write(prepared, [(Stream.STDOUT, b"prepared 500 images\n")])
        found = Findings(metrics={"images": 500}, outputs=(Output(path="data.npz", size=1200, digest="ab" * 32),))
        self.end(prepared, replace(SUCCESS, stdout_bytes=20), found)
        self.settle(run, "prepare", Status.SUCCEEDED)
        for number in (1, 2):
            tried = self.attempt(run, "train", number)
            pieces = [(Stream.STDOUT, b"epoch 1\n"), (Stream.STDERR, b"Traceback\n"), (Stream.STDOUT, b"end\n")]
            self.write(tried, pieces)
            self.end(tried, replace(FAILURE, stdout_bytes=12, stderr_bytes=10))
        self.settle(run, "train", Status.FAILED, "exit 1")
        self.settle(run, "deploy", Status.SKIPPED, "needs train, which failed")
        self.finish(run, Status.FAILED, "'train': exit 1")
        return run

    def green_run(self) -> int:
        """A run that succeeded; its last step was skipped by its condition, and a person had a word."""
        run = self.begin()
        for step in ("prepare", "train"):
            self.end(self.attempt(run, step), SUCCESS, Findings(metrics={"accuracy": 0.72}))
            self.settle(run, step, Status.SUCCEEDED)
        reason = "when: steps.train.metrics.accuracy > 0.9 is false (steps.train.metrics.accuracy = 0.72)"
        self.settle(run, "deploy", Status.SKIPPED, reason)
        decision = Decision(verdict=Verdict.SKIP, at=NOON, by="ada", step="deploy", why="a hunch")
        self.store.attempts.decide(run, decision)
        self.finish(run, Status.SUCCEEDED)
        return run
