"""Lending: asks the store for what the slots and tasks of fan-outs are to hold, and gives it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from crude_link.engine.fanout import FanOut, Taken
from crude_link.engine.knots import knot_of
from crude_link.engine.leases import FanLeases
from crude_link.engine.live import LiveRun
from crude_link.engine.quarantine import Granted
from crude_link.engine.surroundings import Surroundings
from crude_link.model.event import Level, Notice
from crude_link.model.order import FanOrder
from crude_link.model.pipeline import Step
from crude_link.model.resources import Budget, Claim, Scope
from crude_link.model.run import AttemptKey
from crude_link.model.wish import SetSlots
from crude_link.model.words import size_words

#: What others hold is asked for this often, in seconds.
_PERIOD = 0.1
#: Those that wait are looked at this often whether they wait for each other; who gives back then asks again after a
#: pause, in seconds, which is longer each time.
_LOOK_PERIOD = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0


class Pause(NamedTuple):
    """How long a fan-out does not ask for slots, and until when."""

    seconds: float
    until: float


class Lending:
    """Keeps every fan-out supplied with leases. What is granted is recorded before a slot or a task knows of it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._accounts: dict[AttemptKey, FanLeases] = {}
        #: Those of which it was told that they wait.
        self._told: set[AttemptKey] = set()
        #: When those were looked at last whose slots hold something and have nothing to do; who gave back pauses.
        self._looked_at: dict[AttemptKey, float] = {}
        self._pauses: dict[AttemptKey, Pause] = {}
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
        """Open the slots that get what they need; return the tasks that do, to be handed out."""
        leases, now = fan.leases, self._around.clock.now()
        assert leases
        if not fan.is_stopped:
            self._put_aside(fan, leases)
            self._open_slots(fan, leases)
        if not leases.has_task_needs:
            return fan.take(now)
        ready = fan.ready(now)
        if not (leases.freed or (ready and self._may_ask(fan, Scope.TASK))):
            return Taken()
        lacking = leases.lacking(len(ready), self._accounts.values())
        begun = ready[: lacking.tasks] if lacking else ready
        granted = self._ask(fan, Scope.TASK, leases.task_claims(begun))
        if granted and all(items is None for items in granted):
            self._untie(fan, leases)
        if lacking:
            self._refused[fan.key, Scope.TASK] = (self._around.clock.monotonic(), self._returns)
            self._tell_lack(fan, lacking)
        places = [leases.place_of(begun[at][0], items) for at, items in enumerate(granted) if items is not None]
        return fan.take_ready(places, now)

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
        self._looked_at.pop(fan.key, None)
        self._pauses.pop(fan.key, None)
        self._returns += 1

    def _open_slots(self, fan: FanOut, leases: FanLeases) -> None:
        if leases.slots == leases.slots_wanted or not self._may_ask(fan, Scope.SLOT) or self._is_pausing(fan):
            return
        most = self._affordable(leases)
        claims = leases.slot_claims(most)
        has_opened = leases.open_slots(claims, self._ask(fan, Scope.SLOT, claims), self._around.clock.now())
        if most < leases.slots_wanted:
            self._refused[fan.key, Scope.SLOT] = (self._around.clock.monotonic(), self._returns)
        if has_opened:
            self._tell_slots(fan, leases)

    def _untie(self, fan: FanOut, leases: FanLeases) -> None:
        """Give back what the slots of a fan-out hold, for a while, when it and others wait for each other."""
        now = self._around.clock.monotonic()
        if fan.counts.running or not leases.slots or now < self._looked_at.get(fan.key, 0.0) + _LOOK_PERIOD:
            return
        is_first_look = fan.key not in self._looked_at
        self._looked_at[fan.key] = now
        store = self._around.leases()
        knot = () if is_first_look else knot_of((fan.key.run, fan.key.step), store.leases(), store.waits())
        if not knot:
            return
        if fan.key not in self._pauses:
            others = ", ".join(f"{step} of run {run}" for run, step in knot[1:])
            text = f"gives back what its slots hold for a while: it and {others} wait for each other"
            self._around.notifier.tell(Notice(text=text, run=fan.key.run, step=fan.key.step))
        store.release(fan.key.run, fan.key.step)
        leases.close_all_slots()
        self._tell_slots(fan, leases)
        self._returns += 1
        seconds = min(2 * self._pauses[fan.key].seconds, _LONGEST_PAUSE) if fan.key in self._pauses else _FIRST_PAUSE
        self._pauses[fan.key] = Pause(seconds, now + seconds)
        self._refused[fan.key, Scope.SLOT] = (now, self._returns)

    def _is_pausing(self, fan: FanOut) -> bool:
        pause = self._pauses.get(fan.key)
        return pause is not None and self._around.clock.monotonic() < pause.until

    def _tell_slots(self, fan: FanOut, leases: FanLeases) -> None:
        fan.slots = leases.slots
        if fan.work.order.has_slot_needs:
            environments = leases.slot_environments()
            self._around.executor.tell(SetSlots(key=fan.key, slots=len(environments), environments=environments))

    def _put_aside(self, fan: FanOut, leases: FanLeases) -> None:
        """Do without the items that have failed again and again, and say so."""
        told = leases.quarantine.news()
        if not told:
            return
        for text in told:
            self._around.notifier.tell(Notice(text=text, level=Level.WARNING, run=fan.key.run, step=fan.key.step))
        self._around.leases().put_aside(fan.key.run, fan.key.step, leases.quarantine.aside)
        if leases.close_bad_slots():
            self._tell_slots(fan, leases)
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

    def _tell_lack(self, fan: FanOut, budget: Budget) -> None:
        """Say, once, of what there is too little for a fan-out that has nothing to do meanwhile."""
        if fan.counts.running or budget.tasks or fan.key in self._told:
            return
        self._told.add(fan.key)
        each, left = size_words(round(budget.each)), size_words(round(budget.total))
        text = f"waits for {budget.name}: each task takes {each}, and {left} are free"
        self._around.notifier.tell(Notice(text=text, level=Level.WARNING, run=fan.key.run, step=fan.key.step))

    def _affordable(self, leases: FanLeases) -> int:
        """Return how many slots a fan-out can have, as far as others here leave enough of each budget."""
        most = leases.slots_wanted
        others = [one for one in self._accounts.values() if one is not leases]
        for budget in leases.budgets:
            taken = sum(one.slots * each.each for one in others for each in one.budgets if each.name == budget.name)
            most = min(most, replace(budget, total=budget.total - taken).tasks)
        return most

    def _may_ask(self, fan: FanOut, scope: Scope) -> bool:
        asked, returns = self._refused.get((fan.key, scope), (0.0, -1))
        return returns != self._returns or self._around.clock.monotonic() >= asked + _PERIOD

    def _ask(self, fan: FanOut, scope: Scope, claims: Sequence[Claim]) -> Sequence[Granted | None]:
        """Exchange what has been freed for what is claimed. The claims are alike: after one that fails, all do."""
        leases = fan.leases
        assert leases
        if leases.freed:
            self._returns += 1
        freed = leases.freed.copy()
        leases.freed.clear()
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
