"""The loop: ask what is to start, start it, watch it, write it down, tell it.

One runner works on any number of live runs: one for a person at a terminal, many for a scheduler.
It writes before it acts and writes before it tells.
"""

from __future__ import annotations

import select
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from crude_link.engine.live import LiveRun
from crude_link.engine.plan import Finish, Plan, Start, Stopping, Wait, next_moves
from crude_link.engine.stopping import Interrupts
from crude_link.engine.surroundings import Surroundings
from crude_link.engine.transfers import has_had
from crude_link.errors import CannotStart, NotYet
from crude_link.model.event import (
    AttemptBegan,
    AttemptEnded,
    AttemptWrote,
    Ended,
    ExecutorEvent,
    Held,
    Level,
    Notice,
    Remarked,
    RunBegan,
    RunEnded,
    Started,
    StepSettled,
    TasksEnded,
    Wrote,
)
from crude_link.model.exhaustive import assert_never
from crude_link.model.order import FanOrder, Order, Screen, View
from crude_link.model.pipeline import Stdin, Step
from crude_link.model.run import (
    Attempt,
    AttemptKey,
    Decision,
    Ending,
    Findings,
    NewRequest,
    Outcome,
    RequestKind,
    Run,
    StepState,
    Verdict,
)
from crude_link.model.status import Status
from crude_link.model.wish import Hold, Keyboard, Release, Resize, Stop
from crude_link.model.words import duration_words

if TYPE_CHECKING:
    from crude_link.engine.fans import Fans

#: Requests of other processes are rows; this often, in seconds, they are looked for.
REQUEST_PERIOD = 0.5
#: How many of a failed attempt's last lines are told.
LAST_LINES = 10


