"""The loop with fan-outs, among fakes: what is handed out, written and told."""

from __future__ import annotations

from datetime import timedelta

from fakes import Bench

from crude_link.model.event import Notice, TasksProgressed
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.policy import RetryPolicy
from crude_link.model.resources import FREE_DISK, Budget
from crude_link.model.run import AttemptKey
from crude_link.model.status import Status
from crude_link.model.wish import SetTimeout

AFTER = Step(name="after", action=Command(text="true"), needs=("fan",))


def pipeline(*items: str, retries: RetryPolicy = RetryPolicy()) -> Pipeline:
    foreach = ForEach(source="items", value=list(items))
    fan = Step(name="fan", action=Command(text="true"), foreach=foreach, retries=retries)
    return Pipeline(name="p", steps=(fan, AFTER))


def tries(bench: Bench) -> list[tuple[int, int, Status]]:
    return [(each.end.task, each.end.number, each.end.status) for each in bench.tasks.tasks(1, "fan")]


def limits(bench: Bench) -> list[SetTimeout]:
    return [wish for wish in bench.executor.wishes if isinstance(wish, SetTimeout)]


def test_a_fan_out_is_one_attempt_at_the_whole_and_its_tasks_are_written_before_they_are_told() -> None:
    bench = Bench(pipeline("x", "y", "z", retries=RetryPolicy(max=1)), {"y": [1, 0]})
    (run,) = bench.runner.finish()
    assert run.status is Status.SUCCEEDED
    assert bench.executor.started == [AttemptKey(1, "fan", 0, 1), AttemptKey(1, "after", 1, 1)]
    assert tries(bench) == [(1, 1, Status.SUCCEEDED), (2, 2, Status.SUCCEEDED), (3, 1, Status.SUCCEEDED)]
    told = [
        (event, written) for event, written in bench.notifier.written_before if isinstance(event, TasksProgressed)
    ]
    assert told
    for event, written in told:
        ended = event.counts.succeeded + event.counts.failed
        assert sum("/fan/" in line and "/0/" not in line for line in written) >= ended


def test_failed_tasks_fail_the_step_and_what_needs_it_is_skipped() -> None:
    bench = Bench(pipeline("x", "y", "z"), {"y": [1]})
    (run,) = bench.runner.finish()
    assert (run.status, run.reason) == (Status.FAILED, "'fan': 1 of 3 tasks failed")
    assert bench.store.known["after"].status is Status.SKIPPED
    told = [event for event in bench.notifier.told if isinstance(event, TasksProgressed)]
    assert [end.task for event in told for end in event.failed] == [2]


def test_a_retry_of_a_task_waits_for_its_date_while_the_others_go_on() -> None:
    bench = Bench(pipeline("x", "y", "z", retries=RetryPolicy(max=1, delay=timedelta(minutes=1))), {"y": [1, 0]})
    bench.turn_until(lambda: len(tries(bench)) == 3)
    assert tries(bench)[1] == (2, 1, Status.FAILED)
    bench.clock.pass_time(timedelta(minutes=1))
    assert bench.runner.finish()[0].status is Status.SUCCEEDED
    assert tries(bench)[1] == (2, 2, Status.SUCCEEDED)


def test_a_fan_out_whose_agent_died_goes_on_at_what_is_not_done() -> None:
    bench = Bench(pipeline("x", "y", "z"), {"y": [1]})
    bench.turn_until(lambda: len(tries(bench)) == 3)
    bench.executor.lose(AttemptKey(1, "fan", 0, 1))
    (run,) = bench.runner.finish()
    assert run.status is Status.SUCCEEDED
    assert bench.executor.started[:2] == [AttemptKey(1, "fan", 0, 1), AttemptKey(1, "fan", 0, 2)]
    assert tries(bench) == [(1, 1, Status.SUCCEEDED), (2, 2, Status.SUCCEEDED), (3, 1, Status.SUCCEEDED)]


def test_a_run_without_inputs_succeeds() -> None:
    bench = Bench(pipeline())
    assert bench.runner.finish()[0].status is Status.SUCCEEDED


def test_the_time_limit_of_tasks_is_told_once_it_is_known_and_a_later_attempt_knows_it_at_once() -> None:
    foreach = ForEach(source="items", value=[str(number) for number in range(12)])
    fan = Step(name="fan", action=Command(text="true"), foreach=foreach, timeout_medians=5)
    bench = Bench(Pipeline(name="p", steps=(fan,)), {"3": [1]})
    bench.turn_until(lambda: len(tries(bench)) == 12)
    assert [limit.timeout for limit in limits(bench)] == [timedelta(seconds=5)]
    notices = [event.text for event in bench.notifier.told if isinstance(event, Notice)]
    assert notices == ["each task may take 5 s (5x the median of less than 0.1 s, and at least 5 s)"]
    bench.executor.lose(AttemptKey(1, "fan", 0, 1))
    assert bench.runner.finish()[0].status is Status.SUCCEEDED
    assert [limit.key.number for limit in limits(bench)] == [1, 2]


def test_a_fan_out_for_whose_tasks_a_disk_has_no_room_waits_for_that_and_says_so_where_one_looks() -> None:
    left = [9.0]
    bench = Bench(pipeline("x", "y"), budgets=[Budget(name="disk", each=10, total=40, left=lambda: left[0])])
    bench.turn_until(lambda: bool(bench.leases.waits()))
    assert [(wait.pool, wait.step) for wait in bench.leases.waits()] == [(FREE_DISK, "fan")]
    assert [event.text for event in bench.notifier.told if isinstance(event, Notice)] == [
        "waits for disk: each task takes 10 B, and 9 B are free"
    ]
    assert tries(bench) == []
    left[0] = 10.0
    assert bench.runner.finish()[0].status is Status.SUCCEEDED
    assert len(tries(bench)) == 2
    assert list(bench.leases.waits()) == []
