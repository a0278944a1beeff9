"""Time limit: how long the tasks of a fan-out may take, learned from those that have succeeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import exp, log

from crude_link.model.words import duration_words

#: There is no limit before so many tasks have succeeded.
LEAST_TASKS = 10
#: No limit is shorter: what disturbs a machine for a moment shall not fail short tasks.
SHORTEST = timedelta(seconds=5)
#: Durations are told apart to so many parts in a hundred of themselves, and limits to so many.
_PRECISION = log(1.02)
_NOTEWORTHY = 0.1
#: The median is worked out anew when there are so many times the durations of before.
_MORE = 1.05


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimit:
    """So many times the median of those that have succeeded, but not too little."""

    factor: float
    median: timedelta

    @property
    def limit(self) -> timedelta:
        """How long a task may take."""
        return max(self.factor * self.median, SHORTEST)

    @property
    def words(self) -> str:
        """Say it: `12 s (5x the median of 2.4 s)`."""
        least = "" if self.limit > SHORTEST else f", and at least {duration_words(SHORTEST)}"
        median = duration_words(self.median) if self.median >= timedelta(seconds=0.1) else "less than 0.1 s"
        return f"{duration_words(self.limit)} ({self.factor:g}x the median of {median}{least})"


class LearnedLimit:
    """Counts durations in classes, some thousand at most, however many tasks there are."""

    def __init__(self, factor: float, walls_us: Iterable[int]) -> None:
        self._factor = factor
        self._counts: Counter[int] = Counter()
        self._size = 0
        self._looked_at = 0
        self._told: TimeLimit | None = None
        for wall_us in walls_us:
            self.note(wall_us)

    def note(self, wall_us: int) -> None:
        """Take note of how long a task took that succeeded, in microseconds."""
        self._counts[round(log(max(wall_us, 1)) / _PRECISION)] += 1
        self._size += 1

    def news(self) -> TimeLimit | None:
        """Return the limit when it is another one than was returned before; None when it is not, or not known yet."""
        if self._size < max(LEAST_TASKS, self._looked_at * _MORE):
            return None
        self._looked_at = self._size
        found = TimeLimit(factor=self._factor, median=self._median())
        if self._told and abs(found.limit - self._told.limit) <= _NOTEWORTHY * self._told.limit:
            return None
        self._told = found
        return found

    def _median(self) -> timedelta:
        passed = 0
        for place in sorted(self._counts):
            passed += self._counts[place]
            if 2 * passed >= self._size:
                return timedelta(microseconds=exp(place * _PRECISION))
        raise AssertionError("there are durations")
