"""The tasks of a fan-out: which are handed out, which again, and what the whole comes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from fake_work import FakeWork
from hypothesis import given, strategies

from crude_link.engine.fanout import AHEAD, FanOut
from crude_link.model.foreach import ForEach, Share
from crude_link.model.pipeline import Command, Step
from crude_link.model.policy import RetryPolicy
from crude_link.model.run import AttemptKey, Ending, Outcome
from crude_link.model.status import Status
from crude_link.model.task import FanRecord, TaskEnd, TaskOrder, TaskSet
from crude_link.model.value import Plain

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
KEY = AttemptKey(1, "embed", 0, 1)
NONE = Share(number=0, is_share=False)
EXITED = Outcome(ending=Ending.EXITED, ended=NOON, exit_status=0)


def fan_of(
    items: Sequence[Plain],
    *,
    retries: RetryPolicy = RetryPolicy(),
    allow: Share = NONE,
    most: Share | None = None,
    record: FanRecord | None = None,
    only_failed: bool = False,
    once: bool = False,
) -> FanOut:
    step = Step(
        name="embed",
        action=Command(text="true"),
        foreach=ForEach(source="items", value=[], once=once),
        retries=retries,
        allow_failed=allow,
        stop_after_failed=most,
    )
    return FanOut(step, KEY, FakeWork(items), record or FanRecord(), slots=2, only_failed=only_failed)


def end(order: TaskOrder, status: int = 0, ending: Ending = Ending.EXITED) -> TaskEnd:
    return TaskEnd(
        task=order.task, number=order.number, digest=order.digest, slot=1, ending=ending, exit_status=status,
        signal=None, began_us=0, wall_us=1, cpu_us=1, peak_memory=None, stdout_bytes=0, stderr_bytes=0, offset=0,
        reason=f"exit {status}" if status else "",
    )  # fmt: skip


def tasks(some: Sequence[int]) -> TaskSet:
    found = TaskSet()
    for task in some:
        found.add(task)
    return found


def taken(fan: FanOut, now: datetime = NOON) -> list[tuple[int, int]]:
    return [(order.task, order.number) for order in fan.take(now).orders]


def has_ended(fan: FanOut) -> bool:
    return fan.is_drained


def has_given_up(fan: FanOut) -> bool:
    return fan.gives_up


def test_every_input_is_a_task_with_its_position_for_a_number() -> None:
    fan = fan_of(["a", "a", "c"])
    orders = fan.take(NOON).orders
    assert [(order.task, order.argv[1]) for order in orders] == [(1, "a"), (2, "a"), (3, "c")]
    assert not has_ended(fan)
    fan.follow([end(order) for order in orders], NOON)
    assert has_ended(fan)
    assert fan.outcome(EXITED) == EXITED
    assert (fan.counts.succeeded, fan.counts.total, fan.counts.total_is_guess) == (3, 3, False)


def test_only_a_window_of_a_long_source_is_read() -> None:
    fan = fan_of([str(number) for number in range(100_000)])
    orders = fan.take(NOON).orders
    assert len(orders) == 2 + AHEAD
    assert fan.counts.total == 100_000
    assert fan.counts.total_is_guess
    fan.follow([end(orders[0])], NOON)
    assert taken(fan) == []  # a window is filled up when half of it is free, not for each single task
    fan.follow([end(order) for order in orders[1:100]], NOON)
    assert len(fan.take(NOON).orders) == 100


def test_failed_tasks_do_not_stop_the_others_and_fail_the_whole() -> None:
    fan = fan_of(["a", "b", "c"])
    orders = fan.take(NOON).orders
    followed = fan.follow([end(orders[0], 3), end(orders[1]), end(orders[2])], NOON)
    assert [failed.task for failed in followed.failed] == [1]
    outcome = fan.outcome(EXITED)
    assert (outcome.status, outcome.exit_status, outcome.reason) == (Status.FAILED, 1, "1 of 3 tasks failed")


@pytest.mark.parametrize(
    ("allow", "succeeds"),
    [(Share(number=1, is_share=False), True), (Share(number=0.2, is_share=True), False), (NONE, False),
     (Share(number=0.25, is_share=True), True)],
)  # fmt: skip
def test_so_many_may_fail_as_the_step_allows(allow: Share, succeeds: bool) -> None:
    fan = fan_of(["a", "b", "c", "d"], allow=allow)
    orders = fan.take(NOON).orders
    fan.follow([end(orders[0], 1), *map(end, orders[1:])], NOON)
    assert (fan.outcome(EXITED).status is Status.SUCCEEDED) == succeeds


def test_a_retry_waits_for_its_date_and_goes_before_new_inputs() -> None:
    fan = fan_of([str(number) for number in range(1000)], retries=RetryPolicy(max=1, delay=timedelta(seconds=5)))
    orders = fan.take(NOON).orders
    followed = fan.follow([end(orders[6], 1), *[end(order) for order in orders[10:110]]], NOON)
    assert [retried.task for retried in followed.retried] == [7]
    assert fan.due == NOON + timedelta(seconds=5)
    assert taken(fan)[0] == (131, 1)
    fan.follow([end(order) for order in orders[110:]], NOON)
    assert fan.due
    assert (7, 2) not in taken(fan, fan.due - timedelta(seconds=1))
    fan = fan_of(["a"], retries=RetryPolicy(max=1))
    (order,) = fan.take(NOON).orders
    fan.follow([end(order, 1)], NOON)
    assert not has_ended(fan)
    (again,) = fan.take(NOON).orders
    assert (again.task, again.number) == (1, 2)
    assert [failed.task for failed in fan.follow([end(again, 1)], NOON).failed] == [1]
    assert has_ended(fan)


def test_what_is_done_is_not_done_again_and_tries_count_on() -> None:
    record = FanRecord(done=tasks([1, 3]), failed=tasks([2]), tries={2: 4}, highest=3)
    fan = fan_of(["a", "b", "c", "d"], record=record)
    assert taken(fan) == [(2, 5), (4, 1)]
    assert fan.counts.succeeded == 2
    only = fan_of(["a", "b", "c", "d"], record=record, only_failed=True)
    assert taken(only) == [(2, 5)]


def test_with_only_the_failed_ones_wanted_it_is_no_success_while_others_are_not_done() -> None:
    record = FanRecord(done=tasks([1]), failed=tasks([2]), tries={2: 1}, highest=2)
    fan = fan_of(["a", "b", "c"], record=record, only_failed=True)
    fan.follow([end(order) for order in fan.take(NOON).orders], NOON)
    assert fan.outcome(EXITED).reason == "1 tasks are not done yet: resume without --failed"
    record = FanRecord(done=tasks([1, 3]), failed=tasks([2]), tries={2: 1}, highest=3)
    fan = fan_of(["a", "b", "c"], record=record, only_failed=True)
    fan.follow([end(order) for order in fan.take(NOON).orders], NOON)
    assert fan.outcome(EXITED) == EXITED


def test_of_a_source_that_has_changed_inputs_are_known_by_what_they_are() -> None:
    record = FanRecord(done=tasks([1, 2]), tries={3: 1}, highest=3, is_same_source=False)
    items = ["new", "c", "a", "a", "a"]
    fan = fan_of(items, record=record)
    digest = FakeWork(items).digest
    fan.number_by_digest({digest("a"): [1, 2], digest("c"): [3]})
    assert taken(fan) == [(4, 1), (3, 2), (5, 1)]


def test_with_too_many_failures_it_gives_up() -> None:
    fan = fan_of(["a"] * 50, most=Share(number=2, is_share=False))
    orders = fan.take(NOON).orders
    fan.follow([end(orders[0], 1)], NOON)
    assert not has_given_up(fan)
    fan.follow([end(orders[1], 1)], NOON)
    assert has_given_up(fan)
    assert fan.outcome(EXITED).reason == "given up: 2 of 2 tasks failed (stop_after_failed: 2)"


def test_a_share_of_failures_is_not_judged_by_the_first_few() -> None:
    fan = fan_of(["a"] * 100, most=Share(number=0.2, is_share=True))
    orders = fan.take(NOON).orders
    fan.follow([end(order, 1) for order in orders[:4]], NOON)
    assert not has_given_up(fan)
    fan.follow([end(order) for order in orders[4:30]], NOON)
    assert not has_given_up(fan)
    fan.follow([end(order, 1) for order in orders[30:34]], NOON)
    assert has_given_up(fan)


def test_a_task_that_cannot_be_started_has_failed_and_the_others_go_on() -> None:
    fan = fan_of(["a", "bad", "c"])
    found = fan.take(NOON)
    assert [order.task for order in found.orders] == [1, 3]
    (refused,) = found.refused
    assert (refused.task, refused.ending, refused.reason) == (2, Ending.NOT_STARTED, "it holds a NUL character")
    fan.follow(found.refused, NOON)
    assert fan.counts.failed == 1


def test_a_source_that_breaks_off_fails_the_whole_after_what_was_read() -> None:
    fan = fan_of(["a", "b", "broken", "d"])
    orders = fan.take(NOON).orders
    assert len(orders) == 2
    fan.follow([end(order) for order in orders], NOON)
    assert has_ended(fan)
    assert fan.outcome(EXITED).reason == "its inputs broke off after 2: line 3 is no JSON"


def test_a_stopped_fan_hands_nothing_out_and_tries_nothing_again() -> None:
    fan = fan_of([str(number) for number in range(1000)], retries=RetryPolicy(max=1))
    orders = fan.take(NOON).orders
    fan.is_stopped = True
    fan.follow([end(order, 1) for order in orders[:100]], NOON)
    assert taken(fan) == []
    assert fan.due is None
    stopped = Outcome(ending=Ending.STOPPED, ended=NOON, reason="stopped by Ctrl-C")
    assert fan.outcome(stopped) == stopped


@given(data=strategies.data())
def test_whatever_fails_each_task_ends_once_for_good(data: strategies.DataObject) -> None:
    size = data.draw(strategies.integers(0, 400))
    most_tries = data.draw(strategies.integers(0, 2))
    done = data.draw(strategies.sets(strategies.integers(1, 400)))
    fan = fan_of(["x"] * size, retries=RetryPolicy(max=most_tries), record=FanRecord(done=tasks(sorted(done))))
    now = NOON
    open_orders: list[TaskOrder] = []
    succeeded: list[int] = []
    failed: list[int] = []
    while not fan.is_drained:
        open_orders += fan.take(now).orders
        number = data.draw(strategies.integers(1, max(len(open_orders), 1)))
        ending, open_orders = open_orders[:number], open_orders[number:]
        ends = [end(order, int(data.draw(strategies.booleans()))) for order in ending]
        succeeded += [each.task for each in ends if each.status is Status.SUCCEEDED]
        failed += [each.task for each in fan.follow(ends, now).failed]
        assert all(each.number <= most_tries + 1 for each in ends)
        now += timedelta(seconds=1)
    assert sorted([*succeeded, *failed]) == [task for task in range(1, size + 1) if task not in done]


@given(strategies.sets(strategies.integers(1, 40)))
def test_what_is_done_without_a_gap_from_the_first_on_need_not_be_read(some: set[int]) -> None:
    found = tasks(sorted(some))
    leading = next(task for task in range(1, 42) if task not in some) - 1
    assert found.leading == leading
    fan = fan_of([str(number) for number in range(40)], record=FanRecord(done=found))
    assert [task for task, _ in taken(fan)] == [task for task in range(1, 41) if task not in some]
    assert fan.counts.total == 40


def test_inputs_that_other_runs_have_done_are_left_out_and_counted() -> None:
    items = ["a", "b", "c"]
    done = {FakeWork(items).digest(item) for item in ("a", "c")}
    fan = fan_of(items, record=FanRecord(remembers=done.__contains__), once=True)
    orders = fan.take(NOON).orders
    assert [order.task for order in orders] == [2]
    fan.follow([end(order) for order in orders], NOON)
    assert has_ended(fan)
    assert (fan.counts.left_out, fan.counts.total, fan.counts.succeeded) == (2, 1, 1)
    outcome = fan.outcome(EXITED)
    assert (outcome.status, outcome.reason) == (Status.SUCCEEDED, "2 done by earlier runs")


def test_where_all_is_done_already_the_step_has_succeeded_and_says_why() -> None:
    fan = fan_of(["a", "b"], record=FanRecord(remembers=lambda _: True), once=True)
    assert taken(fan) == []
    assert has_ended(fan)
    outcome = fan.outcome(EXITED)
    assert (outcome.status, outcome.reason) == (Status.SUCCEEDED, "nothing left to do: 2 done by earlier runs")
    assert taken(fan_of(["a", "b"], record=FanRecord(remembers=lambda _: True))) == [(1, 1), (2, 1)]


def test_while_many_inputs_are_passed_over_others_get_their_turn() -> None:
    items = [str(number) for number in range(12_000)]
    last = FakeWork(items).digest("11999")
    fan = fan_of(items, record=FanRecord(remembers=lambda digest: digest != last), once=True)
    assert (taken(fan), fan.counts.left_out, fan.due) == ([], 5_000, NOON)
    assert not has_ended(fan)
    assert (taken(fan), fan.counts.left_out) == ([], 10_000)
    assert (taken(fan), fan.counts.left_out, fan.due) == ([(12_000, 1)], 11_999, None)
