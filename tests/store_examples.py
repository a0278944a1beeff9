"""Records with something in every field, for the promises of a store."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from crude_link.model.run import Attempt, AttemptKey, Ending, NewRun, Origin, Outcome, Sitting

NOON = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone.utc)
NOT_UTF8 = b"caf\xe9".decode("utf-8", "surrogateescape")


def new_run(pipeline: str = "cells", steps: tuple[str, ...] = ("prepare", "train")) -> NewRun:
    return NewRun(
        pipeline=pipeline,
        origin=Origin.PERSON,
        began=NOON,
        config_file="config.yaml",
        config_text="steps: [prepare, train]\n",
        document={"steps": [{"name": name} for name in steps]},
        resolved={"${params.lr}": 0.1},
        steps=steps,
    )


def new_sitting(at: datetime = NOON) -> Sitting:
    return Sitting(
        number=0, began=at, host="thor", pid=4711, user="ada", argv=("crude-link", NOT_UTF8), python="3.11.7"
    )


def new_attempt(run: int, step: str = "train", number: int = 1) -> Attempt:
    return Attempt(
        key=AttemptKey(run, step, 1, number),
        sitting=1,
        began=NOON,
        host="thor",
        slot=2,
        argv=("python", "train.py", f"--name={NOT_UTF8}", "ü"),
        cwd=f"/data/{NOT_UTF8}",
        env={"LANG": "C", "ODD": NOT_UTF8},
        interpreter="/usr/bin/python 3.11",
        script_digest="ab" * 32,
        resolved={"${steps.prepare.metrics.n}": 7},
    )


def success(wall: timedelta = timedelta(seconds=2)) -> Outcome:
    return Outcome(
        ending=Ending.EXITED,
        ended=NOON + wall,
        exit_status=0,
        wall=wall,
        cpu=timedelta(microseconds=1_234_567),
        peak_memory=123_456_789,
        peak_is_bound=True,
        stdout_bytes=10,
        stderr_bytes=20,
        survivors=(12, 13),
        slot_time=timedelta(seconds=4),
        idle=timedelta(seconds=1),
    )


FAILURE = Outcome(ending=Ending.SIGNALLED, ended=NOON, reason=f"killed at {NOT_UTF8}", signal=9)
