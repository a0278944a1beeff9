"""How fast tasks end, and when the rest will have ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.notifiers.pace import Pace, left_words, rate_words


def an_even_pace(rate: float, seconds: int) -> Pace:
    pace = Pace(0.0, 0)
    for tenth in range(1, seconds * 10 + 1):
        pace.note(round(rate * tenth / 10), tenth / 10)
    return pace


def test_an_even_pace_foretells_its_end_closely() -> None:
    pace = an_even_pace(50, 60)
    assert pace.rate(60.0) == pytest.approx(50, rel=0.02)
    left = pace.left(5000, 60.0)
    assert left is not None
    assert left_words(left) in ("100 s", "1.5 min", "1.5–2 min")


def test_nothing_is_foretold_from_nothing() -> None:
    pace = Pace(0.0, 0)
    assert pace.rate(100.0) is None
    assert pace.left(10, 100.0) is None
    pace.note(2, 101.0)
    assert pace.left(10, 101.0) is None


def test_the_rate_is_that_of_late_not_that_of_all_the_time() -> None:
    pace = an_even_pace(100, 30)
    for second in range(31, 91):
        pace.note(3000 + (second - 30) * 2, float(second))
    assert pace.rate(90.0) == pytest.approx(2, rel=0.2)


def test_what_was_done_before_it_began_does_not_count() -> None:
    pace = Pace(0.0, 9000)
    pace.note(9010, 1.0)
    assert pace.rate(1.0) == pytest.approx(10)


def test_slow_tasks_that_end_together_keep_their_rate_between_two_ends() -> None:
    pace = Pace(0.0, 0)
    pace.note(8, 60.0)
    assert pace.rate(60.0) == pytest.approx(8 / 60)
    assert pace.rate(119.0) == pytest.approx(8 / 60)
    rate = pace.rate(240.0)
    assert rate is not None
    assert rate < 8 / 150


def test_an_uneven_pace_makes_a_wide_range() -> None:
    pace, done = Pace(0.0, 0), 0
    for second in range(1, 41):
        done += 100 if second % 10 < 5 else 5
        pace.note(done, float(second))
    left = pace.left(1000, 40.0)
    assert left is not None
    assert left[1] > 1.5 * left[0]


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 10_000)), max_size=60))
def test_the_window_stays_small_and_the_range_in_order(steps: list[tuple[float, int]]) -> None:
    pace, now, done = Pace(0.0, 0), 0.0, 0
    for passed, ended in steps:
        now, done = now + passed, done + ended
        pace.note(done, now)
        rate, left = pace.rate(now), pace.left(100, now)
        assert rate is None or rate > 0
        assert left is None or 0 < left[0] <= left[1]


def test_a_million_ends_leave_few_samples() -> None:
    pace = Pace(0.0, 0)
    for each in range(1, 100_001):
        pace.note(each * 10, each * 0.005)
    assert len(pace._samples) < 200


@pytest.mark.parametrize(
    ("rate", "words"),
    [(1234.5, "1,234/s"), (42.0, "42/s"), (3.54, "3.5/s"), (1.0, "1/s"), (0.2, "12/min"), (0.001, "3.6/h")],
)
def test_a_rate_is_said_in_its_handiest_unit(rate: float, words: str) -> None:
    assert rate_words(rate) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (180, 240, "3–4 min"),
        (200, 201, "3.5 min"),
        (48, 130, "50 s–2 min"),
        (0.2, 0.4, "1 s"),
        (3000, 9000, "50 min–2.5 h"),
        (86400 * 2, 86400 * 3, "2–3 d"),
    ],
)
def test_a_forecast_is_said_no_more_precisely_than_it_is(low: float, high: float, words: str) -> None:
    assert left_words((low, high)) == words
