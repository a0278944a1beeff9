"""The contract of an Executor, kept by every executor that we have."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from executor_bench import Bench, is_running, wait_until

from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
from crude_link.interfaces import Executor
from crude_link.model.event import Ended, Held, Started, Stream, Wrote
from crude_link.model.run import Ending
from crude_link.model.status import Status
from crude_link.model.wish import Release, Stop

EXECUTORS: dict[str, Callable[[], Executor]] = {"local": lambda: LocalExecutor(SystemClock())}


@pytest.fixture(params=EXECUTORS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    executor = EXECUTORS[request.param]()
    yield Bench(executor, tmp_path)
    executor.close()


def test_orders_wait_until_their_run_is_held(bench: Bench) -> None:
    order = bench.order("early", "touch", "ran")
    bench.executor.start(order)
    bench.hold()
    assert bench.end_of(order).status is Status.SUCCEEDED
    kinds = [type(event) for event in bench.seen]
    assert kinds.index(Held) < kinds.index(Started) < kinds.index(Ended)


def test_every_started_order_ends_exactly_once(bench: Bench) -> None:
    bench.hold()
    orders = [bench.order(f"step-{number}", "sh", "-c", "echo x >> count") for number in range(20)]
    for order in orders:
        bench.executor.start(order)
    bench.wait_for(lambda _: sum(isinstance(event, Ended) for event in bench.seen) == len(orders))
    ended = [event.key for event in bench.seen if isinstance(event, Ended)]
    assert sorted(ended) == sorted(order.key for order in orders)
    assert (bench.folder / "count").read_text() == "x\n" * len(orders)


def test_two_hundred_steps_one_after_the_other_all_succeed(bench: Bench) -> None:
    bench.hold()
    for number in range(200):
        assert bench.outcome(bench.order(f"step-{number}", "true")).status is Status.SUCCEEDED


def test_what_a_step_writes_is_told_and_kept(bench: Bench) -> None:
    bench.hold()
    order = bench.order("talk", "sh", "-c", "echo out; echo err >&2")
    outcome = bench.outcome(order)
    assert (order.log.stdout.read_bytes(), order.log.stderr.read_bytes()) == (b"out\n", b"err\n")
    assert (outcome.stdout_bytes, outcome.stderr_bytes) == (4, 4)
    told = {event.stream: event.data for event in bench.seen if isinstance(event, Wrote)}
    assert told == {Stream.STDOUT: b"out\n", Stream.STDERR: b"err\n"}


@pytest.mark.parametrize(
    ("script", "ending", "reason"),
    [
        ("exit 0", Ending.EXITED, ""),
        ("exit 3", Ending.EXITED, "exit 3"),
        ("kill -SEGV $$", Ending.SIGNALLED, "signal 11 (segmentation fault)"),
        ("kill -KILL $$", Ending.SIGNALLED, "killed by signal 9, not by crude-link; often out of memory"),
    ],
)
def test_the_end_is_said_in_words(bench: Bench, script: str, ending: Ending, reason: str) -> None:
    bench.hold()
    outcome = bench.outcome(bench.order("end", "sh", "-c", script))
    assert (outcome.ending, outcome.reason) == (ending, reason)


def test_a_program_that_is_not_there_is_an_outcome(bench: Bench) -> None:
    bench.hold()
    outcome = bench.outcome(bench.order("none", "no-such-thing", env={"PATH": "/bin:/usr/bin"}))
    assert outcome.ending is Ending.NOT_STARTED
    assert outcome.reason == "no such program: no-such-thing (looked in PATH: /bin:/usr/bin)"


def test_a_timeout_ends_the_step(bench: Bench) -> None:
    bench.hold()
    outcome = bench.outcome(bench.order("long", "sleep", "100", timeout=timedelta(seconds=0.2)))
    assert (outcome.ending, outcome.reason) == (Ending.TIMED_OUT, "timed out after 0.2 s")


def test_a_stop_ends_the_step(bench: Bench) -> None:
    bench.hold()
    order = bench.order("long", "sleep", "100")
    bench.executor.start(order)
    bench.started(order)
    bench.executor.tell(Stop(key=order.key))
    bench.executor.tell(Stop(key=order.key))
    outcome = bench.end_of(order)
    assert (outcome.ending, outcome.status) == (Ending.STOPPED, Status.CANCELLED)


def test_a_stop_reaches_an_order_that_still_waits(bench: Bench) -> None:
    order = bench.order("never", "touch", "ran")
    bench.executor.start(order)
    bench.executor.tell(Stop(key=order.key))
    assert bench.end_of(order).ending is Ending.STOPPED
    assert not (bench.folder / "ran").exists()


def test_a_stop_of_what_has_ended_is_harmless(bench: Bench) -> None:
    bench.hold()
    order = bench.order("short", "true")
    bench.outcome(order)
    bench.executor.tell(Stop(key=order.key, now=True))
    assert bench.outcome(bench.order("next", "true")).status is Status.SUCCEEDED


def test_a_step_that_ignores_the_gentle_signals_is_killed(bench: Bench) -> None:
    bench.hold()
    script = "trap '' INT TERM; touch ready; while :; do sleep 1; done"
    order = bench.order("deaf", "sh", "-c", script, stop_grace=timedelta(seconds=0.1))
    bench.executor.start(order)
    bench.wait_for(lambda _: True)
    wait_until((bench.folder / "ready").exists)
    bench.executor.tell(Stop(key=order.key))
    outcome = bench.end_of(order)
    assert outcome.reason == "stopped (killed: it had not ended when asked to)"


def test_a_run_can_be_held_by_one_executor_at_a_time(bench: Bench) -> None:
    bench.hold()
    bench.wait_for(lambda event: event == Held(run=1))
    second = Bench(LocalExecutor(SystemClock()), bench.folder)
    try:
        second.hold()
        order = second.order("second", "true")
        second.executor.start(order)
        assert bench.outcome(bench.order("first", "true")).status is Status.SUCCEEDED
        assert not second.executor.events()
        bench.executor.tell(Release(run=1))
        assert second.end_of(order).status is Status.SUCCEEDED
    finally:
        second.executor.close()


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    bench = Bench(LocalExecutor(SystemClock()), tmp_path)
    bench.hold()
    order = bench.order("long", "sleep", "100")
    bench.executor.start(order)
    pid = bench.started(order)
    bench.executor.close()
    assert not is_running(pid)


def test_arguments_and_environment_arrive_as_they_are(bench: Bench) -> None:
    bench.hold()
    program = "import os, sys; os.write(1, repr([os.fsencode(a) for a in sys.argv[1:]]).encode())"
    argv = ("", "two words", "quo'te\"s", "\nline", "ü", "\udcff\udcfe", "$HOME")
    order = bench.order("argv", sys.executable, "-c", program, *argv)
    assert bench.outcome(order).status is Status.SUCCEEDED
    assert order.log.stdout.read_text() == repr([os.fsencode(argument) for argument in argv])
