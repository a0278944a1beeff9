"""Values with which the tests of the store begin."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from crude_link.model.run import Attempt, AttemptKey, Ending, NewRun, Origin, Outcome, Sitting
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
