"""The format of `.env` files."""

from __future__ import annotations

import pytest

from crude_link.errors import CannotStart
from crude_link.steps.env_file import parse_env_file


def test_it_reads_what_people_write() -> None:
    text = """\
# a comment
A=1
export B = two words   # and a comment
C='single $x # "kept"'
D="double \\"quoted\\"\\nnext"  # comment
E=
F=a#b

G="over
two lines"
H=http://x/?a=b
"""
    assert parse_env_file(text, ".env") == {
        "A": "1",
        "B": "two words",
        "C": 'single $x # "kept"',
        "D": 'double "quoted"\nnext',
        "E": "",
        "F": "a#b",
        "G": "over\ntwo lines",
        "H": "http://x/?a=b",
    }


def test_windows_line_ends_are_no_part_of_values() -> None:
    assert parse_env_file("A=1\r\nB='x'\r\n", ".env") == {"A": "1", "B": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\nnonsense\n", r"\.env:2: this line is no KEY=VALUE"),
        ("A='x\n", r"\.env:1: this line opens a quote"),
        ("A='x' y\n", r"\.env:1: this line has text after"),
        ("1A=x", r"\.env:1"),
    ],
)
def test_a_line_that_is_not_understood_is_named(text: str, message: str) -> None:
    with pytest.raises(CannotStart, match=message):
        parse_env_file(text, ".env")
