"""Tables and the measuring of text."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from crude_link.model.words import moment_words
from crude_link.notifiers.look import Look, one_line, printable, shortened, width_of
from crude_link.notifiers.table import Cell, Column, Table

PIPE = Look()


def test_columns_are_aligned_and_end_without_blanks() -> None:
    table = Table([Column("step"), Column("CPU", right=True)], [["train", "12 s"], ["a", "1 s"]])
    assert table.lines(PIPE) == ["step    CPU", "train  12 s", "a       1 s"]


def test_a_column_that_nobody_filled_is_left_out() -> None:
    table = Table([Column("step"), Column("memory"), Column("reason")], [["train", "", "exit 1"]])
    assert table.lines(PIPE) == ["step   reason", "train  exit 1"]


def test_a_table_without_rows_has_no_lines() -> None:
    assert Table([Column("step")], []).lines(PIPE) == []


def test_the_last_column_is_cut_to_the_width_of_a_terminal() -> None:
    table = Table([Column("step"), Column("reason")], [["train", "a reason that is far too long for it"]])
    head, line = table.lines(Look(width=30))
    assert line == "train  a reason that is far t…"
    assert width_of(line) == 30
    assert head == "step   reason"


def test_nothing_is_cut_in_a_pipe() -> None:
    reason = "word " * 100
    assert Table([Column("reason")], [[reason]]).lines(PIPE)[1] == reason.strip()


def test_wide_characters_take_two_columns() -> None:
    table = Table([Column("step"), Column("status")], [["訓練", "x"], ["abcd", "y"]])
    assert table.lines(PIPE)[1:] == ["訓練  x", "abcd  y"]


def test_colours_do_not_disturb_the_alignment() -> None:
    table = Table([Column("s"), Column("t")], [[Cell("ab", "red"), "x"], [Cell("a", "green", bold=True), "y"]])
    coloured = table.lines(Look(colours=True))
    assert "\x1b[31m" in coloured[1]
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == table.lines(PIPE)


def test_a_cell_cannot_break_the_line_or_move_the_cursor() -> None:
    table = Table([Column("reason")], [["first\nsecond \x1b[2Jthird\r\x07"]])
    assert table.lines(PIPE)[1] == "first second third"


def test_an_encoding_without_the_characters_gets_plain_ones() -> None:
    table = Table([Column("reason")], [["a · b → 訓"]])
    assert table.lines(Look(encoding="ascii"))[1] == "a - b -> \\u8a13"


def test_printable_keeps_the_indentation_of_a_line() -> None:
    assert printable("    \x1b[31mraise\x1b[0m X\t#") == "    raise X\t#"


def test_a_moment_is_shown_with_its_zone() -> None:
    moment = datetime(2026, 11, 21, 3, 45, 7, tzinfo=timezone.utc)
    assert re.fullmatch(r"2026-11-2\d \d\d:\d5 [+-]\d\d:\d\d", moment_words(moment))
    assert re.fullmatch(r"2026-11-2\d \d\d:\d5:07 [+-]\d\d:\d\d", moment_words(moment, seconds=True))


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_shortened_text_never_takes_more_than_its_width(text: str, width: int) -> None:
    assert width_of(shortened(text, width)) <= max(width, 0)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
