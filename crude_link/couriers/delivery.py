"""Delivery: takes what is due out of the outbox, tries it, and writes down what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crude_link.alert_interfaces import Outbox
from crude_link.couriers.letter import NotDelivered
from crude_link.interfaces import Clock
from crude_link.model.alert import Dispatch, DispatchState

#: The waits between tries: a day in all, then it is given up.
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=15),
)
#: Whoever delivers stays for what is due so soon: the first two waits.
_STAYS_FOR = timedelta(minutes=6)
_LOOK_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """Delivers; there is one at a time in a project."""

    outbox: Outbox
    clock: Clock
    #: Tries one; returns the answer. NotDelivered.
    carry: Callable[[Dispatch], str]

    def work(self) -> None:
        """Deliver what is due, and what is due within a few minutes; return when the rest can be left to others."""
        while True:
            self.deliver_due()
            due = self.outbox.next_due()
            if due is None or due - self.clock.now() > _STAYS_FOR:
                break
            self.clock.sleep_until(min(due, self.clock.now() + _LOOK_EVERY))
        self.outbox.forget_old(self.clock.now())

    def deliver_due(self) -> None:
        """Try what is due, the oldest first; a recipient that cannot be reached is tried once, not for each alert."""
        unreachable: dict[str, str] = {}
        while due := self.outbox.due(self.clock.now()):
            for dispatch in due:
                self.outbox.record(self._tried(dispatch, unreachable))

    def _tried(self, dispatch: Dispatch, unreachable: dict[str, str]) -> Dispatch:
        whose = repr(dispatch.recipient)
        if whose in unreachable:
            return after_failure(dispatch, unreachable[whose], self.clock.now())
        try:
            answer = self.carry(dispatch)
        except NotDelivered as error:
            if error.is_unreachable:
                unreachable[whose] = str(error)
            return after_failure(dispatch, str(error), self.clock.now())
        return replace(
            dispatch,
            state=DispatchState.SENT,
            tries=dispatch.tries + 1,
            answer=answer,
            tried=self.clock.now(),
        )


def after_failure(dispatch: Dispatch, why: str, now: datetime) -> Dispatch:
    """Return how a dispatch stands after a try that failed: due later, or given up."""
    tries = dispatch.tries + 1
    tried = replace(dispatch, tries=tries, answer=why, tried=now)
    if tries > len(WAITS):
        return replace(tried, state=DispatchState.GIVEN_UP)
    return replace(tried, due=now + WAITS[tries - 1])
