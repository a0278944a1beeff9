"""Fans: the fan-outs of live runs, opened, fed with tasks, and written down; the runner's right hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crude_link.engine.fanout import FanOut, Followed
from crude_link.engine.lending import Lending
from crude_link.engine.live import LiveRun
from crude_link.engine.surroundings import Surroundings
from crude_link.interfaces import FanWork
from crude_link.model.event import Notice, TasksEnded, TasksProgressed
from crude_link.model.order import FanOrder
from crude_link.model.pipeline import Step
from crude_link.model.run import AttemptKey, NewRequest, Outcome
from crude_link.model.wish import CloseFan, HandOut, SetSlots, SetTimeout
from crude_link.model.words import slots_words

#: A fan-out of whose tasks none ends is told of all the same, this often in seconds.
_PERIOD = 0.5


class Fans:
    """Opens fan-outs, and keeps each supplied. It writes before it tells."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._lending = Lending(around)
        #: Of each fan-out the tasks that ran when it was told of last, with their ages, and when that was.
        self._told: dict[AttemptKey, tuple[Sequence[tuple[int, float]], float]] = {}
        #: Those of which it was told how long their tasks may take.
        self._limited: set[AttemptKey] = set()

    def prepare(self, live: LiveRun, step: Step, key: AttemptKey) -> FanOrder:
        """Make the work of a fan-out ready. CannotStart when its inputs are not to be had."""
        assert live.plan is not None
        work = live.orders.fan_for(live.run, step, key, live.plan.facts)
        live.prepared[key] = (step, work)
        return work.order

    def _open(self, live: LiveRun, step: Step, key: AttemptKey, work: FanWork) -> None:
        """Begin what was prepared and recorded, at what is not done.

        Not before the run is held: an agent that is still ending what it began writes to the archives that are read.
        """
        tasks = self._around.tasks()
        assert step.foreach
        record = tasks.begin_fan(key, work.source, once=step.foreach.once)
        leases = self._lending.begin(step, work.order)
        slots = work.order.slots if leases is None else leases.slots
        fan = FanOut(step, key, work, record, slots=slots, only_failed=live.only_failed)
        fan.leases = leases
        if not record.is_same_source:
            fan.number_by_digest(tasks.tasks_by_digest(key))
        live.fans[key] = fan
        self._limit_time(fan)

    def feed(self, live: LiveRun) -> None:
        """Hand out what the fan-outs of a run can take, and close those that have nothing left."""
        if live.is_held:
            self._lending.let_go(live)
            for key, (step, work) in live.prepared.items():
                self._open(live, step, key, work)
            live.prepared.clear()
        for fan in list(live.fans.values()):
            if fan.is_closed:
                continue
            taken = self._lending.take(fan) if fan.leases else fan.take(self._around.clock.now())
            if taken.orders:
                self._around.executor.tell(HandOut(key=fan.key, tasks=taken.orders))
            if taken.refused:
                self._note(fan, TasksEnded(key=fan.key, ends=taken.refused))
            if fan.gives_up:
                self._close(fan, forget=True)
            elif fan.is_drained:
                self._close(fan, forget=False)
        for fan in live.fans.values():
            self._tell_again(fan)

    def ended(self, live: LiveRun, event: TasksEnded) -> None:
        """Write down tasks that ended, and what follows from them."""
        fan = live.fans.get(event.key)
        if fan:
            self._note(fan, event)

    def finish(self, live: LiveRun, key: AttemptKey, outcome: Outcome) -> Outcome:
        """Let go of a fan-out that its executor has ended; return the outcome of the whole."""
        live.prepared.pop(key, None)
        fan = live.fans.pop(key, None)
        self._told.pop(key, None)
        self._limited.discard(key)
        if fan and fan.leases:
            self._lending.end(fan)
        return fan.outcome(outcome) if fan else outcome

    def set_slots(self, live: LiveRun, asked: NewRequest) -> str:
        """Change how many tasks of a step run at once; return what becomes of it, in words."""
        fan = next((fan for fan in live.fans.values() if fan.step.name == asked.step and not fan.is_closed), None)
        if fan is None or asked.number is None:
            return f"{asked.step} of run {asked.run} has no tasks to begin now"
        before, after, limit = fan.slots, asked.number, ""
        if leases := fan.leases:
            before = leases.slots_wanted
            self._lending.set_slots(fan, asked.number)
            after, limit = leases.slots_wanted, leases.limit
        else:
            fan.slots = after
            self._around.executor.tell(SetSlots(key=fan.key, slots=after))
        words = f"{slots_words(after, limit)}{f' now, not {before}' if after != before else ' as before'}"
        if fan.slots < after:
            words += f"; {after - fan.slots} of them will begin when there is something for them to hold"
        text = f"{asked.step} runs in {words} (asked by {asked.by})"
        self._around.notifier.tell(Notice(text=text, run=asked.run))
        return text

    def due(self, live: LiveRun) -> datetime | None:
        """Return when the next try of a task is due, or the next look whether something is free."""
        fans = live.fans.values()
        times = [fan.due for fan in fans if fan.due]
        times += [due for fan in fans if fan.leases and (due := self._lending.due(fan))]
        return min(times, default=None)

    def _note(self, fan: FanOut, event: TasksEnded) -> None:
        if event.ends:
            self._around.tasks().end_tasks(fan.key, event.ends)
        if fan.leases:
            fan.leases.note_ends(event.ends)
            fan.leases.note_shut(event.shut)
        self._tell(fan, fan.follow(event.ends, self._around.clock.now()), event.running)
        self._limit_time(fan)

    def _limit_time(self, fan: FanOut) -> None:
        """Say how long tasks may take, when that is not what it was; people are told the first time."""
        limit = fan.time_limit.news() if fan.time_limit and not fan.is_stopped else None
        if limit is None:
            return
        self._around.executor.tell(SetTimeout(key=fan.key, timeout=limit.limit, words=limit.words))
        if fan.key not in self._limited:
            self._limited.add(fan.key)
            text = f"each task may take {limit.words}"
            self._around.notifier.tell(Notice(text=text, run=fan.key.run, step=fan.key.step))

    def _tell_again(self, fan: FanOut) -> None:
        """Tell how a fan-out stands at its beginning, and while none of its tasks ends."""
        now = self._around.clock.monotonic()
        running, told = self._told.get(fan.key, ((), now - _PERIOD))
        passed = now - told
        if passed >= _PERIOD:
            self._tell(fan, Followed(failed=(), retried=()), [(task, age + passed) for task, age in running])

    def _tell(self, fan: FanOut, followed: Followed, running: Sequence[tuple[int, float]]) -> None:
        self._told[fan.key] = (running, self._around.clock.monotonic())
        self._around.notifier.tell(
            TasksProgressed(
                key=fan.key,
                counts=fan.counts,
                slots=fan.slots,
                failed=followed.failed,
                retried=followed.retried,
                running=running,
            )
        )

    def _close(self, fan: FanOut, *, forget: bool) -> None:
        fan.is_closed = True
        self._around.executor.tell(CloseFan(key=fan.key, forget=forget))
