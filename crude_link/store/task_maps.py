"""Mappings of tasks that stay small when there are millions: a dict takes 100 to 300 bytes for each."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

#: Stands for a digest that nobody knows.
NO_DIGEST = "-"
_SIGN = 1 << 63
#: In a byte for each task; more tries than that stand in a dict.
_MOST_TRIES = 255


class Tries(Mapping[int, int]):
    """How often tasks were tried: a byte for each up to the highest."""

    def __init__(self) -> None:
        self._tries = bytearray()
        self._many: dict[int, int] = {}
        self._size = 0

    def note(self, task: int, number: int) -> None:
        """Let a task have been tried at least `number` times, which is not zero."""
        if task >= len(self._tries):
            self._tries.extend(bytes(max(task + 1 - len(self._tries), len(self._tries))))
        before = self._tries[task]
        self._size += not before
        self._tries[task] = max(before, min(number, _MOST_TRIES))
        if number >= _MOST_TRIES:
            self._many[task] = max(number, self._many.get(task, 0))

    def __getitem__(self, task: int) -> int:
        number = self._tries[task] if 0 <= task < len(self._tries) else 0
        if not number:
            raise KeyError(task)
        return number if number < _MOST_TRIES else self._many[task]

    def __iter__(self) -> Iterator[int]:
        return (task for task, number in enumerate(self._tries) if number)

    def __len__(self) -> int:
        return self._size


class ByDigest(Mapping[str, Sequence[int]]):
    """Tasks by digest, in two arrays: the signed digests, rising, and their tasks."""

    def __init__(self, digests: array[int], tasks: array[int]) -> None:
        self._digests = digests
        self._tasks = tasks

    def __getitem__(self, digest: str) -> Sequence[int]:
        number = signed(digest)
        if number is None:
            raise KeyError(digest)
        start = bisect_left(self._digests, number)
        end = bisect_right(self._digests, number, start)
        if start == end:
            raise KeyError(digest)
        return self._tasks[start:end]

    def __iter__(self) -> Iterator[str]:
        before = None
        for number in self._digests:
            if number != before:
                yield unsigned(number)
            before = number

    def __len__(self) -> int:
        return sum(1 for _ in self)


def signed(digest: str) -> int | None:
    """Return the signed number of 64 bits that 16 hex digits stand for; None when it is no digest."""
    if len(digest) != 16:
        return None
    number = int(digest, 16)
    return number - 2 * _SIGN if number >= _SIGN else number


def unsigned(number: int | None) -> str:
    """Return the hex digits that `signed` read."""
    return NO_DIGEST if number is None else f"{number % (2 * _SIGN):016x}"
