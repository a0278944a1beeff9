"""The words in which runs and attempts are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from crude_link.model.run import Attempt, AttemptKey, Ending, Origin, Outcome, Run, StepState
from crude_link.model.status import Status
from crude_link.notifiers.look import Look
from crude_link.notifiers.summary import (
    closing_line,
    command_words,
    ended_words,
    retry_words,
    settled_words,
    spent_words,
    step_table,
    time_words,
)

NOW = datetime(2026, 11, 21, 3, 45, tzinfo=timezone.utc)
RUN = Run(id=42, pipeline="demo", origin=Origin.PERSON, status=Status.FAILED, began=NOW, reason="'train': exit 1")
FAILED = Outcome(ending=Ending.EXITED, ended=NOW, exit_status=1, reason="exit 1", wall=timedelta(seconds=3.2))
ATTEMPT = Attempt(key=AttemptKey(42, "train", 1, 1), sitting=1, began=NOW, host="thor", outcome=FAILED)
STATES = (StepState(name="train", status=Status.FAILED, reason="exit 1"),)
TOOK = timedelta(seconds=14)


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    [
        (Status.SUCCEEDED, "", "run 42 succeeded in 14 s · crude-link show 42"),
        (
            Status.FAILED,
            "'train': exit 1",
            "run 42 failed at 'train': exit 1 · crude-link logs 42 train · crude-link resume 42",
        ),
        (
            Status.FAILED,
            "the run timed out after 2 h",
            "run 42 failed: the run timed out after 2 h · crude-link logs 42 train · crude-link resume 42",
        ),
        (
            Status.CANCELLED,
            "stopped by Ctrl-C",
            "run 42 was cancelled after 14 s: stopped by Ctrl-C · crude-link resume 42",
        ),
        (
            Status.LOST,
            "it is gone; crude-link resume 42",
            "run 42 lost after 14 s: it is gone · crude-link resume 42",
        ),
        (Status.RUNNING, "", "run 42 is running · crude-link logs 42 -f · crude-link stop 42"),
        (Status.WAITING, "", "run 42 has not begun yet · crude-link wait 42 · crude-link stop 42"),
    ],
)
def test_the_last_line_of_a_run_names_the_next_command(status: Status, reason: str, line: str) -> None:
    run = replace(RUN, status=status, reason=reason, ended=NOW + TOOK if status.is_final else None)
    assert closing_line(run, STATES, {"train": ATTEMPT}) == line


def test_of_a_run_that_went_on_only_the_time_since_is_told() -> None:
    run = replace(RUN, status=Status.SUCCEEDED, reason="", ended=NOW + TOOK)
    line = closing_line(run, STATES, {}, resumed=NOW + timedelta(seconds=10))
    assert line == "run 42 succeeded in 4 s more · crude-link show 42"


def test_a_step_that_could_not_start_has_no_log_to_look_at() -> None:
    attempt = replace(ATTEMPT, outcome=replace(FAILED, ending=Ending.NOT_STARTED, reason="no such script"))
    for attempts in ({}, {"train": attempt}):
        assert " · crude-link why 42 train · " in closing_line(RUN, STATES, attempts)


def test_a_green_run_names_what_it_skipped_but_not_what_was_not_asked_for() -> None:
    states = (
        StepState(name="prepare", status=Status.SKIPPED, reason="not selected (--from train)"),
        StepState(name="deploy", status=Status.SKIPPED, reason="when: x is false"),
    )
    line = closing_line(replace(RUN, status=Status.SUCCEEDED, reason=""), states, {})
    assert line == "run 42 succeeded, deploy skipped · crude-link show 42"


def test_the_table_has_no_times_of_an_earlier_sitting_for_a_step_that_was_not_started_now() -> None:
    states = (StepState(name="train", status=Status.CANCELLED, reason="not started"),)
    assert step_table(states, {"train": ATTEMPT}).lines(Look())[1] == "train  cancelled  not started"


def test_a_later_try_is_named_in_the_table() -> None:
    attempt = replace(ATTEMPT, key=ATTEMPT.key._replace(number=3))
    assert step_table(STATES, {"train": attempt}).lines(Look())[1].endswith("exit 1 (the last of 3 tries)")


def test_a_retry_is_told_by_its_delay_and_with_its_moment_where_that_is_far() -> None:
    assert retry_words(NOW, NOW) == "tried again now"
    assert retry_words(NOW + timedelta(seconds=10), NOW) == "tried again in 10 s"
    assert retry_words(NOW + timedelta(hours=2), NOW).startswith("tried again in 2 h, at 2026-11-21 ")


def test_a_state_that_no_attempt_told_is_told_once() -> None:
    state = StepState(name="ship", status=Status.SKIPPED, reason="needs train, which failed")
    assert settled_words(state) == "skipped: needs train, which failed"
    assert settled_words(replace(state, reason="skipped by ada")) == "skipped by ada"


def test_a_bound_of_memory_is_told_as_a_bound() -> None:
    attempt = replace(ATTEMPT, outcome=replace(FAILED, peak_memory=12_000_000, peak_is_bound=True))
    assert "< 12 MB" in step_table(STATES, {"train": attempt}).lines(Look())[1]


def test_times_are_told_against_the_usual_ones_where_they_differ() -> None:
    assert time_words(timedelta(seconds=12), timedelta(seconds=11)) == "12 s (usually 11 s)"
    assert time_words(timedelta(seconds=12), timedelta(seconds=12.2)) == "12 s"
    assert time_words(timedelta(seconds=12), None) == "12 s"
    assert [spent_words(timedelta(seconds=s)) for s in (0, 0.0042, 0.0999, 0.4)] == ["0 s", "4 ms", "0.1 s", "0.4 s"]


def test_ends_are_told_in_words() -> None:
    assert ended_words(FAILED) == "exit 1 after 3.2 s"
    assert ended_words(replace(FAILED, reason="timed out after 2 h")) == "timed out after 2 h"
    assert ended_words(replace(FAILED, reason="signal 11 (segmentation fault)")).endswith("fault) (3.2 s)")
    assert ended_words(replace(FAILED, ending=Ending.NOT_STARTED, reason="no such script")) == "no such script"


def test_commands_are_told_as_they_were_typed() -> None:
    assert command_words(()) == ""
    assert command_words(("/usr/bin/python3", "a b.py", "--x=1")) == "python3 'a b.py' --x=1"
    assert command_words(("tasks/run.sh",)) == "tasks/run.sh"
    assert command_words(("bash", "-eo", "pipefail", "-c", "a | b\n")) == "a | b"
    assert command_words(("sh", "-e", "-c", "a\nb")) == "a …"
