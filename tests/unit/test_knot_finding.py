"""Fan-outs that wait for one another."""

from __future__ import annotations

from datetime import datetime, timezone

from crude_link.engine.knots import Party, knot_of
from crude_link.model.resources import Holder, Lease, LeaseWait

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
A, B, C = (1, "a"), (1, "b"), (2, "a")


def held(pool: str, party: Party) -> Lease:
    return Lease(pool=pool, item="x", share=1.0, run=party[0], step=party[1], holder=Holder(slot=1), since=NOON)


def wait(pool: str, party: Party) -> LeaseWait:
    return LeaseWait(pool=pool, run=party[0], step=party[1], since=NOON)


def test_only_the_last_of_a_circle_finds_itself_in_it() -> None:
    leases = [held("X", A), held("Y", B)]
    waits = [wait("Y", A), wait("X", B)]
    assert knot_of(A, leases, waits) == ()
    assert knot_of(B, leases, waits) == (B, A)


def test_a_circle_may_be_long_and_others_may_hang_on_it() -> None:
    leases = [held("X", A), held("Y", B), held("Z", C)]
    waits = [wait("Y", A), wait("Z", B), wait("X", C), wait("X", (3, "a"))]
    assert knot_of(C, leases, waits) == (C, A, B)
    assert knot_of((3, "a"), leases, waits) == ()


def test_who_waits_for_more_of_what_it_has_or_for_somebody_who_works_is_in_no_knot() -> None:
    assert knot_of(B, [held("Y", B), held("Y", A)], [wait("Y", B)]) == ()
    assert knot_of(B, [held("Y", B), held("X", A)], [wait("X", B)]) == ()
    assert knot_of(B, [], []) == ()
