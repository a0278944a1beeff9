"""Small mappings of many tasks."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.store.task_maps import ByDigest, Tries, signed, unsigned


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 300))))
def test_tries_are_those_that_a_dict_would_have(noted: list[tuple[int, int]]) -> None:
    tries, expected = Tries(), dict[int, int]()
    for task, number in noted:
        tries.note(task, number)
        expected[task] = max(number, expected.get(task, 0))
    assert dict(tries) == expected
    assert len(tries) == len(expected)
    assert [tries.get(task, 0) for task in range(-1, 60)] == [expected.get(task, 0) for task in range(-1, 60)]


@given(st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1])))
def test_tasks_are_found_by_digest_as_in_a_dict(numbers: list[int]) -> None:
    expected: dict[str, list[int]] = {}
    for task, number in enumerate(numbers, 1):
        expected.setdefault(f"{number:016x}", []).append(task)
    pairs = sorted((signed(f"{number:016x}") or 0, task) for task, number in enumerate(numbers, 1))
    known = ByDigest(array("q", [digest for digest, _ in pairs]), array("q", [task for _, task in pairs]))
    assert {digest: list(tasks) for digest, tasks in known.items()} == expected
    assert len(known) == len(expected)


def test_what_is_no_digest_is_not_found() -> None:
    known = ByDigest(array("q", [5]), array("q", [1]))
    for digest in ("", "-", "5", f"{6:016x}"):
        assert known.get(digest, ()) == ()
    with pytest.raises(KeyError):
        known["-"]


@given(st.integers(0, 2**64 - 1))
def test_digests_come_back_as_they_were(number: int) -> None:
    assert unsigned(signed(f"{number:016x}")) == f"{number:016x}"
