"""How long tasks may take, learned from those that have succeeded."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, strategies

from crude_link.engine.time_limit import LEAST_TASKS, SHORTEST, LearnedLimit

SECOND = 1_000_000


def test_there_is_no_limit_before_enough_tasks_have_succeeded() -> None:
    limit = LearnedLimit(5, [2 * SECOND] * (LEAST_TASKS - 1))
    assert limit.news() is None
    limit.note(2 * SECOND)
    found = limit.news()
    assert found
    assert abs(found.limit - timedelta(seconds=10)) < timedelta(seconds=0.2)


def test_what_was_told_is_not_told_again_until_it_is_another() -> None:
    limit = LearnedLimit(5, [2 * SECOND] * 20)
    assert limit.news()
    limit.note(2 * SECOND)
    assert limit.news() is None
    for _ in range(100):
        limit.note(4 * SECOND)
    found = limit.news()
    assert found
    assert found.limit > timedelta(seconds=19)


def test_short_tasks_have_some_time_at_least() -> None:
    found = LearnedLimit(5, [1000] * 20).news()
    assert found
    assert found.limit == SHORTEST
    assert found.words == "5 s (5x the median of less than 0.1 s, and at least 5 s)"
    found = LearnedLimit(5, [2_400_000] * 20).news()
    assert found
    assert found.words == "12 s (5x the median of 2.4 s)"


@given(strategies.lists(strategies.integers(0, 10**13), min_size=LEAST_TASKS))
def test_the_median_is_that_of_the_durations_within_a_few_in_a_hundred(walls: list[int]) -> None:
    found = LearnedLimit(5, walls).news()
    assert found
    exact = sorted(walls)[(len(walls) - 1) // 2]
    assert 0.98 * max(exact, 1) <= found.median / timedelta(microseconds=1) + 1 <= 1.03 * max(exact, 1) + 2