class Runner:
    """Works on live runs until each has come to its end."""

    def __init__(self, around: Surroundings, interrupts: Interrupts) -> None:
        self._around = around
        self._interrupts = interrupts
        self._live: dict[int, LiveRun] = {}
        self._heeded = 0

    @cached_property
    def _fans(self) -> Fans:
        from crude_link.engine.fans import Fans  # with all that only fan-outs need

        return Fans(self._around)

    @property
    def live(self) -> tuple[int, ...]:
        """The ids of the runs it works on."""
        return tuple(self._live)

    def take(self, live: LiveRun, hold: Hold) -> None:
        """Take on a run whose sitting is recorded and whose lock is held; `hold` gives its agent the second lock."""
        if live.pipeline.timeout:
            live.deadline = self._around.clock.monotonic() + live.pipeline.timeout.total_seconds()
        self._live[live.run.id] = live
        began = RunBegan(run=live.run, pipeline=live.pipeline, sitting=live.sitting, usual=live.usual)
        self._around.notifier.tell(began)
        self._around.executor.tell(hold)

    def finish(self) -> list[Run]:
        """Work until no run is live; return the runs as they ended."""
        ended: list[Run] = []
        while self._live:
            ended += self.turn(timedelta(hours=1))
        return ended

    def turn(self, longest: timedelta) -> list[Run]:
        """Start what can start, wait until something happens or `longest` is over; return the runs that ended."""
        self._heed_interrupts()
        ended = [run for live in list(self._live.values()) if (run := self._advance(live))]
        if ended:
            return ended
        for live in self._live.values():
            if live.prepared or live.fans:
                self._fans.feed(live)
        self._wait(longest)
        for event in self._around.executor.events():
            self._apply(event)
        self._heed_requests()
        return []

    def stop(self, run: int, stopping: Stopping, *, by: str, now: bool = False) -> None:
        """End a live run: nothing new starts, what runs is ended gently, or at once."""
        live = self._live[run]
        if live.stopping is None:
            decision = Decision(verdict=Verdict.STOP, at=self._around.clock.now(), by=by, why=stopping.reason)
            self._around.attempts.decide(run, decision)
            live.decisions += (decision,)
            live.stopping = stopping
            live.is_stale = True
            self._tell_stopping(live, stopping)
        for fan in live.fans.values():
            fan.is_stopped = True
        for key in live.running:
            self._around.executor.tell(Stop(key=key, now=now))

    def _tell_stopping(self, live: LiveRun, stopping: Stopping) -> None:
        if live.running:
            steps = ", ".join(key.step for key in live.running)
            again = " · Ctrl-C again ends it at once" if self._has_keyboard() else ""
            self._around.notifier.tell(Notice(text=f"{stopping.reason}: ending {steps}{again}", run=live.run.id))

    # --- one turn -------------------------------------------------------------------------------------

    def _advance(self, live: LiveRun) -> Run | None:
        """Do what the plan says for one run; return the run if that was its end.

        What is to be started is started first; the cached states, whose write also flushes the ends before it to
        the disk, and the telling of them come while it already runs.
        """
        while live.is_stale or live.pause is not None or self._is_due(live):
            live.plan = next_moves(live.as_view(), self._around.clock.now(), live.plan)
            live.begin_turn()
            finish: Finish | None = None
            for move in live.plan.moves:
                match move:
                    case Start():
                        self._start(live, move)
                    case Wait():
                        pass
                    case Finish():
                        finish = move
                    case _:
                        assert_never(move)
            self._note_states(live, live.plan)
            if finish:
                return self._finish(live, finish)
            if live.pause is not None:
                break  # others get their turn
        return None

    def _is_due(self, live: LiveRun) -> bool:
        dates = [move.until for move in live.plan.moves if isinstance(move, Wait) and move.until] if live.plan else []
        return bool(dates) and min(dates) <= self._around.clock.now()

    def _start(self, live: LiveRun, move: Start) -> None:
        assert live.plan is not None
        step, around = move.step, self._around
        key = AttemptKey(live.run.id, step.name, 0 if step.foreach else 1, move.number)
        began = around.clock.now()
        attempt = Attempt(key=key, sitting=live.sitting, began=began, host=around.executor.host)
        try:
            whole = self._order(live, step, key)
        except NotYet as error:
            if words := live.wait_for(step.name, error):
                around.notifier.tell(Notice(text=words, run=live.run.id, step=step.name))
            return
        except CannotStart as error:
            around.attempts.begin_attempt(attempt)
            live.note(attempt)
            around.notifier.tell(AttemptBegan(attempt=attempt, tries=step.retries.max + 1))
            outcome = Outcome(ending=Ending.NOT_STARTED, ended=began, reason=str(error))
            self._end(live, attempt, outcome, Findings())
            return
        order = whole.whole if isinstance(whole, FanOrder) else whole
        attempt = _as_recorded(attempt, order)
        around.attempts.begin_attempt(attempt)
        live.note(attempt)
        live.states[step.name] = StepState(name=step.name, status=Status.RUNNING)  # cached with the attempt
        live.running[key] = order
        live.orders_made[step.name] = order
        around.executor.start(whole)
        slots, limit = (whole.slots, whole.limit) if isinstance(whole, FanOrder) else (None, "")
        around.notifier.tell(AttemptBegan(attempt=attempt, tries=step.retries.max + 1, slots=slots, limit=limit))

    def _order(self, live: LiveRun, step: Step, key: AttemptKey) -> Order | FanOrder:
        if step.foreach:
            return self._fans.prepare(live, step, key)
        assert live.plan is not None
        order = live.orders.order_for(live.run, step, key, live.plan.facts, live.view)
        if order.stdin is Stdin.TERMINAL and not self._has_keyboard():
            return replace(order, stdin=Stdin.NOTHING)  # nobody is there: a question fails at once
        return order

    def _finish(self, live: LiveRun, move: Finish) -> Run:
        around = self._around
        assert live.plan is not None
        around.executor.tell(Release(run=live.run.id))
        if move.status is Status.SUCCEEDED:
            self._remember_new(live, live.plan)
        run = around.runs.end_sitting(live.run.id, move.status, move.reason, around.clock.now())
        del self._live[live.run.id]
        standings = live.plan.standings
        around.notifier.tell(
            RunEnded(
                run=run,
                pipeline=live.pipeline,
                states=tuple(standing.state for standing in standings.values()),
                attempts={name: s.attempt for name, s in standings.items() if s.attempt},
                usual=live.usual,
            )
        )
        live.held.close()
        return run

    def _remember_new(self, live: LiveRun, plan: Plan) -> None:
        """Let later runs know what this one had from downloads of what is new; before its end, lest it be lost."""
        attempts = has_had(live.pipeline.steps, plan.standings)
        if attempts:
            self._around.remember_hauls(live.run.pipeline, [attempt.key for attempt in attempts])

    def _note_states(self, live: LiveRun, plan: Plan) -> None:
        """Write the states that changed to the store's cache, and tell those that no attempt has told."""
        running = {key.step for key in live.running}
        standings = [plan.standings[name] for name in plan.changed if name not in running]
        changed = [each for each in standings if live.states.get(each.state.name) != each.state]
        if not changed:
            return
        self._around.states.set_states(live.run.id, [each.state for each in changed])
        for each in changed:
            live.states[each.state.name] = each.state
            told = each.attempt is not None and each.attempt.sitting == live.sitting
            if each.state.status in (Status.SKIPPED, Status.FAILED) and not told:
                self._around.notifier.tell(StepSettled(run=live.run.id, state=each.state))

    # --- what happened ----------------------------------------------------------------------------------

    def _wait(self, longest: timedelta) -> None:
        """Wait for an event, a signal, the next due date, the next look at requests, or `longest`."""
        clock = self._around.clock
        seconds = min(longest.total_seconds(), REQUEST_PERIOD if self._live else longest.total_seconds())
        for live in self._live.values():
            seconds = seconds if live.pause is None else min(seconds, live.pause)
            for move in live.plan.moves if live.plan else ():
                if isinstance(move, Wait) and move.until:
                    seconds = min(seconds, (move.until - clock.now()).total_seconds())
            if live.fans and (due := self._fans.due(live)):
                seconds = min(seconds, (due - clock.now()).total_seconds())
        ours, wants_keys = self._interrupts.fileno(), self._wants_keys()
        front = self._around.front
        keys = front.listen(wants_keys is not None) if front else None
        sources = [self._around.executor.fileno(), ours, *([keys] if keys is not None else [])]
        readable, _, _ = select.select(sources, [], [], max(seconds, 0))
        if ours in readable:
            self._interrupts.drain()
        if front and wants_keys and keys in readable:
            self._around.executor.tell(Keyboard(key=wants_keys, data=front.keys()))
        if front and (screen := front.new_screen()):
            self._resize(screen)

    def _has_keyboard(self) -> bool:
        front = self._around.front
        return front is not None and front.has_keyboard

    def _wants_keys(self) -> AttemptKey | None:
        """Return the attempt that has the keyboard: the first that wants it."""
        orders = [order for live in self._live.values() for order in live.running.values()]
        return next((order.key for order in orders if order.stdin is Stdin.TERMINAL), None)

    def _resize(self, screen: Screen) -> None:
        self._around.executor.tell(Resize(screen=screen))
        for live in self._live.values():
            view = live.view
            live.view = View(stdout=screen if view.stdout else None, stderr=screen if view.stderr else None)

    def _apply(self, event: ExecutorEvent) -> None:
        match event:
            case Held():
                if event.run in self._live:
                    self._live[event.run].is_held = True
            case Started():
                self._note_pid(event)
            case Wrote():
                self._around.notifier.tell(AttemptWrote(key=event.key, stream=event.stream, data=event.data))
            case Ended():
                self._ended(event.key, event.outcome)
            case TasksEnded():
                self._fans.ended(self._live[event.key.run], event)
            case Remarked():
                step = event.key.step if event.key else None
                run = event.key.run if event.key else None
                self._around.notifier.tell(Notice(text=event.text, level=Level.WARNING, run=run, step=step))
            case _:
                assert_never(event)

    def _note_pid(self, event: Started) -> None:
        live = self._live.get(event.key.run)
        if live and event.key in live.running:
            live.note(replace(live.newest(event.key), pid=event.pid))

    def _ended(self, key: AttemptKey, outcome: Outcome) -> None:
        live = self._live[key.run]
        order = live.running.pop(key)
        if self._around.front and order.stdin is Stdin.TERMINAL:
            self._around.front.listen(self._wants_keys() is not None)
        if outcome.ending is Ending.STOPPED and live.stopping:  # the agent knows how, and only we know why
            outcome = replace(outcome, reason=outcome.reason.replace("stopped", live.stopping.reason, 1))
        if not key.task:
            outcome = self._fans.finish(live, key, outcome)
        outcome, findings = self._around.evidence.collect(order, outcome)
        self._end(live, live.newest(key), outcome, findings)

    def _end(self, live: LiveRun, attempt: Attempt, outcome: Outcome, findings: Findings) -> None:
        around, key = self._around, attempt.key
        around.attempts.end_attempt(key, outcome, findings)
        attempt = replace(attempt, outcome=outcome)
        live.note(attempt)
        live.findings[key] = findings
        live.is_stale = True
        if outcome.status is Status.SUCCEEDED:
            around.notifier.tell(AttemptEnded(attempt=attempt, outcome=outcome, findings=findings))
            return
        following = next_moves(live.as_view(), around.clock.now(), live.plan).standings[key.step]
        around.notifier.tell(
            AttemptEnded(
                attempt=attempt,
                outcome=outcome,
                findings=findings,
                last_lines=around.logs.last_lines(key, LAST_LINES),
                retry_at=following.due,
            )
        )

    # --- what others want -------------------------------------------------------------------------------

    def _heed_interrupts(self) -> None:
        for live in list(self._live.values()):
            if live.deadline is not None and not live.stopping and self._around.clock.monotonic() >= live.deadline:
                reason = f"the run timed out after {duration_words(live.pipeline.timeout or timedelta(0))}"
                self.stop(live.run.id, Stopping(status=Status.FAILED, reason=reason), by="its timeout")
        if self._interrupts.count == self._heeded:
            return
        self._heeded = self._interrupts.count
        by = self._interrupts.who
        stopping = Stopping(status=Status.CANCELLED, reason=f"stopped by {by}")
        for run in self.live:
            self.stop(run, stopping, by=by, now=self._interrupts.count > 1)

    def _heed_requests(self) -> None:
        for request in self._around.states.requests(self.live):
            self._around.states.answer(request.id, self._answer(request.asked))

    def _answer(self, asked: NewRequest) -> str:
        """Do what is asked; return what becomes of it."""
        answer = "stopping"
        match asked.kind:
            case RequestKind.SLOTS:
                answer = self._fans.set_slots(self._live[asked.run], asked)
            case RequestKind.STOP | RequestKind.STOP_NOW:
                stopping = Stopping(status=Status.CANCELLED, reason=f"stopped by {asked.by}")
                self.stop(asked.run, stopping, by=asked.by, now=asked.kind is RequestKind.STOP_NOW)
            case _:
                assert_never(asked.kind)
        return answer


def _as_recorded(attempt: Attempt, order: Order) -> Attempt:
    return replace(
        attempt,
        argv=order.record_argv,
        cwd=str(order.cwd),
        env=order.record_env or {},
        interpreter=order.interpreter,
        script_digest=order.script_digest,
        resolved=order.record_resolved or {},
    )
