"""What the slots and tasks of a fan-out claim, and what follows from what they are granted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from fake_work import FakeWork
from hypothesis import given
from hypothesis import strategies as st

from crude_link.engine.fanout import FanOut
from crude_link.engine.leases import FanLeases
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Command, Step
from crude_link.model.resources import Budget, Claim, Need, Place, Scope
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.task import FanRecord, TaskEnd

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
POOLS = {"PROXY": {"p1": "p1", "p2": "p2", "p3": "p3"}, "SEAT": {"digest": "s3cr3t", "other": "0ther"}}
PER_SLOT = Need(pool="PROXY", scope=Scope.SLOT)
PER_TASK = Need(pool="SEAT", scope=Scope.TASK)


def leases_of(*needs: Need, slots: int = 3, bound: bool = False, most: int | None = None) -> FanLeases:
    step = Step(name="embed", action=Command(text="true"), foreach=ForEach(source="items", value=[]), holds=needs)
    quarantine = {} if most is None else dict.fromkeys(POOLS, most)
    order = replace(FakeWork([]).order, slots=slots, pools=POOLS, is_bound=bound, quarantine=quarantine)
    return FanLeases(step, order)


def an_end(task: int, slot: int, status: int = 0) -> TaskEnd:
    return TaskEnd(
        task=task, number=1, digest="", slot=slot, ending=Ending.EXITED, exit_status=status, signal=None,
        began_us=0, wall_us=1, cpu_us=1, peak_memory=None, stdout_bytes=0, stderr_bytes=0, offset=0,
    )  # fmt: skip


def opened(leases: FanLeases, *items: str | None, pool: str = "PROXY") -> None:
    """Grant these items to the slots that ask."""
    claims = leases.slot_claims(9)[: len(items)]
    leases.open_slots(claims, [{pool: [item]} if item else None for item in items])


def slots(claims: list[Claim]) -> list[int]:
    return [claim.slot for claim in claims]


def test_each_slot_that_is_not_open_asks_for_what_it_is_to_hold() -> None:
    leases = leases_of(PER_SLOT)
    assert slots(leases.slot_claims(9)) == [1, 2, 3]
    assert list(leases.slot_claims(9)[0].wants[0].items) == ["p1", "p2", "p3"]
    opened(leases, "p2", None, None)
    assert (leases.slots, slots(leases.slot_claims(9))) == (1, [2, 3])
    assert leases.slot_environments() == [{"WORKER_RESOURCE_PROXY": "p2"}]


def test_a_budget_that_is_looked_at_again_lets_only_so_many_tasks_begin_as_there_is_something_left_for() -> None:
    left = [30.0]
    budgets = [Budget(name="cpus", each=1, total=4), Budget(name="disk", each=10, total=50, left=lambda: left[0])]
    step = Step(name="embed", action=Command(text="true"))
    leases = FanLeases(step, replace(FakeWork([]).order, slots=4, budgets=budgets, is_bound=True))
    leases.open_slots(leases.slot_claims(4), [{}, {}, {}, {}])
    assert leases.lacking(3, [leases]) is None
    for left[0], tasks in ((29.0, 2), (9.0, 0)):
        lacking = leases.lacking(3, [leases])
        assert lacking
        assert (lacking.name, lacking.total, lacking.tasks) == ("disk", left[0], tasks)
    left[0] = 30.0
    leases.place_of(1)
    assert leases.lacking(2, [leases]) is None  # for the one that runs, its share is kept
    assert leases.lacking(3, [leases])
    leases.note_ends([an_end(1, 1)])
    assert leases.lacking(3, [leases]) is None


def test_budgets_leave_slots_closed() -> None:
    leases = leases_of(PER_SLOT)
    opened(leases, "p1")
    assert [slots(leases.slot_claims(most)) for most in (0, 1, 2)] == [[], [], [2]]


def test_a_task_is_told_the_items_and_the_store_their_names() -> None:
    leases = leases_of(PER_SLOT, PER_TASK)
    (claim, *_) = leases.slot_claims(9)
    assert [list(want.items) for want in claim.wants] == [["p1", "p2", "p3"], ["digest", "other"]]
    leases.open_slots([claim], [{"PROXY": ["p2"], "SEAT": ["digest"]}])
    assert leases.slot_environments() == [{"WORKER_RESOURCE_PROXY": "p2", "TASK_RESOURCE_SEAT": "s3cr3t"}]


def test_a_task_that_is_bound_gets_a_slot_in_which_none_runs_and_what_that_holds() -> None:
    leases = leases_of(PER_SLOT, bound=True)
    opened(leases, "p3", "p1")
    assert leases.place_of(1) == Place(1, {"PROXY": "p3"})
    assert leases.place_of(2).slot == 2
    leases.note_ends([an_end(1, 1)])
    assert leases.place_of(3).slot == 1


def test_what_tasks_hold_is_given_back_as_soon_as_others_wait_for_it() -> None:
    leases = leases_of(PER_TASK, slots=2)
    opened(leases, "digest", "other", pool="SEAT")
    leases.note_ends([an_end(1, 1, 3)])
    leases.yield_to({"PROXY"})
    assert (leases.slots, leases.freed) == (2, [])
    leases.yield_to({"SEAT"})
    assert (leases.slots, leases.slots_in_use) == (0, 2)
    leases.note_shut([2])
    assert leases.freed == [2]
    assert slots(leases.slot_claims(9)) == [2]


def test_what_slots_hold_for_the_whole_step_is_not_given_back() -> None:
    leases = leases_of(PER_SLOT)
    opened(leases, "p1")
    leases.yield_to({"PROXY"})
    assert leases.slots == 1


def test_an_item_is_put_aside_after_failures_in_a_row_only() -> None:
    leases = leases_of(PER_SLOT, most=2)
    opened(leases, "p1", "p2", "p3")
    leases.note_ends([an_end(1, 2, 1), an_end(2, 1, 1), an_end(3, 1, 0), an_end(4, 1, 1)])
    assert leases.quarantine.news() == []
    leases.note_ends([an_end(5, 2, 1), an_end(6, 2, 1)])
    assert leases.quarantine.news() == ["p2 of PROXY is put aside after 2 failures in a row"]
    assert leases.quarantine.news() == []


def test_a_slot_whose_item_was_put_aside_is_closed_until_it_gets_another() -> None:
    leases = leases_of(PER_SLOT, most=1)
    opened(leases, "p1", "p2")
    leases.note_ends([an_end(1, 1, 1)])
    leases.close_bad_slots()
    assert leases.slot_environments() == [None, {"WORKER_RESOURCE_PROXY": "p2"}]
    assert slots(leases.slot_claims(9)) == [3]
    leases.note_ends([an_end(2, 1, 1)])  # it had begun in the slot
    leases.note_shut([1])
    assert leases.freed == [1]
    (claim, *_) = leases.slot_claims(9)
    assert (claim.slot, list(claim.wants[0].items)) == (1, ["p2", "p3"])
    opened(leases, "p3")
    leases.close_bad_slots()
    assert leases.slots == 2
    leases.note_ends([an_end(3, 1, 1)])
    leases.close_bad_slots()
    assert leases.slots == 1
    assert leases.is_hopeless == ""
    leases.note_ends([an_end(4, 2, 1)])
    assert leases.is_hopeless == "PROXY"


def test_no_slot_asks_for_what_was_put_aside_in_an_earlier_attempt() -> None:
    step = Step(name="embed", action=Command(text="true"), holds=(PER_SLOT,))
    order = replace(FakeWork([]).order, slots=3, pools=POOLS, quarantine={"PROXY": 1})
    leases = FanLeases(step, order, [("PROXY", "p2"), ("SEAT", "digest")])
    assert (leases.slots_wanted, leases.limit) == (2, "PROXY")
    assert [list(claim.wants[0].items) for claim in leases.slot_claims(9)] == 2 * [["p1", "p3"]]


def test_slots_too_many_close_and_give_back_what_they_hold_when_nothing_runs_there() -> None:
    leases = leases_of(PER_SLOT)
    opened(leases, "p1", "p2", "p3")
    leases.set_slots(1)
    assert leases.slot_environments() == [{"WORKER_RESOURCE_PROXY": "p1"}]
    assert (leases.slots, leases.slots_in_use, leases.limit) == (1, 3, "")
    leases.set_slots(2)
    assert leases.slot_claims(9) == []  # three tasks may run as yet
    leases.note_shut([3])
    assert leases.freed == [3]
    assert leases.slot_claims(9) == []
    leases.note_shut([2])
    assert slots(leases.slot_claims(9)) == [2]
    leases.note_shut([1])  # of an earlier time: it is open
    assert leases.slots == 1


def test_there_are_no_more_slots_than_pools_leave_however_many_are_asked_for() -> None:
    leases = leases_of(PER_SLOT, PER_TASK, slots=1)
    leases.set_slots(9)
    assert (leases.slots_wanted, leases.limit) == (2, "SEAT")


def test_a_slot_that_closes_is_told_until_its_task_has_ended_that_was_handed_out_for_it() -> None:
    leases = leases_of(PER_SLOT, bound=True)
    opened(leases, "p1", "p2")
    assert [leases.place_of(task).slot for task in (1, 2)] == [1, 2]
    leases.set_slots(1)
    assert leases.slot_environments()[1] == {"WORKER_RESOURCE_PROXY": "p2"}
    leases.is_news = False
    leases.note_ends([an_end(2, 2)])
    assert leases.is_news
    assert leases.slot_environments() == [{"WORKER_RESOURCE_PROXY": "p1"}]


@given(st.integers(1, 20), st.integers(1, 6), st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.7]))
def test_so_many_can_hold_theirs_as_whole_numbers_of_shares_fit_into_an_item(
    items: int, pieces: int, share: float
) -> None:
    assert Need(pool="GPU", scope=Scope.TASK, pieces=pieces).holders(items) == items // pieces
    holders = Need(pool="GPU", scope=Scope.TASK, share=share).holders(items)
    each = holders // items
    assert each * share <= 1 + 1e-9 < (each + 1) * share + 1e-9


def test_tasks_that_are_bound_to_a_slot_are_handed_out_as_one_is_free() -> None:
    fan = FanOut(Step(name="embed", action=Command(text="true")), AttemptKey(1, "embed", 0, 1), FakeWork("abcd"),
                 FanRecord(), slots=2)  # fmt: skip
    assert fan.ready(NOON) == [1, 2]
    assert [order.task for order in fan.take_ready([Place(0, {"SEAT": "x"})], NOON).orders] == [1]
    assert fan.ready(NOON) == [2]
    assert [order.env for order in fan.take_ready([Place(0, {"SEAT": "y"})], NOON).orders] == [{"SEAT": "y"}]
    assert fan.ready(NOON) == []
    assert not fan.is_drained
    fan.follow([an_end(1, 1), an_end(2, 2)], NOON)
    assert fan.ready(NOON) == [3, 4]
    fan.is_stopped = True
    assert (fan.ready(NOON), fan.is_drained) == ([], True)
