"""Lending: asks the store for what the slots of fan-outs are to hold, and gives it back."""

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
from crude_link.model.resources import FREE_DISK, Budget, Claim, Want
from crude_link.model.run import AttemptKey
from crude_link.model.wish import SetSlots
from crude_link.model.words import size_words

#: What others hold is asked for this often, in seconds; and whether others wait for what tasks hold here.
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
        #: Of the fan-outs that wait: when they asked last, and how much had been given back then.
        self._refused: dict[AttemptKey, tuple[float, int]] = {}
        #: Those of which the store knows that they wait.
        self._waiting: set[AttemptKey] = set()
        #: Those for whose next task too little is left of a budget.
        self._lacking: set[AttemptKey] = set()
        #: Those of which it is recorded that they do nothing for that reason.
        self._stalled: set[AttemptKey] = set()
        #: When it was looked last whether others wait.
        self._looked: dict[AttemptKey, float] = {}

    def let_go(self, live: LiveRun) -> None:
        """Give back what a run held in an earlier sitting, as soon as its agent has ended whatever used it."""
        if live.sitting > 1 and not live.has_let_go:
            live.has_let_go = True
            self._around.leases().release(live.run.id)

    def begin(self, step: Step, order: FanOrder) -> FanLeases | None:
        """Return what keeps account of a fan-out's leases; None for one that needs none."""
        if not (order.pools or order.is_bound or order.budgets):
            return None
        leases = self._accounts[order.whole.key] = FanLeases(step, order, self._aside(order))
        if leases.is_hopeless:  # with what an earlier attempt has put aside: a new one tries all again
            self._around.leases().put_aside(order.whole.key.run, step.name, ())
            leases = self._accounts[order.whole.key] = FanLeases(step, order)
        return leases

    def _aside(self, order: FanOrder) -> Sequence[tuple[str, str]]:
        """Return what was put aside in an earlier attempt at the whole."""
        key = order.whole.key
        return self._around.leases().aside(key.run, key.step) if order.quarantine and key.number > 1 else ()

    def take(self, fan: FanOut) -> Taken:
        """Open the slots that get what they need; return the tasks that are to be handed out."""
        leases, now = fan.leases, self._around.clock.now()
        assert leases
        if not fan.is_stopped:
            self._put_aside(fan, leases)
            self._yield(fan, leases)
            self._open_slots(fan, leases)
        if leases.freed:
            self._ask(fan, ())
        self._tell_slots(fan, leases)
        if not leases.is_bound:
            return fan.take(now)
        ready = fan.ready(now)
        return fan.take_ready([leases.place_of(task) for task in ready[: self._enough_for(fan, len(ready))]], now)

    def set_slots(self, fan: FanOut, asked: int) -> None:
        """Let a fan-out have another number of slots, as far as there is room; what they are to hold is asked for."""
        leases = fan.leases
        assert leases
        leases.set_slots(asked)
        self._open_slots(fan, leases)
        self._tell_slots(fan, leases)

    def due(self, fan: FanOut) -> datetime | None:
        """Return when a fan-out that waits asks again."""
        if fan.is_stopped or not (fan.key in self._refused or fan.key in self._lacking):
            return None
        return self._around.clock.now() + timedelta(seconds=_PERIOD)

    def end(self, fan: FanOut) -> None:
        """Take back all that an ended fan-out held."""
        self._around.leases().release(fan.key.run, fan.key.step)
        self._refused.pop(fan.key, None)
        self._looked.pop(fan.key, None)
        self._accounts.pop(fan.key, None)
        self._told.discard(fan.key)
        self._waiting.discard(fan.key)
        self._lacking.discard(fan.key)
        self._stalled.discard(fan.key)
        self._returns += 1

    def _open_slots(self, fan: FanOut, leases: FanLeases) -> None:
        claims: Sequence[Claim] = ()
        if leases.slots < leases.slots_wanted:
            if not (leases.freed or self._may_ask(fan)):
                return
            most = self._affordable(leases)
            claims = leases.slot_claims(min(most, fan.most_slots(self._around.clock.now())) if leases.lent else most)
            leases.open_slots(claims, self._ask(fan, claims))
            if most < leases.slots_wanted:
                self._refused[fan.key] = (self._around.clock.monotonic(), self._returns)
        if not claims and fan.key in self._waiting:
            self._refused.pop(fan.key, None)
            self._wait_for_nothing(fan)

    def _wait_for_nothing(self, fan: FanOut) -> None:
        self._waiting.discard(fan.key)
        self._stalled.discard(fan.key)
        self._around.leases().exchange(fan.key.run, fan.key.step, (), (), self._around.clock.now())

    def _tell_slots(self, fan: FanOut, leases: FanLeases) -> None:
        if leases.is_news:
            leases.is_news = False
            fan.slots = leases.slots
            environments = leases.slot_environments()
            self._around.executor.tell(SetSlots(key=fan.key, slots=len(environments), environments=environments))

    def _yield(self, fan: FanOut, leases: FanLeases) -> None:
        """Give what tasks hold to others who wait for it, as soon as the tasks have ended that run now."""
        now = self._around.clock.monotonic()
        if leases.lent and leases.slots and now >= self._looked.get(fan.key, 0.0) + _PERIOD:
            self._looked[fan.key] = now
            waits = self._around.leases().waits()
            leases.yield_to({one.pool for one in waits if (one.run, one.step) != (fan.key.run, fan.key.step)})

    def _put_aside(self, fan: FanOut, leases: FanLeases) -> None:
        """Do without the items that have failed again and again, and say so."""
        told = leases.quarantine.news()
        if not told:
            return
        for text in told:
            self._around.notifier.tell(Notice(text=text, level=Level.WARNING, run=fan.key.run, step=fan.key.step))
        self._around.leases().put_aside(fan.key.run, fan.key.step, leases.quarantine.aside)
        leases.close_bad_slots()
        if pool := leases.is_hopeless:
            fan.give_up(f"given up: too much of {pool} was put aside after failures (quarantine)")

    def _enough_for(self, fan: FanOut, tasks: int) -> int:
        """Return for how many of so many tasks enough is left of budgets that are looked at again for each."""
        assert fan.leases
        budget = fan.leases.lacking(tasks, self._accounts.values()) if tasks else None
        if budget is None:
            self._lacking.discard(fan.key)
            self._note_stall(fan, is_stalled=False)
            return tasks
        self._lacking.add(fan.key)
        self._note_stall(fan, is_stalled=not (budget.tasks or fan.counts.running))
        self._tell_lack(fan, budget)
        return budget.tasks

    def _note_stall(self, fan: FanOut, *, is_stalled: bool) -> None:
        """Record, for those who ask why nothing runs, that a fan-out waits for disk space, or does no more."""
        if is_stalled == (fan.key in self._stalled):
            return
        if is_stalled:
            self._stalled.add(fan.key)
            claims = [Claim(0, [Want(FREE_DISK, ())])]
            self._around.leases().exchange(fan.key.run, fan.key.step, (), claims, self._around.clock.now())
        else:
            self._wait_for_nothing(fan)  # what it waits for besides is recorded when it asks again

    def _tell_lack(self, fan: FanOut, budget: Budget) -> None:
        """Say, once, of what there is too little for a fan-out that has nothing to do meanwhile."""
        if fan.counts.running or budget.tasks or fan.key in self._told:
            return
        self._told.add(fan.key)
        each, left = size_words(round(budget.each)), size_words(round(budget.total))
        text = f"waits for {budget.name}: each task takes {each}, and {left} are free"
        self._around.notifier.tell(Notice(text=text, level=Level.WARNING, run=fan.key.run, step=fan.key.step))

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

    def _may_ask(self, fan: FanOut) -> bool:
        asked, returns = self._refused.get(fan.key, (0.0, -1))
        return returns != self._returns or self._around.clock.monotonic() >= asked + _PERIOD

    def _ask(self, fan: FanOut, claims: Sequence[Claim]) -> Sequence[Granted | None]:
        """Exchange what has been freed for what is claimed. The claims are alike: after one that fails, all do."""
        leases = fan.leases
        assert leases
        freed = leases.freed.copy()
        leases.freed.clear()
        if freed:
            self._returns += 1
        granted: Sequence[Granted | None] = [{} for _ in claims]
        if freed or any(claim.wants for claim in claims):
            now = self._around.clock.now()
            granted = self._around.leases().exchange(fan.key.run, fan.key.step, freed, claims, now)
        if None in granted:
            self._waiting.add(fan.key)
            self._refused[fan.key] = (self._around.clock.monotonic(), self._returns)
            self._tell_wait(fan, claims)
        else:
            self._refused.pop(fan.key, None)
        return granted
