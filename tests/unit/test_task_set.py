"""Sets of tasks: a bit each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crude_link.model.task import TaskSet


@given(st.lists(st.integers(0, 300)), st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=8))))
def test_tasks_one_by_one_and_whole_bytes_make_the_same_set(
    tasks: list[int], pieces: list[tuple[int, bytes]]
) -> None:
    found, expected = TaskSet(), set(tasks)
    for task in tasks:
        found.add(task)
    for place, bits in pieces:
        found.take(place * 8, bits)
        expected |= {place * 8 + n for n in range(len(bits) * 8) if bits[n >> 3] >> (n & 7) & 1}
    assert {task for task in range(1000) if task in found} == expected
    assert len(found) == len(expected)
