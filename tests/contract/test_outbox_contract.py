"""What every outbox promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from crude_link.model.alert import Alert, AlertKind, Dispatch, DispatchState, Plight, Trouble
from crude_link.store.place import Project
from crude_link.store.sqlite_store import SqliteStore, open_store

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
ALERT = Alert(
    kind=AlertKind.FAILED,
    pipeline="night",
    at=NOON,
    title="night failed at 'train': exit 1",
    cause="exit 1",
    host="thor",
    directory="/home/ada/work",
    run=42,
    status="failed",
    step="train",
    slot_time=NOON - MINUTE,
    since=NOON,
    failures=1,
    last_lines=("Traceback", "ValueError: \udcff ü"),
    commands=("crude-link resume 42",),
)
DISPATCH = Dispatch(
    alert=ALERT,
    to="webhook https://example.org",
    recipient={"webhook": {"url": "${secrets.HOOK}"}},
    secrets={"HOOK": {"env": "HOOK"}},
    due=NOON,
)
TROUBLE = Trouble(plight=Plight.FAILING, since=NOON, told=NOON)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(Project(directory=tmp_path, home=tmp_path / ".crude-link")) as store:
        yield store


def test_what_is_posted_is_due_as_it_was_written(store: SqliteStore) -> None:
    store.outbox.post("night", [DISPATCH], {})
    assert store.outbox.due(NOON) == [replace(DISPATCH, id=1)]
    assert store.outbox.next_due() == NOON


def test_nothing_is_due_before_its_time(store: SqliteStore) -> None:
    store.outbox.post("night", [replace(DISPATCH, due=NOON + MINUTE)], {})
    assert store.outbox.due(NOON) == []
    assert store.outbox.next_due() == NOON + MINUTE


def test_nothing_waits_in_an_empty_outbox(store: SqliteStore) -> None:
    assert store.outbox.next_due() is None


def test_what_came_of_a_try_is_recorded(store: SqliteStore) -> None:
    store.outbox.post("night", [DISPATCH], {})
    (waiting,) = store.outbox.due(NOON)
    later = replace(waiting, due=NOON + MINUTE, tries=1, answer="500", tried=NOON)
    store.outbox.record(later)
    assert store.outbox.dispatches(10) == [later]
    sent = replace(later, state=DispatchState.SENT, tries=2, answer="200 OK", tried=NOON + MINUTE)
    store.outbox.record(sent)
    assert store.outbox.dispatches(10, DispatchState.SENT) == [sent]
    assert store.outbox.next_due() is None


def test_what_was_sent_stays_sent(store: SqliteStore) -> None:
    store.outbox.post("night", [DISPATCH], {})
    (waiting,) = store.outbox.due(NOON)
    store.outbox.record(replace(waiting, state=DispatchState.SENT))
    store.outbox.record(replace(waiting, answer="somebody else was slower"))
    (sent,) = store.outbox.dispatches(10)
    assert sent.answer == ""


def test_what_is_wrong_is_remembered_until_it_is_over(store: SqliteStore) -> None:
    store.outbox.post("night", [], {Plight.FAILING: TROUBLE})
    assert store.outbox.troubles("night") == {Plight.FAILING: TROUBLE}
    assert store.outbox.troubles("day") == {}
    store.outbox.post("day", [], {})
    assert store.outbox.troubles("night") == {Plight.FAILING: TROUBLE}
    store.outbox.post("night", [], {})
    assert store.outbox.troubles("night") == {}


def test_of_what_waits_for_one_recipient_the_newest_fifty_are_kept(store: SqliteStore) -> None:
    other = replace(DISPATCH, recipient={"webhook": "https://other.example"})
    store.outbox.post("night", [other], {})
    for number in range(60):
        store.outbox.post("night", [replace(DISPATCH, alert=replace(ALERT, run=number))], {})
    waiting = [each.alert.run for each in store.outbox.due(NOON)]
    assert waiting == [42, *range(10, 60)]
    given_up = store.outbox.dispatches(100, DispatchState.GIVEN_UP)
    assert [each.answer for each in given_up] == ["50 newer ones waited behind it"] * 10


def test_of_heartbeats_only_the_newest_waits(store: SqliteStore) -> None:
    for _ in range(3):
        store.outbox.post("night", [replace(DISPATCH, alert=replace(ALERT, kind=AlertKind.HEARTBEAT))], {})
    assert [each.id for each in store.outbox.due(NOON)] == [3]


def test_what_is_old_goes_unless_it_waits(store: SqliteStore) -> None:
    store.outbox.post("night", [DISPATCH, DISPATCH], {Plight.FAILING: TROUBLE})
    first, second = store.outbox.due(NOON)
    store.outbox.record(replace(first, state=DispatchState.SENT))
    store.outbox.forget_old(NOON + timedelta(days=80))
    assert len(store.outbox.dispatches(10)) == 2
    store.outbox.forget_old(NOON + timedelta(days=100))
    assert [each.id for each in store.outbox.dispatches(10)] == [second.id]
    assert store.outbox.troubles("night")  # however long nobody runs it, its recovery is told
