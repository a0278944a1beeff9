"""A reader who stands still holds up neither the loop nor the end; one who only is slow gets everything."""

from __future__ import annotations

import io
import os
import pty
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone

import pytest

from crude_link.clock import SystemClock
from crude_link.model.event import AttemptWrote, Notice, RunEnded, Stream
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.run import AttemptKey, Origin, Run
from crude_link.model.status import Status
from crude_link.notifiers.channel import LONGEST_QUEUE, Channel
from crude_link.notifiers.outlet import Outlet
from crude_link.notifiers.terminal import TerminalNotifier

NOW = datetime(2026, 11, 21, 3, 45, tzinfo=timezone.utc)
PIPELINE = Pipeline(name="demo", steps=(Step(name="train", action=Command(text="x")),))
#: More than any pipe or terminal holds.
FLOOD = b"".join(b"%06d\n" % number for number in range(100_000))
#: A thread may still write to them as their test ends; were they closed, it would write where the next test reads.
_KEPT: list[io.BufferedWriter] = []


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    source, sink = os.pipe()
    yield source, sink
    for descriptor in (source, sink):
        with suppress(OSError):
            os.close(descriptor)


def read_all(source: int, size: int) -> bytes:
    """Read so many bytes."""
    data = b""
    while len(data) < size:
        data += os.read(source, 65_536)
    return data


def stream(descriptor: int) -> io.BufferedWriter:
    _KEPT.append(io.BufferedWriter(io.FileIO(os.dup(descriptor), "w")))
    return _KEPT[-1]


def wrote(data: bytes) -> AttemptWrote:
    return AttemptWrote(key=AttemptKey(42, "train", 1, 1), stream=Stream.STDOUT, data=data)


def ended(status: Status) -> RunEnded:
    run = Run(id=42, pipeline="demo", origin=Origin.PERSON, status=status, began=NOW)
    return RunEnded(run=run, pipeline=PIPELINE, states=(), attempts={})


def test_writing_to_a_full_pipe_returns_and_what_waits_comes_in_order(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    outlet = Outlet(sink)
    outlet.send(FLOOD)
    outlet.send(b"the end")
    assert outlet.waiting > 0
    assert read_all(source, len(FLOOD) + 7) == FLOOD + b"the end"
    outlet.send(b"and on")
    assert read_all(source, 6) == b"and on"


def test_writing_to_a_terminal_that_stands_still_returns() -> None:
    source, sink = pty.openpty()
    outlet = Outlet(sink)
    outlet.send(FLOOD)
    assert outlet.waiting > 0
    assert os.get_blocking(sink)
    shown = FLOOD.replace(b"\n", b"\r\n")
    assert read_all(source, len(shown)) == shown
    outlet.close()
    os.close(source)
    os.close(sink)


def test_a_reader_who_leaves_what_waits_unread_ends_the_channel_silently(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    channel = Channel(stream(sink))
    assert channel.write(FLOOD) is None
    os.close(source)
    assert channel.let_read(SystemClock())
    assert channel.write(b"more") is None
    assert not channel.is_open


def test_output_beyond_the_longest_queue_is_left_out_and_said_so_but_none_of_our_words(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    channel = Channel(stream(sink))
    channel.write(b"x" * LONGEST_QUEUE, is_output=True)
    for _ in range(3):
        channel.write(b"y" * 1_000_000, is_output=True)
    channel.write(b"our words\n")
    tail = b"[3 MB of output left out here, because nobody read it; crude-link logs shows it]\nour words\n"
    got = read_all(source, LONGEST_QUEUE + 1 + len(tail))
    assert got == b"x" * LONGEST_QUEUE + b"\n" + tail


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FAILED])
def test_at_the_end_a_stopped_run_gives_its_reader_up_and_every_other_waits(
    pipe: tuple[int, int], status: Status
) -> None:
    source, sink = pipe
    err = io.TextIOWrapper(io.BytesIO())
    notifier = TerminalNotifier(stream(sink), err, SystemClock())
    notifier.tell(wrote(FLOOD))
    notifier.tell(ended(status))
    got: list[bytes] = []
    if status is Status.FAILED:
        reader = threading.Thread(target=lambda: got.append(read_all(source, len(FLOOD))))
        reader.start()
        notifier.close()
        reader.join()
        assert got == [FLOOD]
    else:
        notifier.close()
        os.set_blocking(source, False)
        assert len(os.read(source, len(FLOOD))) < len(FLOOD)


def test_a_signal_ends_the_wait_for_a_reader(pipe: tuple[int, int]) -> None:
    _, sink = pipe
    channel = Channel(stream(sink))
    channel.write(FLOOD)
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.005)
    try:
        assert not channel.let_read(SystemClock())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_reader_who_stands_still_holds_up_no_event(pipe: tuple[int, int]) -> None:
    _, sink = pipe
    talk = io.BytesIO()
    notifier = TerminalNotifier(stream(sink), io.TextIOWrapper(talk), SystemClock())
    for _ in range(200):
        notifier.tell(wrote(b"x" * 65_536))
    notifier.tell(Notice(text="still here"))
    assert b"still here" in talk.getvalue()
    notifier.tell(ended(Status.CANCELLED))
    notifier.close()


def test_where_there_can_be_no_thread_nothing_is_lost(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    source, sink = pipe
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(read_all(source, len(FLOOD))))
    reader.start()

    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", refuse)
    outlet = Outlet(sink)
    outlet.send(FLOOD)
    reader.join()
    assert got == [FLOOD]
    assert outlet.waiting == 0
