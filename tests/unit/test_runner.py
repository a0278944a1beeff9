"""The loop, among fakes: what is written, started and told, and in which order."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

from fakes import NOON, Bench

from crude_link.model.condition import parse_condition
from crude_link.model.event import AttemptBegan, AttemptEnded, AttemptWrote, Notice, RunBegan, RunEnded, StepSettled
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.policy import RetryPolicy
from crude_link.model.run import Ending, NewRequest, RequestKind
from crude_link.model.status import Status
from crude_link.model.wish import Stop


def pipeline(*steps: Step, timeout: timedelta | None = None) -> Pipeline:
    return Pipeline(name="p", steps=steps, timeout=timeout)


def step(name: str, *needs: str, retries: int = 0, delay: float = 0, when: str | None = None) -> Step:
    return Step(
        name=name,
        action=Command(text="true"),
        needs=needs,
        retries=RetryPolicy(max=retries, delay=timedelta(seconds=delay)),
        when=parse_condition(when) if when else None,
    )


TWO = pipeline(step("a"), step("b", "a"))


def test_steps_run_in_order_and_the_run_succeeds() -> None:
    bench = Bench(TWO)
    (run,) = bench.runner.finish()
    assert run.status is Status.SUCCEEDED
    assert [key.step for key in bench.executor.started] == ["a", "b"]
    assert bench.released == [1]
    assert bench.let_go == [1]


def test_everything_is_written_before_it_is_done_and_before_it_is_told() -> None:
    bench = Bench(TWO, {"b": [3]})
    bench.runner.finish()
    assert bench.store.log == [
        "1/a/1/1 begins",
        "1/a/1/1 succeeded",
        "1/b/1/1 begins",
        "1/b/1/1 failed",
        "run 1 failed",
    ]
    for event, written in bench.notifier.written_before:
        match event:
            case AttemptBegan():
                assert f"{event.attempt.key} begins" in written
            case AttemptEnded():
                assert f"{event.attempt.key} {event.outcome.status.value}" in written
            case RunEnded():
                assert "run 1 failed" in written
            case _:
                pass


def test_people_are_told_of_a_run_from_its_beginning_to_its_end() -> None:
    bench = Bench(TWO)
    bench.runner.finish()
    kinds = [type(event) for event in bench.notifier.told]
    assert kinds == [RunBegan, *[AttemptBegan, AttemptWrote, AttemptEnded] * 2, RunEnded]


def test_a_failure_is_told_with_its_last_lines_and_the_date_of_its_retry() -> None:
    bench = Bench(pipeline(step("a", retries=1, delay=60)), {"a": [1, 0]})
    bench.turn_until(lambda: any(isinstance(e, AttemptEnded) for e in bench.notifier.told))
    (ended,) = [event for event in bench.notifier.told if isinstance(event, AttemptEnded)]
    assert ended.last_lines == ("working",)
    assert ended.retry_at == NOON + timedelta(seconds=60)
    assert len(bench.executor.started) == 1
    bench.clock.pass_time(timedelta(seconds=60))
    assert bench.runner.finish()[0].status is Status.SUCCEEDED
    assert len(bench.executor.started) == 2


def test_a_step_that_cannot_start_has_an_attempt_that_says_why() -> None:
    bench = Bench(TWO, broken={"a": "tasks/a.py is not there"})
    (run,) = bench.runner.finish()
    assert (run.status, run.reason) == (Status.FAILED, "'a': tasks/a.py is not there")
    (attempt,) = bench.store.made.values()
    assert attempt.outcome is not None
    assert attempt.outcome.ending is Ending.NOT_STARTED
    assert not bench.executor.started


def test_a_skipped_step_is_told_once_with_its_reason() -> None:
    steps = pipeline(step("a"), step("deploy", "a", when="steps.a.metrics.acc > 0.9"))
    bench = Bench(steps, metrics={"a": {"acc": 0.5}})
    assert bench.runner.finish()[0].status is Status.SUCCEEDED
    (settled,) = [event for event in bench.notifier.told if isinstance(event, StepSettled)]
    assert settled.state.status is Status.SKIPPED
    assert "steps.a.metrics.acc = 0.5" in settled.state.reason
    assert bench.store.known["deploy"] == settled.state


def test_a_signal_ends_the_running_step_and_the_run_is_cancelled() -> None:
    bench = Bench(TWO, {"a": [None]})
    with bench.interrupts:
        bench.turn_until(lambda: bool(bench.executor.started))
        os.kill(os.getpid(), signal.SIGTERM)
        (run,) = bench.runner.finish()
        assert (run.status, run.reason) == (Status.CANCELLED, "stopped by TERM")
        assert bench.interrupts.exit_status == 143
    assert [wish.now for wish in bench.executor.wishes if isinstance(wish, Stop)] == [False]
    assert bench.store.taken[0].why == "stopped by TERM"


def test_a_request_of_another_process_stops_only_its_run() -> None:
    bench = Bench(pipeline(step("a")), {"a": [None, None]})
    bench.take(pipeline(step("a")), run=2)
    bench.turn_until(lambda: len(bench.executor.started) == 2)
    request = bench.store.ask(NewRequest(run=2, kind=RequestKind.STOP_NOW, by="ann", at=NOON))
    bench.turn_until(lambda: 2 in bench.store.ended)
    assert bench.store.ended[2] == (Status.CANCELLED, "stopped by ann")
    assert bench.store.answers[request.id] == "stopping"
    assert bench.runner.live == (1,)
    assert [wish.now for wish in bench.executor.wishes if isinstance(wish, Stop)] == [True]


def test_a_run_that_takes_too_long_has_failed_by_its_own_timeout() -> None:
    bench = Bench(pipeline(step("a"), step("b", "a"), timeout=timedelta(hours=2)), {"a": [None]})
    bench.turn_until(lambda: bool(bench.executor.started))
    bench.clock.pass_time(timedelta(hours=2))
    (run,) = bench.runner.finish()
    assert (run.status, run.reason) == (Status.FAILED, "the run timed out after 2 h")


def test_independent_steps_are_started_in_the_same_turn() -> None:
    bench = Bench(pipeline(step("a"), step("b"), step("c", "a", "b")), {"a": [None], "b": [None]})
    bench.runner.turn(timedelta(0))
    assert [key.step for key in bench.executor.started] == ["a", "b"]


def test_while_what_a_step_needs_is_made_in_pieces_all_else_goes_on() -> None:
    bench = Bench(None)
    bench.take(pipeline(step("a"), step("b")), run=1, pieces={"a": 50})
    bench.take(TWO, run=2)
    bench.turn_until(lambda: 2 in bench.store.ended)
    assert [str(key) for key in bench.executor.started] == ["1/b/1/1", "2/a/1/1", "2/b/1/1"]
    bench.runner.finish()
    assert [key.step for key in bench.executor.started][3:] == ["a"]
    assert bench.store.ended[1] == (Status.SUCCEEDED, "")


def test_people_are_told_once_that_what_a_step_needs_takes_long() -> None:
    bench = Bench(None)
    bench.take(pipeline(step("a")), pieces={"a": 5})
    bench.runner.finish()
    assert [(e.step, e.text) for e in bench.notifier.told if isinstance(e, Notice)] == [("a", "it takes long")]


def test_a_run_is_stopped_while_what_a_step_needs_is_made_in_pieces() -> None:
    bench = Bench(None)
    bench.take(pipeline(step("a")), pieces={"a": 1_000_000})
    bench.runner.turn(timedelta(hours=1))
    bench.store.ask(NewRequest(run=1, kind=RequestKind.STOP, by="ann", at=NOON))
    bench.turn_until(lambda: 1 in bench.store.ended)
    assert bench.store.ended[1][0] is Status.CANCELLED
    assert bench.executor.started == []
