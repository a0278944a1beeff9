"""What an agent's facts of an end mean, in words; and its messages."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.agent.protocol import decode, encode
from crude_link.executors.outcome import left_behind, lost, outcome_of
from crude_link.model.run import Ending, Outcome
from crude_link.model.status import Status

NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)


def outcome(*argv: str, **changes: Any) -> Outcome:
    facts: dict[str, Any] = {
        "why": "exited", "reason": "", "exit": None, "signal": None, "killed": False, "out_of_memory": False,
        "wall": 1.5, "cpu": 0.5, "peak": 10, "peak_is_bound": False, "stdout_bytes": 1, "stderr_bytes": 2,
        "survivors": [], "trouble": "", "tail": "",
    }  # fmt: skip
    return outcome_of({**facts, **changes}, NOON, timedelta(hours=2), argv)


@pytest.mark.parametrize(
    ("facts", "ending", "reason"),
    [
        ({"exit": 0}, Ending.EXITED, ""),
        ({"exit": 0, "trouble": "no space left on device"}, Ending.EXITED, ""),
        ({"exit": 1}, Ending.EXITED, "exit 1"),
        ({"exit": 1, "trouble": "disk full"}, Ending.EXITED, "exit 1; its log is not complete: disk full"),
        ({"signal": 11}, Ending.SIGNALLED, "signal 11 (segmentation fault)"),
        ({"signal": 9, "out_of_memory": True}, Ending.SIGNALLED, "killed by the kernel: out of memory"),
        (
            {"signal": 9},
            Ending.SIGNALLED,
            "killed by signal 9, not by crude-link; often out of memory",
        ),
        (
            {"exit": 137, "out_of_memory": True},
            Ending.EXITED,
            "exit 137; one of its processes was killed by the kernel: out of memory",
        ),
        ({"exit": 1, "out_of_memory": True}, Ending.EXITED, "exit 1"),
        ({"signal": 2, "why": "timed out"}, Ending.TIMED_OUT, "timed out after 2 h"),
        ({"exit": 0, "why": "stopped"}, Ending.STOPPED, "stopped"),
        ({"why": "stopped"}, Ending.STOPPED, "stopped"),
        (
            {"signal": 9, "why": "stopped", "killed": True, "survivors": [7]},
            Ending.STOPPED,
            "stopped (killed: it had not ended when asked to); could not be ended: process 7",
        ),
        ({"why": "not started", "reason": "no such program: x"}, Ending.NOT_STARTED, "no such program: x"),
        (
            {"exit": 1, "tail": "EOFError: EOF when reading a line\n"},
            Ending.EXITED,
            "exit 1; it asked for input, and steps have no keyboard (`stdin: terminal` gives them one)",
        ),
    ],
)
def test_an_end_is_said_in_words(facts: dict[str, Any], ending: Ending, reason: str) -> None:
    result = outcome(**facts)
    assert (result.ending, result.reason) == (ending, reason)
    assert bool(result.reason) == (result.status is not Status.SUCCEEDED)


def test_measures_are_taken_over() -> None:
    result = outcome(exit=0)
    assert (result.wall, result.cpu) == (timedelta(seconds=1.5), timedelta(seconds=0.5))
    assert (result.peak_memory, result.stdout_bytes, result.stderr_bytes, result.ended) == (10, 1, 2, NOON)


def test_a_lost_attempt_says_who_died() -> None:
    assert lost(NOON).reason == "lost: the agent that watched it died"


texts = st.text(st.characters(exclude_categories=[]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_a_message_is_one_line_of_json(message: dict[str, Any]) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line) == message
    assert decode(line[:-1]) == message


@pytest.mark.parametrize(
    ("argv", "status", "reason"),
    [
        (("sh", "-e", "-c", "nothing"), 127, "exit 127: command not found"),
        (("/bin/bash", "-c", "./data.txt"), 126, "exit 126: found, but cannot be executed"),
        (("python", "train.py"), 127, "exit 127"),
    ],
)
def test_a_shell_that_could_not_start_a_command_says_so(argv: tuple[str, ...], status: int, reason: str) -> None:
    assert outcome(*argv, exit=status).reason == reason


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["sleep"], "left 1 process behind (sleep); it was ended"),
        (["sleep", "python", "sleep"], "left 3 processes behind (python, 2 x sleep); they were ended"),
        (list("gfedcba"), "left 7 processes behind (a, b, c, d, e, 2 more); they were ended"),
        ([""], "left 1 process behind (?); it was ended"),
    ],
)
def test_what_a_step_left_behind_is_named(names: list[str], words: str) -> None:
    assert left_behind({"left": names}) == words
