"""Lending: asks the store for what the slots and tasks of fan-outs are to hold, and gives it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crude_link.engine.fanout import FanOut, Taken
from crude_link.engine.leases import FanLeases
from crude_link.engine.live import LiveRun
from crude_link.engine.quarantine import Granted
from crude_link.engine.surroundings import Surroundings
from crude_link.model.event import Level, Notice
from crude_link.model.order import FanOrder
from crude_link.model.pipeline import Step
from crude_link.model.resources import Claim, Scope
from crude_link.model.run import AttemptKey
from crude_link.model.wish import SetSlots

#: What others hold is asked for this often, in seconds.
_PERIOD = 0.1


class Lending:
    """Keeps every fan-out supplied with leases. What is granted is recorded before a slot or a task knows of it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._accounts: dict[AttemptKey, FanLeases] = {}
        #: Those of which it was told that they wait.
        self._told: set[AttemptKey] = set()
        #: How often something was given back here.
        self._returns = 0
        #: Of the fan-outs that wait, for slots or tasks: when they asked last, and how much had been given back then.
        self._refused: dict[tuple[AttemptKey, Scope], tuple[float, int]] = {}

    def let_go(self, live: LiveRun) -> None:
        """Give back what a run held in an earlier sitting, as soon as its agent has ended whatever used it."""
        if live.sitting > 1 and not live.has_let_go:
            live.has_let_go = True
            self._around.leases().release(live.run.id)

    def begin(self, step: Step, order: FanOrder) -> FanLeases | None:
        """Return what keeps account of a fan-out's leases; None for one that needs none."""
        if not (order.pools or order.is_bound or order.budgets):
            return None
        leases = self._accounts[order.whole.key] = FanLeases(step, order)
        return leases

    def take(self, fan: FanOut) -> Taken:
        """Open the slots that get what they need; return the tasks that do, to be handed out."""
        leases, now = fan.leases, self._around.clock.now()
        assert leases
        if not fan.is_stopped:
            self._put_aside(fan, leases)
            self._open_slots(fan, leases)
        if leases.freed[Scope.SLOT]:
            self._ask(fan, Scope.SLOT, ())
        self._tell_slots(fan, leases)
        if not leases.has_task_needs:
            return fan.take(now)
        ready = fan.ready(now)
        if leases.freed[Scope.TASK] or (ready and self._may_ask(fan, Scope.TASK)):
            granted = self._ask(fan, Scope.TASK, leases.task_claims(ready))
            places = [leases.place_of(ready[at][0], items) for at, items in enumerate(granted) if items is not None]
            return fan.take_ready(places, now)
        return Taken()

    def set_slots(self, fan: FanOut, asked: int) -> None:
        """Let a fan-out have another number of slots, as far as there is room; what they are to hold is asked for."""
        leases = fan.leases
        assert leases
        leases.set_slots(asked)
        self._open_slots(fan, leases)
        if leases.slots >= leases.slots_wanted and (fan.key, Scope.SLOT) in self._refused:
            del self._refused[fan.key, Scope.SLOT]
            self._around.leases().stop_waiting(fan.key.run, fan.key.step)
        self._tell_slots(fan, leases)

    def due(self, fan: FanOut) -> datetime | None:
        """Return when a fan-out that waits asks again."""
        if fan.is_stopped or not any((fan.key, scope) in self._refused for scope in Scope):
            return None
        return self._around.clock.now() + timedelta(seconds=_PERIOD)

    def end(self, fan: FanOut) -> None:
        """Take back all that an ended fan-out held."""
        self._around.leases().release(fan.key.run, fan.key.step)
        for scope in Scope:
            self._refused.pop((fan.key, scope), None)
        self._accounts.pop(fan.key, None)
        self._told.discard(fan.key)
        self._returns += 1

    def _open_slots(self, fan: FanOut, leases: FanLeases) -> None:
        if leases.slots >= leases.slots_wanted or not (leases.freed[Scope.SLOT] or self._may_ask(fan, Scope.SLOT)):
            return
        most = self._affordable(leases)
        claims = leases.slot_claims(most)
        leases.open_slots(claims, self._ask(fan, Scope.SLOT, claims))
        if most < leases.slots_wanted:
            self._refused[fan.key, Scope.SLOT] = (self._around.clock.monotonic(), self._returns)

    def _tell_slots(self, fan: FanOut, leases: FanLeases) -> None:
        if leases.is_news:
            leases.is_news = False
            fan.slots = leases.slots
            environments = leases.slot_environments()
            self._around.executor.tell(SetSlots(key=fan.key, slots=len(environments), environments=environments))

    def _put_aside(self, fan: FanOut, leases: FanLeases) -> None:
        """Do without the items that have failed again and again, and say so."""
        told = leases.quarantine.news()
        if not told:
            return
        for text in told:
            self._around.notifier.tell(Notice(text=text, level=Level.WARNING, run=fan.key.run, step=fan.key.step))
        leases.close_bad_slots()
        if pool := leases.is_hopeless:
            fan.give_up(f"given up: too much of {pool} was put aside after failures (quarantine)")

    def _tell_wait(self, fan: FanOut, claims: Sequence[Claim]) -> None:
        """Say, once, whom a fan-out waits for that has nothing to do meanwhile."""
        if fan.counts.running or fan.key in self._told:
            return
        self._told.add(fan.key)
        pools = {want.pool for claim in claims for want in claim.wants}
        held = [lease for lease in self._around.leases().leases() if lease.pool in pools]
        who = {f"{one.step} of run {one.run}" for one in held if (one.run, one.step) != (fan.key.run, fan.key.step)}
        if who:
            text = f"waits for {', '.join(sorted(pools))}, held by {', '.join(sorted(who))}"
            self._around.notifier.tell(Notice(text=text, run=fan.key.run, step=fan.key.step))

    def _affordable(self, leases: FanLeases) -> int:
        """Return how many slots a fan-out can have, as far as others here leave enough of each budget."""
        most = leases.slots_wanted
        others = [one for one in self._accounts.values() if one is not leases]
        for budget in leases.budgets:
            taken = sum(
                one.slots_in_use * each.each for one in others for each in one.budgets if each.name == budget.name
            )
            most = min(most, replace(budget, total=budget.total - taken).tasks)
        return most

    def _may_ask(self, fan: FanOut, scope: Scope) -> bool:
        asked, returns = self._refused.get((fan.key, scope), (0.0, -1))
        return returns != self._returns or self._around.clock.monotonic() >= asked + _PERIOD

    def _ask(self, fan: FanOut, scope: Scope, claims: Sequence[Claim]) -> Sequence[Granted | None]:
        """Exchange what has been freed for what is claimed. The claims are alike: after one that fails, all do."""
        leases = fan.leases
        assert leases
        freed = leases.freed[scope].copy()
        leases.freed[scope].clear()
        if freed:
            self._returns += 1
        granted: Sequence[Granted | None] = [{} for _ in claims]
        if freed or any(claim.wants for claim in claims):
            now = self._around.clock.now()
            granted = self._around.leases().exchange(fan.key.run, fan.key.step, freed, claims, now)
        if None in granted:
            self._refused[fan.key, scope] = (self._around.clock.monotonic(), self._returns)
            self._tell_wait(fan, claims)
        else:
            self._refused.pop((fan.key, scope), None)
        return granted
