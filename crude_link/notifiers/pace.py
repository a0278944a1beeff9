"""Pace: how fast something gets done, over a recent window, and when it will be done at that speed."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

#: Samples lie at least so many seconds apart, and further in what takes long.
_SPACING = 0.25
_SPACINGS = 300
#: The window: so many seconds, or this share of all the time, or so many ends, whichever is most.
_WINDOW = 20.0
_WINDOW_SHARE = 1 / 8
_LEAST_ENDS = 30
#: The spread is that among so many parts of the window.
_PARTS = 5
#: Nothing is foretold from fewer ends, or from less time in seconds.
_LEAST_TO_TELL = 3
_LEAST_TIME = 2.0
#: However uneven the pace is, it is not expected to fall below this share of itself.
_SLOWEST = 1 / 3


class _Sample(NamedTuple):
    at: float
    done: int


class Pace:
    """Samples of how much was done when. Times are seconds of a monotonic clock."""

    def __init__(self, at: float, done: int) -> None:
        self._began = at
        self._samples: deque[_Sample] = deque([_Sample(at, done)])

    def note(self, done: int, now: float) -> None:
        """Take note that so much is done now."""
        last = self._samples[-1]
        if done == last.done:
            return
        elapsed = now - self._began
        if len(self._samples) > 1 and last.at - self._samples[-2].at < max(_SPACING, elapsed / _SPACINGS):
            self._samples.pop()
        self._samples.append(_Sample(now, done))
        window = max(_WINDOW, elapsed * _WINDOW_SHARE)
        while len(self._samples) > 2 and self._is_past(self._samples[1], now - window, done):
            self._samples.popleft()

    def rate(self, now: float) -> float | None:
        """Return how many are done in a second; None while that cannot be told."""
        first, last = self._samples[0], self._samples[-1]
        span = self._end(now) - first.at
        if last.done - first.done < _LEAST_TO_TELL or span <= 0:
            return None
        return (last.done - first.done) / span

    def left(self, remaining: int, now: float) -> tuple[float, float] | None:
        """Return in how many seconds the rest is done: at the soonest and at the latest, by how even the pace is."""
        rate = self.rate(now)
        if rate is None or now - self._began < _LEAST_TIME:
            return None
        spread = self._spread(rate)
        return remaining / (rate + spread), remaining / max(rate - spread, rate * _SLOWEST)

    @staticmethod
    def _is_past(sample: _Sample, border: float, done: int) -> bool:
        return sample.at < border and done - sample.done >= _LEAST_ENDS

    def _end(self, now: float) -> float:
        """Return until when the samples count: a silence means something only when it is longer than those before."""
        times = [sample.at for sample in self._samples]
        longest = max((after - before for before, after in pairwise(times)), default=0.0)
        return max(times[-1], now - longest)

    def _spread(self, rate: float) -> float:
        """Return the standard deviation of the rates in parts of the window."""
        samples = list(self._samples)
        parts = min(_PARTS, len(samples) - 1)
        borders = [samples[round(part * (len(samples) - 1) / parts)] for part in range(parts + 1)]
        rates = [
            (after.done - before.done) / (after.at - before.at)
            for before, after in pairwise(borders)
            if after.at > before.at
        ]
        if len(rates) < 2:
            return rate * _SLOWEST
        return sqrt(sum((each - rate) ** 2 for each in rates) / len(rates))


def rate_words(rate: float) -> str:
    """Say a rate in its handiest unit: `42/s`, `3.5/s`, `12/min`, `2/h`."""
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        number = rate * seconds
        if number >= 1 or unit == "h":
            return f"{number:,.0f}/{unit}" if number >= 9.95 else f"{number:.1f}/{unit}".replace(".0/", "/")
    raise AssertionError(rate)


def left_words(left: tuple[float, float]) -> str:
    """Say a range of times in few characters: `3–4 min`, `50 s–2 min`, `12 s`."""
    (low, unit), (high, high_unit) = _rounded(left[0]), _rounded(left[1])
    if (low, unit) == (high, high_unit):
        return f"{high} {unit}"
    return f"{low}–{high} {unit}" if unit == high_unit else f"{low} {unit}–{high} {high_unit}"


def _rounded(seconds: float) -> tuple[str, str]:
    """Return a time as precisely as a forecast deserves, with its unit."""
    if seconds < 10:
        return f"{max(1, round(seconds))}", "s"
    if seconds < 87.5:
        return f"{5 * round(seconds / 5)}", "s"
    for size, unit, next_size in ((60, "min", 3600), (3600, "h", 86400)):
        number = seconds / size
        if seconds < 1.5 * next_size:
            return (f"{number:.0f}" if number >= 9.75 else f"{round(number * 2) / 2:g}"), unit
    return f"{seconds / 86400:,.1f}".removesuffix(".0"), "d"
