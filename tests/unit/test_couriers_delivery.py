"""When what is tried, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fake_outbox import MemoryOutbox
from fakes import NOON, FakeClock

from crude_link.couriers.delivery import WAITS, Delivery, after_failure
from crude_link.couriers.letter import Letter, NotDelivered
from crude_link.model.alert import Alert, AlertKind, Dispatch, DispatchState
from crude_link.model.value import Plain

ALERT = Alert(kind=AlertKind.FAILED, pipeline="night", at=NOON, title="night: run 42 failed", run=42)
DISPATCH = Dispatch(alert=ALERT, to="w", recipient={"webhook": "https://a.org"}, secrets=None, due=NOON)
OTHER = replace(DISPATCH, recipient={"webhook": "https://b.org"})


class Far:
    """The far ends: what each try of them answers."""

    def __init__(self) -> None:
        self.tried: list[int] = []
        self.errors: dict[str, NotDelivered] = {}

    def carry(self, dispatch: Dispatch) -> str:
        self.tried.append(dispatch.id)
        error = self.errors.get(repr(dispatch.recipient))
        if error:
            raise error
        return "200 OK"


def delivery(*dispatches: Dispatch) -> tuple[Delivery, MemoryOutbox, Far, FakeClock]:
    outbox, far, clock = MemoryOutbox(), Far(), FakeClock()
    outbox.post("night", dispatches, {})
    return Delivery(outbox=outbox, clock=clock, carry=far.carry), outbox, far, clock


def test_what_is_due_is_sent_the_oldest_first() -> None:
    work, outbox, far, _ = delivery(DISPATCH, OTHER, DISPATCH, replace(OTHER, due=NOON + timedelta(hours=1)))
    work.deliver_due()
    assert far.tried == [1, 2, 3]
    assert [each.id for each in outbox.waiting] == [4]
    assert outbox.rows[1] == replace(DISPATCH, id=1, state=DispatchState.SENT, tries=1, answer="200 OK", tried=NOON)


def test_who_cannot_be_reached_is_tried_once_however_much_waits() -> None:
    work, outbox, far, _ = delivery(*[DISPATCH] * 5, OTHER)
    far.errors[repr(DISPATCH.recipient)] = NotDelivered("no network", is_unreachable=True)
    work.deliver_due()
    assert far.tried == [1, 6]
    assert {(each.answer, each.due, each.tries) for each in outbox.waiting} == {("no network", NOON + WAITS[0], 1)}


def test_who_refuses_one_alert_may_take_the_next() -> None:
    work, _, far, _ = delivery(*[DISPATCH] * 3)
    far.errors[repr(DISPATCH.recipient)] = NotDelivered("answered 500")
    work.deliver_due()
    assert far.tried == [1, 2, 3]


def test_tries_go_on_for_a_day_and_then_it_is_given_up() -> None:
    one, now = DISPATCH, NOON
    dues = []
    while one.state is DispatchState.WAITING:
        one = after_failure(one, "answered 500", now)
        now = one.due
        dues.append(one.due - NOON)
    assert one.state is DispatchState.GIVEN_UP
    assert one.tries == len(WAITS) + 1
    assert timedelta(hours=20) < dues[-1] < timedelta(hours=30)


def test_whoever_delivers_stays_for_the_first_tries_and_leaves_the_rest_to_others() -> None:
    work, outbox, far, clock = delivery(DISPATCH)
    far.errors[repr(DISPATCH.recipient)] = NotDelivered("answered 500")
    work.work()
    assert far.tried == [1, 1, 1]
    assert clock.now() - NOON == WAITS[0] + WAITS[1]
    assert outbox.rows[1].state is DispatchState.WAITING


def test_the_text_of_an_alert_is_for_people() -> None:
    alert = replace(
        ALERT,
        cause="exit 1",
        step="train",
        host="thor",
        directory="/work",
        last_lines=("one", "two"),
        commands=("crude-link resume 42",),
    )
    lines = Letter(alert=alert).text.splitlines()
    assert lines[0] == "night: run 42 failed"
    for line in ("run:   42", "step:  train", "cause: exit 1", "host:  thor", "in:    /work"):
        assert line in lines
    assert lines[-6:] == ["The last lines of train:", "    one", "    two", "", "cd /work", "crude-link resume 42"]


def test_json_of_the_users_own_gets_the_facts() -> None:
    letter = Letter(alert=ALERT, id=7)
    said: Plain = {
        "text": "{title} ({run})",
        "run": "{run}",
        "list": ["{kind}", 1],
        "step": "{step}",
        "in": "{other}",
    }
    assert letter.put_into(said) == {
        "text": "night: run 42 failed (42)",
        "run": 42,
        "list": ["failed", 1],
        "step": None,
        "in": "{other}",
    }


def test_facts_are_environment_variables_of_which_none_is_missing() -> None:
    facts = Letter(alert=replace(ALERT, title="a\0b"), id=7).environment
    assert facts["CRUDE_LINK_ALERT_TITLE"] == "ab"
    assert facts["CRUDE_LINK_ALERT_RUN"] == "42"
    assert facts["CRUDE_LINK_ALERT_STEP"] == ""
