"""Screen lines: what a log keeps of a progress bar."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crude_link.agent.screen_lines import LONGEST_ROW, ScreenLines


def shown(*pieces: bytes, looking_on: bool = False) -> bytes:
    """Feed the pieces; return the file as it is in the end, written as `take` says (after each piece or once)."""
    lines = ScreenLines()
    text = b""
    for piece in pieces:
        lines.feed(piece)
        if looking_on:
            place, news = lines.take()
            assert place <= len(text)
            text = text[:place] + news
    lines.finish()
    place, news = lines.take()
    assert place <= len(text)
    return text[:place] + news


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (b"plain\ntext", b"plain\ntext"),
        (b"windows\r\nlines\r\n", b"windows\r\nlines\r\n"),
        (b"\r 10%\r 50%\r100%\n", b"100%\n"),
        (b"\r 10%\r 50%\r100%", b"100%"),
        (b"before\n10%\r20%\nafter\n", b"before\n20%\nafter\n"),
        (b"longer text\rshort", b"shortr text"),
        (b"longer text\rshort\x1b[K\n", b"short\n"),
        (b"longer text\r\x1b[2Kshort\n", b"short\n"),
        (b"bar\r   \rdone\n", b"done\n"),
        (b"bar\r   \r", b""),
        (b"ab\x08c\n", b"ac\n"),
        (b"one\ntwo\n\x1b[2Aup!\n", b"up!\ntwo\n"),
        (b"one\ntwo\x1b[1A\rup!\x1b[1B\rend\n", b"up!\nend\n"),
        (b"one\ntwo\nthree\x1b[2F\x1b[Jnew\n", b"new\n"),
        (b"\x1b[31mred\x1b[0m plain\n", b"\x1b[31mred\x1b[0m plain\n"),
        (b"10%\r\x1b[32m99%\x1b[0m ok\n", b"\x1b[32m99%\x1b[0m ok\n"),
        (b"caf\xc3\xa9\rX\n", b"Xaf\xc3\xa9\n"),
        (b"\xff\xfe\rX\n", b"X\xfe\n"),
        (b"\x1b]8;;http://x\x07link\x1b]8;;\x07\n", b"\x1b]8;;http://x\x07link\x1b]8;;\x07\n"),
        (b"\x1b(B\x1b[mplain\r!\n", b"!lain\n"),
        (b"text\r", b"text"),
        (b"a\x1b", b"a\x1b"),
        (b"abc\x1b[5Gx\n", b"abc x\n"),
    ],
)
def test_a_log_keeps_what_a_terminal_would_show(stream: bytes, text: bytes) -> None:
    assert shown(stream) == text
    assert shown(*[bytes([byte]) for byte in stream]) == text
    assert shown(*[bytes([byte]) for byte in stream], looking_on=True) == text


def test_nested_bars_keep_their_last_state() -> None:
    stream = b"outer 0\n\rinner 0\rinner 1\x1b[A\router 1\n\rinner 0\rinner 1\x1b[A\router 2\n\n"
    assert shown(stream) == b"outer 2\ninner 1\n"


def test_what_is_written_meanwhile_is_the_present_state() -> None:
    lines = ScreenLines()
    lines.feed(b"start\n\r 10%")
    assert lines.take() == (0, b"start\n 10%")
    lines.feed(b"\r 20%")
    assert not lines.has_news
    assert lines.take() == (6, b" 20%")
    assert lines.settled == 6


def test_the_cursor_climbs_no_further_than_the_window() -> None:
    text = b"".join(b"line %d\n" % number for number in range(200))
    result = shown(text + b"\x1b[500Atop")
    assert result.startswith(b"line 0\n")
    assert result.split(b"\n").index(b"tope 137") == 137


def test_a_line_without_end_does_not_pile_up() -> None:
    stream = b"x" * (3 * LONGEST_ROW) + b"\rend\n"
    assert shown(stream) == b"x" * (3 * LONGEST_ROW) + b"end\n"
    assert shown(stream[:100], stream[100:]) == shown(stream)


pieces_of_terminals = st.sampled_from(
    [
        b"a", b"bc", b"hello", b" ", b"\n", b"\r\n", b"\r", b"\x08", b"\x1b", b"\x1b[A", b"\x1b[2A", b"\x1b[B",
        b"\x1b[K", b"\x1b[1K", b"\x1b[2K", b"\x1b[J", b"\x1b[C", b"\x1b[3G", b"\x1b[31m", b"\x1b[0m", b"\x1b[1;32m",
        b"\x1b[", b"\x1b]0;t\x07", b"\x1b(B", b"\xc3\xa9", b"\xe2\x96\x88", b"\xc3", b"\xff", b"\xf0\x9f\x98\x80",
        b"\x1b[?25l",
        b"\n\n\n", b"\x1b[F", b"\x1b[E",
    ]
)  # fmt: skip


@settings(max_examples=500)
@given(st.lists(pieces_of_terminals, max_size=30), st.lists(st.integers(0, 200), max_size=12), st.booleans())
def test_it_does_not_matter_where_a_screen_is_cut(parts: list[bytes], places: list[int], looking_on: bool) -> None:
    data = b"".join(parts)
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces = [data[start:end] for start, end in pairwise(borders)]
    assert shown(*pieces, looking_on=looking_on) == shown(data)


@given(st.lists(st.binary(max_size=20).map(lambda data: data.translate(None, b"\r\x08\x1b")), max_size=10))
def test_text_without_moves_passes_unchanged(pieces: list[bytes]) -> None:
    assert shown(*pieces, looking_on=True) == b"".join(pieces)
