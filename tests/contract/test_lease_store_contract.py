"""What every store of leases promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from store_examples import NOON, new_run, new_sitting

from crude_link.interfaces import LeaseStore
from crude_link.model.resources import Claim, Want
from crude_link.store.place import Project
from crude_link.store.sqlite_store import SqliteStore, open_store


@dataclass
class Desk:
    """A store in the hands of one process; `begin` makes a run that it holds."""

    store: SqliteStore
    held: ExitStack

    @property
    def leases(self) -> LeaseStore:
        return self.store.leases

    def begin(self) -> int:
        run = self.store.runs.begin_run(new_run(steps=("embed",)), new_sitting()).id
        self.held.enter_context(self.store.locks.hold(run))
        return run

    def ask(
        self, run: int, *claims: Claim, freed: Sequence[int] = (), step: str = "embed"
    ) -> list[dict[str, list[str]] | None]:
        granted = self.leases.exchange(run, step, freed, claims, NOON)
        return [None if one is None else {pool: list(items) for pool, items in one.items()} for one in granted]

    def die(self) -> None:
        """Let go of the locks, as a process that is killed does."""
        self.held.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(directory=tmp_path, home=tmp_path / ".crude-link")


@pytest.fixture
def desk(project: Project) -> Iterator[Desk]:
    with ExitStack() as held:
        yield Desk(held.enter_context(open_store(project)), held.enter_context(ExitStack()))


@pytest.fixture
def other(project: Project, desk: Desk) -> Iterator[Desk]:
    """The same memory in the hands of another process."""
    with ExitStack() as held:
        yield Desk(held.enter_context(open_store(project)), held.enter_context(ExitStack()))


def slot(number: int, pool: str = "PROXY", items: Sequence[str] = ("a", "b"), share: float = 1.0) -> Claim:
    return Claim(number, [Want(pool, items, share=share)])


def test_each_holder_gets_an_item_of_its_own(desk: Desk) -> None:
    assert desk.ask(desk.begin(), slot(1), slot(2), slot(3)) == [{"PROXY": ["a"]}, {"PROXY": ["b"]}, None]


def test_two_runs_never_hold_the_same_item(desk: Desk, other: Desk) -> None:
    assert desk.ask(desk.begin(), slot(1)) == [{"PROXY": ["a"]}]
    assert other.ask(other.begin(), slot(1), slot(2)) == [{"PROXY": ["b"]}, None]


def test_pools_of_different_names_have_nothing_to_do_with_each_other(desk: Desk) -> None:
    run = desk.begin()
    assert desk.ask(run, slot(1), slot(2, "LICENCE")) == [{"PROXY": ["a"]}, {"LICENCE": ["a"]}]


def test_a_claim_is_granted_as_a_whole_or_not_at_all(desk: Desk) -> None:
    run = desk.begin()
    both = Claim(1, [Want("PROXY", ["a"]), Want("LICENCE", [])])
    assert desk.ask(run, both, slot(2)) == [None, {"PROXY": ["a"]}]


def test_shares_of_an_item_add_up_to_one_and_the_least_used_is_taken_first(desk: Desk) -> None:
    claims = [slot(number, share=0.5) for number in range(1, 6)]
    assert desk.ask(desk.begin(), *claims) == [
        {"PROXY": ["a"]}, {"PROXY": ["b"]}, {"PROXY": ["a"]}, {"PROXY": ["b"]}, None
    ]  # fmt: skip


def test_three_thirds_are_a_whole(desk: Desk) -> None:
    claims = [slot(number, items=["a"], share=1 / 3) for number in range(1, 5)]
    assert desk.ask(desk.begin(), *claims)[2:] == [{"PROXY": ["a"]}, None]


def test_a_whole_item_is_not_to_be_had_while_a_share_of_it_is_held(desk: Desk) -> None:
    run = desk.begin()
    desk.ask(run, slot(1, items=["a"], share=0.5))
    assert desk.ask(run, slot(2, items=["a"])) == [None]


def test_several_items_may_be_wanted_at_once(desk: Desk) -> None:
    two = Claim(1, [Want("GPU", ["0", "1", "2"], pieces=2)])
    again = Claim(2, [Want("GPU", ["0", "1", "2"], pieces=2)])
    assert desk.ask(desk.begin(), two, again) == [{"GPU": ["0", "1"]}, None]


def test_what_is_freed_can_be_had_in_the_same_breath(desk: Desk) -> None:
    run = desk.begin()
    desk.ask(run, slot(1), slot(2))
    assert desk.ask(run, slot(3), freed=[2]) == [{"PROXY": ["b"]}]


def test_what_is_freed_is_left_to_those_who_wait(desk: Desk, other: Desk) -> None:
    ours, theirs = desk.begin(), other.begin()
    desk.ask(ours, slot(1), slot(2))
    assert other.ask(theirs, slot(1)) == [None]
    assert [(wait.run, wait.pool) for wait in other.leases.waits()] == [(theirs, "PROXY")]
    assert desk.ask(ours, slot(3), freed=[2]) == [None]
    assert other.ask(theirs, slot(1)) == [{"PROXY": ["b"]}]
    assert [wait.run for wait in other.leases.waits()] == [ours]


def test_the_leases_of_a_run_that_nobody_holds_are_given_to_others(desk: Desk, other: Desk) -> None:
    dead = desk.begin()
    desk.ask(dead, slot(1), slot(2))
    desk.ask(dead, slot(3))
    desk.die()
    assert other.leases.leases() == []
    assert other.leases.waits() == []
    run = other.begin()
    assert other.ask(run, slot(1), slot(2)) == [{"PROXY": ["a"]}, {"PROXY": ["b"]}]
    assert {lease.run for lease in other.leases.leases()} == {run}


def test_a_released_step_holds_nothing_and_waits_for_nothing(desk: Desk) -> None:
    run = desk.begin()
    desk.ask(run, slot(1, items=["a"]), slot(2, items=["a"]))
    desk.ask(run, slot(1, items=["b"]), step="other")
    desk.leases.release(run, "embed")
    assert [(lease.step, lease.item) for lease in desk.leases.leases()] == [("other", "b")]
    assert desk.leases.waits() == []
    desk.leases.release(run)
    assert desk.leases.leases() == []


def test_leases_say_who_holds_what(desk: Desk) -> None:
    run = desk.begin()
    desk.ask(run, Claim(7, [Want("GPU", ["0"], share=0.5)]))
    (lease,) = desk.leases.leases()
    assert (lease.pool, lease.item, lease.share, lease.run, lease.step) == ("GPU", "0", 0.5, run, "embed")
    assert lease.slot == 7
    assert lease.since == NOON


def test_items_may_be_text_that_is_not_utf_8(desk: Desk) -> None:
    run = desk.begin()
    assert desk.ask(run, slot(1, items=["\udcff"]), slot(2, items=["\udcff"])) == [{"PROXY": ["\udcff"]}, None]


def test_who_wants_no_more_than_it_has_does_not_stand_in_the_way(desk: Desk) -> None:
    first, second = desk.begin(), desk.begin()
    assert desk.ask(first, slot(1, items=["a"])) == [{"PROXY": ["a"]}]
    assert desk.ask(second, slot(1, items=["a"])) == [None]
    assert desk.ask(second) == []
    assert list(desk.leases.waits()) == []
    assert desk.ask(first, slot(2, items=["a"]), freed=[1]) == [{"PROXY": ["a"]}]


def test_what_a_step_does_without_is_known_until_something_else_is(desk: Desk, other: Desk) -> None:
    run, another = desk.begin(), desk.begin()
    assert desk.leases.aside(run, "embed") == []
    desk.leases.put_aside(run, "embed", {("PROXY", "b"), ("PROXY", "a")})
    desk.leases.put_aside(another, "embed", [("GPU", "0")])
    desk.leases.release(run, "embed")
    assert sorted(other.leases.aside(run, "embed")) == [("PROXY", "a"), ("PROXY", "b")]
    assert other.leases.aside(run, "other") == []
    desk.leases.put_aside(run, "embed", [("PROXY", "b")])
    assert other.leases.aside(run, "embed") == [("PROXY", "b")]
    desk.leases.put_aside(run, "embed", ())
    assert other.leases.aside(run, "embed") == []
