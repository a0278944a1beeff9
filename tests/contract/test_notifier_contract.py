"""The promise of every Notifier: it tells all events at once and never raises, whatever becomes of its far end."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from crude_link.clock import SystemClock
from crude_link.interfaces import Notifier
from crude_link.model.event import (
    AttemptBegan,
    AttemptEnded,
    AttemptWrote,
    Event,
    Level,
    Notice,
    RunBegan,
    RunEnded,
    RunLeft,
    ScheduleHalted,
    StepSettled,
    Stream,
)
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.run import Attempt, AttemptKey, Ending, Findings, Origin, Outcome, Run, StepState
from crude_link.model.status import Status
from crude_link.notifiers.logfile import LogFileNotifier
from crude_link.notifiers.several import SeveralNotifiers
from crude_link.notifiers.terminal import TerminalNotifier

NOW = datetime(2026, 11, 21, 3, 45, tzinfo=timezone.utc)
PIPELINE = Pipeline(name="demo", steps=tuple(Step(name=name, action=Command(text="x")) for name in ("train", "ship")))
RUN = Run(id=42, pipeline="demo", origin=Origin.PERSON, status=Status.RUNNING, began=NOW)
KEY = AttemptKey(42, "train", 1, 1)
ATTEMPT = Attempt(key=KEY, sitting=1, began=NOW, host="thor", argv=("sh", "-e", "-c", "train"))
FAILED = Outcome(ending=Ending.EXITED, ended=NOW, reason="exit 1", exit_status=1, wall=timedelta(seconds=3))
STATES = (
    StepState(name="train", status=Status.FAILED, reason="exit 1"),
    StepState(name="ship", status=Status.SKIPPED, reason="needs train, which failed"),
)
EVENTS: list[Event] = [
    Notice(text="follows the cron of config.yaml"),
    RunBegan(run=RUN, pipeline=PIPELINE, sitting=1),
    RunBegan(run=RUN, pipeline=PIPELINE, sitting=2, usual={"train": timedelta(seconds=3)}),
    AttemptBegan(attempt=ATTEMPT, tries=2),
    AttemptWrote(key=KEY, stream=Stream.STDOUT, data=b"whole\npart"),
    AttemptWrote(key=KEY, stream=Stream.STDERR, data=b"\xff\x00\x1b[31m10%\r20%\r\n"),
    AttemptEnded(attempt=ATTEMPT, outcome=FAILED, findings=Findings(), last_lines=("part",), retry_at=NOW),
    StepSettled(run=42, state=STATES[1]),
    RunEnded(run=RUN, pipeline=PIPELINE, states=STATES, attempts={"train": ATTEMPT}),
    ScheduleHalted(pipeline=PIPELINE, reason="run 42 failed", is_paused=False, run=42),
    RunLeft(run=RUN, pipeline=PIPELINE),
    *(Notice(text="take care", level=level, run=42, step="train") for level in Level),
]
Make = Callable[[Path], tuple[Notifier, Callable[[], str]]]


def log_file(path: Path) -> tuple[Notifier, Callable[[], str]]:
    return LogFileNotifier(path, SystemClock()), path.read_text


def terminal(path: Path) -> tuple[Notifier, Callable[[], str]]:
    out = io.BufferedWriter(path.open("wb", buffering=0))
    err = io.TextIOWrapper(io.BufferedWriter(path.open("ab", buffering=0)), "utf-8")

    def told() -> str:
        err.flush()  # and keeps it from being collected, which would close the file
        return path.read_text()

    return TerminalNotifier(out, err, SystemClock()), told


def several(path: Path) -> tuple[Notifier, Callable[[], str]]:
    first, told = log_file(path)
    both = SeveralNotifiers(first)
    both.add(LogFileNotifier(path.with_name("other"), SystemClock()))
    return both, told


def gone_terminal(_path: Path) -> tuple[Notifier, Callable[[], str]]:
    full = Path("/dev/full")
    out = io.BufferedWriter(full.open("wb", buffering=0))
    err = io.TextIOWrapper(io.BufferedWriter(full.open("wb", buffering=0)), "utf-8")
    return TerminalNotifier(out, err, SystemClock()), err.readline


def full_log(_path: Path) -> tuple[Notifier, Callable[[], str]]:
    return LogFileNotifier(Path("/dev/full"), SystemClock()), str


NOTIFIERS: dict[str, Make] = {"log file": log_file, "terminal": terminal, "several": several}
KIT = pytest.mark.parametrize("make", NOTIFIERS.values(), ids=NOTIFIERS)
WITH_BROKEN = {**NOTIFIERS, "terminal that is gone": gone_terminal, "log on a full disk": full_log}


@pytest.mark.parametrize("make", WITH_BROKEN.values(), ids=WITH_BROKEN)
def test_every_event_can_be_told_at_any_time(make: Make, tmp_path: Path) -> None:
    notifier, _ = make(tmp_path / "told")
    for event in [*EVENTS, *reversed(EVENTS)]:
        notifier.tell(event)
    notifier.close()


@KIT
def test_what_is_told_is_there_at_once(make: Make, tmp_path: Path) -> None:
    notifier, told = make(tmp_path / "told")
    notifier.tell(RunBegan(run=RUN, pipeline=PIPELINE, sitting=1))
    assert "42" in told()
    assert "demo" in told()
    notifier.tell(AttemptWrote(key=KEY, stream=Stream.STDOUT, data=b"epoch 3\n"))
    assert told().count("epoch 3") == 1
    notifier.tell(StepSettled(run=42, state=STATES[1]))
    assert "needs train, which failed" in told()
    notifier.close()


@KIT
def test_a_line_without_an_end_is_told_by_the_end_of_its_attempt(make: Make, tmp_path: Path) -> None:
    notifier, told = make(tmp_path / "told")
    notifier.tell(AttemptWrote(key=KEY, stream=Stream.STDOUT, data=b"no newl"))
    notifier.tell(AttemptWrote(key=KEY, stream=Stream.STDOUT, data=b"ine"))
    notifier.tell(AttemptEnded(attempt=ATTEMPT, outcome=FAILED, findings=Findings()))
    assert told().count("no newline") == 1
    notifier.close()
    assert told().count("no newline") == 1


@KIT
def test_the_end_of_a_run_names_steps_reasons_and_the_next_command(make: Make, tmp_path: Path) -> None:
    notifier, told = make(tmp_path / "told")
    attempt = Attempt(key=KEY, sitting=1, began=NOW, host="thor", outcome=FAILED)
    run = Run(id=42, pipeline="demo", origin=Origin.PERSON, status=Status.FAILED, began=NOW, reason="'train': exit 1")
    notifier.tell(RunEnded(run=run, pipeline=PIPELINE, states=STATES, attempts={"train": attempt}))
    notifier.close()
    for words in ("train", "exit 1", "ship", "needs train, which failed", "crude-link resume 42"):
        assert words in told()
