"""A function that asks for another try: how often it gets one, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import crude_link
from crude_link.engine.retry import MOST_ASKED, wait_after
from crude_link.model.another_try import AnotherTry
from crude_link.model.policy import FailureKind, RetryPolicy
from crude_link.model.run import Ending
from crude_link.model.task import TaskEnd


def asked(after: timedelta | None = None) -> TaskEnd:
    return TaskEnd(
        1, 1, "", 1, Ending.EXITED, 75, None, 0, 1, 1, None, 0, 0, 0, another_try=AnotherTry(why="busy", after=after)
    )


def test_it_is_tried_again_after_the_time_that_it_asks_for() -> None:
    assert wait_after(RetryPolicy(), asked(timedelta(seconds=90)), 1, "") == timedelta(seconds=90)
    policy = RetryPolicy(max=3, delay=timedelta(seconds=5))
    assert wait_after(policy, asked(timedelta(seconds=90)), 1, "") == timedelta(seconds=90)
    assert wait_after(policy, asked(), 1, "") == timedelta(seconds=5)
    assert wait_after(RetryPolicy(), asked(), 1, "") == timedelta(0)


@pytest.mark.parametrize(("most", "tries"), [(0, MOST_ASKED), (3, 3), (50, 50)])
def test_it_gets_as_many_as_the_step_allows_or_a_fixed_number(most: int, tries: int) -> None:
    policy = RetryPolicy(max=most)
    assert wait_after(policy, asked(), tries, "") is not None
    assert wait_after(policy, asked(), tries + 1, "") is None


def test_a_policy_that_singles_out_failures_leaves_out_none_that_asks() -> None:
    assert wait_after(RetryPolicy(max=1, only=(FailureKind.TIMEOUT,)), asked(), 1, "") is not None


def test_asking_gives_no_further_try_to_one_that_then_fails() -> None:
    failed = asked()._replace(exit_status=1, another_try=None)
    assert wait_after(RetryPolicy(), failed, 2, "") is None


def test_what_a_task_wrote_is_read_and_damage_is_no_trouble() -> None:
    read = AnotherTry.read('{"why":"HTTP 429","after":1.5}')
    assert (read.reason, read.after) == ("asked for another try: HTTP 429", timedelta(seconds=1.5))
    assert AnotherTry.read('{"why":"","after":null}') == AnotherTry()
    assert AnotherTry.read('{"why":"x","after":1e300}').after == timedelta(days=366)
    for text in ("", "{", "[]", '{"why":1}', '{"why":"x","after":"soon"}'):
        assert AnotherTry.read(text).reason == "asked for another try"


def test_the_exception_takes_seconds_or_a_timedelta_and_no_nonsense() -> None:
    assert crude_link.Retry("busy", after=3).after_seconds == 3
    assert crude_link.Retry("busy", after=timedelta(minutes=2)).after_seconds == 120
    assert crude_link.Retry().after_seconds is None
    nonsense: list[Any] = [-1, float("nan"), float("inf"), timedelta(seconds=-1), "soon"]
    for wrong in nonsense:
        with pytest.raises(ValueError, match="seconds or a timedelta"):
            crude_link.Retry("busy", after=wrong)
