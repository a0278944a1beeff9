"""Delivery out of a real store, to a real web server, through a day that a clock of the test's own makes short."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import NOON, FakeClock
from receivers import Receiver, http_receiver

from crude_link.alerting import carry_dispatch
from crude_link.app import Desk
from crude_link.couriers.delivery import WAITS, Delivery
from crude_link.model.alert import Alert, AlertKind, Dispatch, DispatchState
from crude_link.store.place import Project
from crude_link.store.sole import sole
from crude_link.store.sqlite_store import SqliteStore, open_store

ALERT = Alert(kind=AlertKind.FAILED, pipeline="night", at=NOON, title="night: run 42 failed", run=42)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as one:
        yield one


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(directory=tmp_path, home=tmp_path / ".crude-link")


@pytest.fixture
def store(project: Project) -> Iterator[SqliteStore]:
    with open_store(project) as one:
        yield one


def posted(store: SqliteStore, project: Project, url: str) -> tuple[Delivery, FakeClock]:
    dispatch = Dispatch(alert=ALERT, to="webhook", recipient={"webhook": url}, secrets=None, due=NOON)
    store.outbox.post("night", [dispatch], {})
    clock, desk = FakeClock(), Desk(project=project, environment={})
    return Delivery(outbox=store.outbox, clock=clock, carry=lambda one: carry_dispatch(desk, one)), clock


def test_who_answers_500_is_asked_again_until_it_takes_the_alert(
    store: SqliteStore, project: Project, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503, 200]
    delivery, clock = posted(store, project, receiver.url)
    delivery.work()
    (sent,) = store.outbox.dispatches(10)
    assert (sent.state, sent.tries, sent.answer) == (DispatchState.SENT, 3, "200 OK")
    assert clock.now() == NOON + WAITS[0] + WAITS[1]
    assert len(receiver.got) == 3


def test_who_never_takes_it_is_given_up_after_a_day(store: SqliteStore, project: Project, receiver: Receiver) -> None:
    receiver.statuses = [500]
    delivery, clock = posted(store, project, receiver.url)
    while (due := store.outbox.next_due()) is not None:
        clock.wall = max(clock.wall, due)
        delivery.work()
    (given_up,) = store.outbox.dispatches(10)
    assert given_up.state is DispatchState.GIVEN_UP
    assert given_up.answer == "answered 500 Internal Server Error"
    assert timedelta(hours=20) < clock.now() - NOON < timedelta(hours=30)


def test_a_record_that_this_version_cannot_read_is_told_in_its_row(store: SqliteStore, project: Project) -> None:
    delivery, _ = posted(store, project, "no url at all")
    delivery.deliver_due()
    assert "the record of a recipient" in store.outbox.dispatches(10)[0].answer


def test_a_lock_has_one_holder(project: Project, store: SqliteStore) -> None:
    path = project.home / "some.lock"
    with sole(path) as first, sole(path) as second:
        assert (first, second) == (True, False)
    with sole(path) as third:
        assert third
