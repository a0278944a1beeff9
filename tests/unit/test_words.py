"""How durations, sizes and signals are said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crude_link.model.words import duration_words, signal_words, size_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.04, "0 s"), (0.4, "0.4 s"), (3.2, "3.2 s"), (9.96, "10 s"), (59.6, "1 min"), (65, "1 min 5 s"),
        (3600, "1 h"), (3900, "1 h 5 min"), (7200, "2 h"), (86399, "1 d"), (100000, "1 d 4 h"), (-1, "0 s"),
    ],
)  # fmt: skip
def test_a_duration_is_said_with_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_234_567_890, "1.2 GB"), (340_000_000, "340 MB"),
     (999_999, "1 MB"), (5_000 * 10**12, "5000 TB")],
)  # fmt: skip
def test_a_size_is_said_in_decimal_units(size: int, words: str) -> None:
    assert size_words(size) == words


def test_a_signal_is_said_with_its_meaning() -> None:
    assert signal_words(11) == "signal 11 (segmentation fault)"
    assert signal_words(10) == "signal 10 (SIGUSR1)"
    assert signal_words(300) == "signal 300"
