"""Values with which the tests of the store begin."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from crude_link.model.run import Attempt, AttemptKey, Ending, NewRun, Origin, Outcome, Sitting
from crude_link.model.task import TaskEnd
from crude_link.store import Project, SqliteStore, open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
#: So that a program that a test starts finds this module too.
HERE = str(Path(__file__).parent)
PYTHON = (sys.executable, "-c")

NEW_RUN = NewRun(
    pipeline="cells",
    origin=Origin.PERSON,
    began=NOON,
    config_file="config.yaml",
    config_text="steps: [train]\n",
    document={"steps": [{"name": "train"}]},
    resolved={},
    steps=("train",),
)
SITTING = Sitting(number=0, began=NOON, host=os.uname().nodename, pid=os.getpid(), user="ada", argv=(), python="3")
SUCCESS = Outcome(ending=Ending.EXITED, ended=NOON, exit_status=0, wall=timedelta(seconds=2))


def project_at(folder: Path | str) -> Project:
    """Return the project of a folder."""
    return Project(directory=Path(folder), home=Path(folder) / ".crude-link")


def store_at(folder: Path | str) -> SqliteStore:
    """Open or make the store of a folder."""
    return open_store(project_at(folder))


def attempt_of(run: int, number: int = 1) -> Attempt:
    """Return an attempt that begins."""
    return Attempt(key=AttemptKey(run, "train", 1, number), sitting=1, began=NOON, host="thor")


def task_end(task: int, exit_status: int = 0, number: int = 1) -> TaskEnd:
    """Return how a task ended that wrote nothing."""
    return TaskEnd(
        task=task,
        number=number,
        digest=f"{task:016x}",
        slot=1,
        ending=Ending.EXITED,
        exit_status=exit_status,
        signal=None,
        began_us=1_760_000_000_000_000,
        wall_us=1200,
        cpu_us=700,
        peak_memory=None,
        stdout_bytes=0,
        stderr_bytes=0,
        offset=100 * task,
        reason=f"exit {exit_status}" if exit_status else "",
    )
