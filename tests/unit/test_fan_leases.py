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
from crude_link.model.resources import Budget, Claim, Holder, Need, Place, Scope
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.task import FanRecord, TaskEnd

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
NOON_US = round(NOON.timestamp() * 1_000_000)
POOLS = {"PROXY": {"p1": "p1", "p2": "p2", "p3": "p3"}, "SEAT": {"digest": "s3cr3t", "other": "0ther"}}
PER_SLOT = Need(pool="PROXY", scope=Scope.SLOT)
PER_TASK = Need(pool="SEAT", scope=Scope.TASK)


def leases_of(*needs: Need, slots: int = 3, bound: bool = False, most: int | None = None) -> FanLeases:
    step = Step(name="embed", action=Command(text="true"), foreach=ForEach(source="items", value=[]), holds=needs)
    quarantine = {} if most is None else dict.fromkeys(POOLS, most)
    order = replace(FakeWork([]).order, slots=slots, pools=POOLS, is_bound=bound, quarantine=quarantine)
    return FanLeases(step, order)


def an_end(task: int, slot: int, status: int = 0, began_us: int = NOON_US) -> TaskEnd:
    return TaskEnd(
        task=task, number=1, digest="", slot=slot, ending=Ending.EXITED, exit_status=status, signal=None,
        began_us=began_us, wall_us=1, cpu_us=1, peak_memory=None, stdout_bytes=0, stderr_bytes=0, offset=0,
    )  # fmt: skip


def opened(leases: FanLeases, *items: str | None) -> None:
    """Grant these items to the slots that ask."""
    claims = leases.slot_claims(9)[: len(items)]
    leases.open_slots(claims, [{"PROXY": [item]} if item else None for item in items], NOON)


def slots(claims: list[Claim]) -> list[int]:
    return [claim.holder.slot for claim in claims]


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
    leases = FanLeases(step, replace(FakeWork([]).order, slots=4, budgets=budgets))
    assert leases.has_task_needs
    assert leases.lacking(3, [leases]) is None
    for left[0], tasks in ((29.0, 2), (9.0, 0)):
        lacking = leases.lacking(3, [leases])
        assert lacking
        assert (lacking.name, lacking.total, lacking.tasks) == ("disk", left[0], tasks)
    left[0] = 30.0
    leases.place_of(1, {})
    assert leases.lacking(2, [leases]) is None  # for the one that runs, its share is kept
    assert leases.lacking(3, [leases])
    leases.note_ends([an_end(1, 1)])
    assert leases.lacking(3, [leases]) is None


def test_budgets_leave_slots_closed() -> None:
    leases = leases_of(PER_SLOT)
    opened(leases, "p1")
    assert [slots(leases.slot_claims(most)) for most in (0, 1, 2)] == [[], [], [2]]


def test_a_task_is_told_the_items_and_the_store_their_names() -> None:
    leases = leases_of(PER_TASK)
    (claim,) = leases.task_claims([(7, 2)])
    assert (claim.holder, list(claim.wants[0].items)) == (Holder(task=7, number=2), ["digest", "other"])
    assert leases.place_of(7, {"SEAT": ["digest"]}) == Place(0, {"SEAT": "s3cr3t"})


def test_a_task_that_is_bound_gets_a_slot_in_which_none_runs_and_what_that_holds() -> None:
    leases = leases_of(PER_SLOT, PER_TASK, bound=True)
    opened(leases, "p3", "p1")
    assert leases.place_of(1, {"SEAT": ["digest"]}) == Place(1, {"PROXY": "p3", "SEAT": "s3cr3t"})
    assert leases.place_of(2, {"SEAT": ["other"]}).slot == 2
    leases.note_ends([an_end(1, 1)])
    assert leases.place_of(3, {"SEAT": ["digest"]}).slot == 1


def test_what_an_ended_task_held_is_freed() -> None:
    leases = leases_of(PER_TASK)
    leases.place_of(1, {"SEAT": ["digest"]})
    leases.note_ends([an_end(1, 1, 3)])
    assert leases.freed == [Holder(task=1, number=1)]


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
    assert leases.close_bad_slots()
    assert leases.slot_environments() == [None, {"WORKER_RESOURCE_PROXY": "p2"}]
    (claim, *_) = leases.slot_claims(9)
    assert (claim.holder.slot, list(claim.wants[0].items)) == (1, ["p2", "p3"])
    opened(leases, "p3")
    leases.note_ends([an_end(2, 1, 1)])  # it began as the slot still held p1
    assert not leases.close_bad_slots()
    leases.note_ends([an_end(3, 1, 1, NOON_US + 1_000_000)])
    assert leases.close_bad_slots()
    assert leases.is_hopeless == ""
    leases.note_ends([an_end(4, 2, 1)])
    assert leases.is_hopeless == "PROXY"


@given(st.integers(1, 20), st.integers(1, 6), st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.7]))
def test_so_many_can_hold_theirs_as_whole_numbers_of_shares_fit_into_an_item(
    items: int, pieces: int, share: float
) -> None:
    assert Need(pool="GPU", scope=Scope.TASK, pieces=pieces).holders(items) == items // pieces
    holders = Need(pool="GPU", scope=Scope.TASK, share=share).holders(items)
    each = holders // items
    assert each * share <= 1 + 1e-9 < (each + 1) * share + 1e-9


def test_tasks_that_are_to_hold_something_are_handed_out_as_they_get_it() -> None:
    leases = leases_of(PER_TASK, slots=2)
    fan = FanOut(Step(name="embed", action=Command(text="true")), AttemptKey(1, "embed", 0, 1), FakeWork("abcd"),
                 FanRecord(), slots=2)  # fmt: skip
    fan.leases = leases
    assert fan.ready(NOON) == [(1, 1), (2, 1)]
    assert [order.task for order in fan.take_ready([Place(0, {"SEAT": "x"})], NOON).orders] == [1]
    assert fan.ready(NOON) == [(2, 1)]
    assert [order.env for order in fan.take_ready([Place(0, {"SEAT": "y"})], NOON).orders] == [{"SEAT": "y"}]
    assert fan.ready(NOON) == []
    assert not fan.is_drained
    fan.follow([an_end(1, 1), an_end(2, 2)], NOON)
    assert fan.ready(NOON) == [(3, 1), (4, 1)]
    fan.is_stopped = True
    assert (fan.ready(NOON), fan.is_drained) == ([], True)
