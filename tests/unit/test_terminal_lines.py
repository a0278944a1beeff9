"""Pieces of output become lines, and moving bars their final state."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crude_link.notifiers.channel import Cursor
from crude_link.notifiers.lines import Lines


def test_a_line_is_handed_on_when_it_is_whole() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == [b"one"]
    assert lines.feed(b"o\n\n") == [b"two", b""]
    assert lines.rest() == []


def test_what_has_no_line_end_comes_at_last() -> None:
    lines = Lines()
    lines.feed(b"no end")
    assert lines.rest() == [b"no end"]
    assert lines.rest() == []


def test_a_bar_is_told_in_its_final_state() -> None:
    lines = Lines()
    for percent in range(0, 101, 10):
        assert lines.feed(f"\r {percent}%".encode()) == []
    assert lines.feed(b"\n") == [b" 100%"]


def test_a_bar_with_its_carriage_return_behind_it_is_told_too() -> None:
    lines = Lines()
    for percent in range(0, 101, 10):
        lines.feed(f" {percent}%\r".encode())
    assert lines.rest() == [b" 100%"]


def test_a_bar_that_took_itself_away_leaves_no_line() -> None:
    assert Lines().feed(b"\r 10%\r 20%\r    \rdone\n") == [b"done"]
    assert Lines().feed(b"\r 10%\r 20%\r\x1b[K\n") == []
    lines = Lines()
    assert [lines.feed(piece) for piece in (b"\r 10%", b"\r 20%\r", b"    ", b"\r", b"\n")] == [[]] * 5


def test_a_terminal_s_line_end_is_a_line_end() -> None:
    assert Lines().feed(b"one\r\n\r\ntwo\r\n") == [b"one", b"", b"two"]


def test_colours_stay_and_movements_go() -> None:
    assert Lines().feed(b"\x1b[2K\x1b[31mred\x1b[0m\x1b[A\n") == [b"\x1b[31mred\x1b[0m"]


def test_a_line_that_never_ends_is_handed_on_in_pieces() -> None:
    lines = Lines()
    got = lines.feed(b"x" * 200_000)
    assert b"".join(got + lines.rest()) == b"x" * 200_000
    assert got


def test_a_bar_tells_how_it_looks_while_it_moves_and_a_line_that_does_not_move_tells_nothing() -> None:
    lines = Lines()
    seen = []
    for piece in (b"a line", b" that ends\n", b"\r 10%", b"\r\x1b[K 2", b"0%", b"\r", b" 30%\r", b"\n"):
        lines.feed(piece)
        seen.append(lines.passing())
    assert seen == [b"", b"", b"", b" 2", b" 20%", b" 20%", b" 30%", b""]


@given(st.lists(st.text(alphabet="ab \r\n").map(str.encode)))
def test_however_the_pieces_are_cut_the_lines_are_the_same(pieces: list[bytes]) -> None:
    whole, cut = Lines(), Lines()
    assert [line for piece in pieces for line in cut.feed(piece)] == whole.feed(b"".join(pieces))
    assert cut.rest() == whole.rest()


@given(st.lists(st.text(alphabet="ab \n").map(str.encode)))
def test_however_the_pieces_are_cut_no_line_is_lost(pieces: list[bytes]) -> None:
    lines = Lines()
    got = [line for piece in pieces for line in lines.feed(piece)] + lines.rest()
    assert got == b"".join(pieces).removesuffix(b"\n").split(b"\n") or not b"".join(pieces).strip(b"\n")


def test_the_cursor_knows_an_open_line_through_colours_and_cleared_bars() -> None:
    cursor = Cursor()
    states = []
    for data in (b"text", b"\n\x1b[0m", b"bar\r", b"\r\x1b[K", b"bar", b"\x1b[?25h"):
        cursor.follow(data)
        states.append(cursor.at_line_start)
    assert states == [False, True, False, True, False, False]
