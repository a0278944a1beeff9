"""How the pieces of two streams are put together in the order in which they were written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crude_link.agent.braid import Braid, lines_and_states


def braided(turns: str, out: str, err: str, *, late: str = "") -> list[str]:
    """Return the order of lines where the kernel told `turns`, and `late` while the data was being read."""
    braid = Braid()
    for letter in turns:
        braid.note("oe".index(letter))
    braid.begin()
    braid.feed(0, out.encode())
    braid.feed(1, err.encode())
    for letter in late:
        braid.note("oe".index(letter))
    return [line for _, data in braid.take() for line in data.decode().split("\n") if line]


def test_lines_come_in_the_order_of_their_writing() -> None:
    assert braided("oeoe", "a\nb\n", "x\ny\n") == ["a", "x", "b", "y"]
    assert braided("eoeo", "a\nb\n", "x\ny\n") == ["x", "a", "y", "b"]


def test_many_lines_before_an_error_stay_before_it() -> None:
    assert braided("oe", "a\nb\nc\n", "x\ny\n") == ["a", "b", "c", "x", "y"]
    assert braided("eo", "a\nb\nc\n", "x\ny\n") == ["x", "y", "a", "b", "c"]


def test_several_lines_in_each_turn_are_shared_out_evenly() -> None:
    assert braided("oeoe", "a\nb\nc\nd\n", "x\ny\n") == ["a", "b", "x", "c", "d", "y"]


def test_states_of_a_bar_are_told_between_the_lines_of_the_other_stream() -> None:
    assert braided("eoeo", "a\nb\n", "\r1%\r2%") == ["\r1%", "a", "\r2%", "b"]


def test_a_turn_that_was_read_with_an_earlier_one_is_left_out() -> None:
    assert braided("oeoe", "b\n", "x\ny\n") == ["x", "b", "y"]


def test_what_was_written_during_the_reading_waits_for_what_came_before_it() -> None:
    braid = Braid()
    braid.note(0)
    braid.begin()
    braid.feed(0, b"a\n")
    for stream in (1, 0, 1):
        braid.note(stream)
    braid.feed(1, b"x\ny\n")
    assert braid.take() == [(0, b"a\n"), (1, b"x\n")]
    braid.begin()
    braid.feed(0, b"b\n")
    assert braid.take() == [(0, b"b\n"), (1, b"y\n")]
    assert braid.is_empty


def test_where_the_kernel_tells_nothing_all_of_it_comes() -> None:
    assert braided("", "a\n", "x\n") == ["a", "x"]


@given(st.binary(max_size=40))
def test_cutting_loses_nothing(data: bytes) -> None:
    assert b"".join(lines_and_states(data)) == data


Reading = st.tuples(
    st.lists(st.integers(0, 1), max_size=6),
    st.lists(st.sampled_from([b"a\n", b"b", b"\r1%", b"c\r\n"]), max_size=5).map(b"".join),
    st.lists(st.sampled_from([b"x\n", b"y", b"\r2%", b"z\r\n"]), max_size=5).map(b"".join),
    st.booleans(),
    st.lists(st.integers(0, 1), max_size=4),
)


@given(st.lists(Reading, max_size=5))
def test_whatever_the_kernel_tells_each_stream_comes_whole_and_in_its_own_order(
    readings: list[tuple[list[int], bytes, bytes, bool, list[int]]],
) -> None:
    braid, pieces = Braid(), []
    for before, out, err, is_all, late in readings:
        for stream in before:
            braid.note(stream)
        braid.begin()
        braid.feed(0, out, is_all)
        braid.feed(1, err)
        for stream in late:
            braid.note(stream)
        pieces += braid.take()
    pieces += braid.rest()
    for stream in (0, 1):
        told = b"".join(data for which, data in pieces if which == stream)
        assert told == b"".join(reading[2] if stream else reading[1] for reading in readings)
