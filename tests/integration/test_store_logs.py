"""Logs: both streams in order of arrival, whole or from the end, whatever became of the index."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crude_link.model.event import Stream
from crude_link.model.order import LogPlace
from crude_link.model.run import AttemptKey
from crude_link.store import log_tail
from crude_link.store.files import RunFiles
from crude_link.store.logs import FileLogs

KEY = AttemptKey(7, "train", 1, 2)
OUT, ERR = Stream.STDOUT, Stream.STDERR


class Writer:
    """Writes a log as an agent does."""

    def __init__(self, place: LogPlace) -> None:
        self._files = {OUT: place.stdout, ERR: place.stderr}
        self._index = place.index

    def write(self, stream: Stream, data: bytes, *, indexed: bool = True) -> None:
        with self._files[stream].open("ab") as file:
            file.write(data)
            end = file.tell()
        if indexed:
            with self._index.open("ab") as index:
                index.write(b"%s %d 12\n" % (b"o" if stream is OUT else b"e", end))


@pytest.fixture
def logs(tmp_path: Path) -> FileLogs:
    return FileLogs(RunFiles(tmp_path / "runs"))


@pytest.fixture
def writer(logs: FileLogs) -> Writer:
    return Writer(logs.place(KEY))


def test_the_place_of_a_log_is_as_promised(logs: FileLogs, tmp_path: Path) -> None:
    place = logs.place(KEY)
    folder = tmp_path / "runs" / "7" / "steps" / "train"
    assert (place.stdout, place.stderr, place.index) == (
        folder / "2.stdout",
        folder / "2.stderr",
        folder / "2.index",
    )
    assert folder.is_dir()
    assert logs.place(KEY._replace(task=3)).stdout == folder / "3.2.stdout"


def test_lines_come_in_the_order_of_their_ends(logs: FileLogs, writer: Writer) -> None:
    writer.write(OUT, b"one\ntw")
    writer.write(ERR, b"oops\r\n")
    writer.write(OUT, b"o\nthree\n")
    assert list(logs.lines(KEY)) == [(OUT, b"one"), (ERR, b"oops"), (OUT, b"two"), (OUT, b"three")]
    assert list(logs.lines(KEY, OUT)) == [(OUT, b"one"), (OUT, b"two"), (OUT, b"three")]
    assert logs.last_lines(KEY, 3) == ("oops", "two", "three")


def test_a_bar_that_still_moves_comes_last(logs: FileLogs, writer: Writer) -> None:
    writer.write(ERR, b" 50%", indexed=False)
    writer.write(OUT, b"loaded\n")
    assert list(logs.lines(KEY)) == [(OUT, b"loaded"), (ERR, b" 50%")]
    assert logs.last_lines(KEY, 1) == (" 50%",)


def test_a_log_without_its_index_gives_one_stream_after_the_other(logs: FileLogs, writer: Writer) -> None:
    writer.write(ERR, b"e1\n", indexed=False)
    writer.write(OUT, b"o1\no2", indexed=False)
    assert list(logs.lines(KEY)) == [(OUT, b"o1"), (OUT, b"o2"), (ERR, b"e1")] or list(logs.lines(KEY)) == [
        (OUT, b"o1"),
        (ERR, b"e1"),
        (OUT, b"o2"),
    ]
    assert set(logs.last_lines(KEY, 9)) == {"o1", "o2", "e1"}


@pytest.mark.parametrize(
    "garbage", [b"\0\xff\n\n", b"o 1 2 3\n", b"o -5 1\n", b"x 3 1\n", b"o 99999999 1\ne 0 0\n", b"o 3"]
)
def test_a_garbled_index_loses_no_line(logs: FileLogs, writer: Writer, garbage: bytes) -> None:
    writer.write(OUT, b"one\n")
    with logs.place(KEY).index.open("ab") as index:
        index.write(garbage)
    writer.write(ERR, b"two\n")
    writer.write(OUT, b"three\n")
    assert sorted(line for _, line in logs.lines(KEY)) == [b"one", b"three", b"two"]
    assert sorted(logs.last_lines(KEY, 9)) == ["one", "three", "two"]


def test_a_log_that_is_gone_is_empty(logs: FileLogs) -> None:
    assert list(logs.lines(KEY)) == []
    assert logs.last_lines(KEY, 5) == ()
    assert logs.text(KEY, OUT, 100) is None
    assert logs.last_lines(KEY, 0) == ()


def test_text_is_a_stream_without_its_last_newline(logs: FileLogs, writer: Writer) -> None:
    writer.write(OUT, b"a\ncaf\xe9\n\n")
    assert logs.text(KEY, OUT, 100) == "a\ncaf\udce9\n"
    assert logs.text(KEY, OUT, 8) is not None
    assert logs.text(KEY, OUT, 7) is None
    writer.write(ERR, b"")
    assert logs.text(KEY, ERR, 100) == ""


def test_a_log_is_followed_while_it_grows(logs: FileLogs, writer: Writer) -> None:
    with logs.reader(KEY) as reader:
        assert list(reader.more()) == []
        writer.write(OUT, b"one\ntw")
        assert list(reader.more()) == [(OUT, b"one")]
        writer.write(ERR, b"10%", indexed=False)
        assert list(reader.more()) == []
        writer.write(OUT, b"o\n")
        assert list(reader.more()) == [(OUT, b"two")]
        assert list(reader.rest()) == [(ERR, b"10%")]
        assert list(reader.rest()) == []


def test_the_last_lines_of_a_long_log_are_read_from_its_end(logs: FileLogs, writer: Writer) -> None:
    writer.write(ERR, b"early warning\n")
    place = logs.place(KEY)
    size = 0
    with place.stdout.open("ab") as stdout, place.index.open("ab") as index:
        for number in range(200_000):
            size += stdout.write(b"line %d\n" % number)
            index.write(b"o %d %d\n" % (size, number))
    # What lies before is not looked at: it could be anything.
    with place.stdout.open("r+b") as stdout:
        stdout.truncate(size)
        stdout.write(b"\xff" * 1000)
    assert logs.last_lines(KEY, 3) == ("line 199997", "line 199998", "line 199999")
    writer.write(ERR, b"Traceback\n")
    assert logs.last_lines(KEY, 2) == ("line 199999", "Traceback")


pieces = st.lists(
    st.tuples(st.sampled_from(Stream), st.text("ab\n", max_size=12).map(str.encode), st.just(True)), max_size=30
)


@settings(deadline=None, max_examples=150)
@given(
    pieces=pieces,
    unindexed=st.tuples(st.sampled_from(Stream), st.text("ab", max_size=5).map(str.encode)),
    count=st.integers(1, 12),
    budget=st.integers(1, 40),
)
def test_the_last_lines_are_the_end_of_all_lines(
    pieces: list[tuple[Stream, bytes, bool]], unindexed: tuple[Stream, bytes], count: int, budget: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # So that small logs are long ones.
        patch.setattr(log_tail, "_FIRST_BUDGET", budget)
        logs = FileLogs(RunFiles(Path(folder)))
        writer = Writer(logs.place(KEY))
        for stream, data, indexed in pieces:
            writer.write(stream, data, indexed=indexed)
        writer.write(*unindexed, indexed=False)
        everything = [line.decode() for _, line in logs.lines(KEY)]
        for stream in Stream:
            alone = b"".join(data for each, data, _ in pieces if each is stream)
            alone += unindexed[1] if unindexed[0] is stream else b""
            lines = alone.split(b"\n")
            expected = lines if lines[-1] else lines[:-1]
            assert [line for _, line in logs.lines(KEY, stream)] == expected
            assert [line for each, line in logs.lines(KEY) if each is stream] == expected
        found = logs.last_lines(KEY, count)
        assert list(found) == everything[-count:]
