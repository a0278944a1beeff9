"""Which failed tasks said the same."""

from __future__ import annotations

import pytest

from crude_link.store.task_failures import grouped


def words_of(*said: str) -> list[str]:
    return [group.words for group in grouped(enumerate(said, 1), 100)]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["item 7 of 100", "item 12 of 100"], "item N of 100"),
        (["no page 0x7f00 there", "no page 0x1 there"], "no page X there"),
        (["gone: 3f2b9c1d77", "gone: a0b1c2d3e4f5"], "gone: X"),
        (["id 0b5c1e0e-77aa-4c2b-9d1e-000000000001"] * 2, "id 0b5c1e0e-77aa-4c2b-9d1e-000000000001"),
        (
            ["id 0b5c1e0e-77aa-4c2b-9d1e-000000000001", "id 1b5c1e0e-77aa-4c2b-9d1e-000000000002"],
            "id X",
        ),
        (["'/tmp/a/b.txt' is gone", "'/tmp/k3/c.txt' is gone"], "'/tmp/X' is gone"),
        (["in tmpk3j_9a1x", "in tmp000aaabb"], "in X"),
        (["defaced facade"] * 2, "defaced facade"),
        (["HTTP 403 for /a/1", "HTTP 403 for /a/2"], "HTTP 403 for /a/N"),
        (["exit 1", "exit 1"], "exit 1"),
    ],
)
def test_what_differs_between_tasks_is_named_and_all_else_stays(said: list[str], words: str) -> None:
    assert words_of(*said) == [words]


def test_numbers_that_tell_what_went_wrong_make_a_group_of_their_own() -> None:
    assert words_of("HTTP 403", "HTTP 500", "HTTP 403") == ["HTTP 403", "HTTP 500"]
    assert words_of("[Errno 2] x", "[Errno 13] x", "status: 7", "status: 8") == [
        "[Errno 2] x",
        "[Errno 13] x",
        "status: 7",
        "status: 8",
    ]


def test_the_largest_group_is_first_with_its_lowest_tasks() -> None:
    said = [(1, "rare"), *((task, f"item {task}") for task in range(2, 40))]
    first, second = grouped(said, 5)
    assert (first.count, first.words, first.tasks) == (38, "item N", tuple(range(2, 12)))
    assert (second.count, second.tasks) == (1, (1,))
    assert len(grouped(said, 1)) == 1


def test_more_groups_than_can_be_told_are_one() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [a + b + c + "q" for a in letters for b in letters for c in letters]
    groups = grouped(enumerate(names, 1), 2)
    assert (groups[0].count, groups[0].words) == (len(names) - 10_000, "(what all others said)")
    assert groups[1].count == 1
