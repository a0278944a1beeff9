"""The notifier of those who sit in front of nothing: it writes alerts into the outbox, and never sends one itself.

What is in the outbox is delivered by a process of its own, so that no mail server and no network can hold up a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crude_link.alert_interfaces import Outbox
from crude_link.interfaces import Clock
from crude_link.model.alert import Alert, AlertKind, Dispatch, Plight, Trouble
from crude_link.model.event import (
    AttemptEnded,
    Event,
    Level,
    Notice,
    RunBegan,
    RunEnded,
    RunLeft,
    ScheduleHalted,
    SlotSettled,
)
from crude_link.model.exhaustive import assert_never
from crude_link.model.firing import Fate
from crude_link.model.pipeline import Pipeline
from crude_link.model.run import Run
from crude_link.model.status import Status
from crude_link.notifiers.alert_words import (
    Scene,
    end_alert,
    halted_alert,
    left_alert,
    slot_alert,
    slow_alert,
    with_usual,
)
from crude_link.notifiers.judging import (
    USUAL_OF,
    Judgement,
    judge_end,
    judge_missed,
    judge_skipped,
    slow_after,
    usual_of,
)

#: How often the outbox is asked whether something is due that could not be delivered before, in seconds.
_LOOK_EVERY = 10.0
#: Of so many runs of a pipeline the good ones tell what is usual.
_LOOK_BACK = 2 * USUAL_OF


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertParts:
    """What alerts are made from and with."""

    outbox: Outbox
    #: Returns the newest runs of a pipeline, at most so many.
    past_runs: Callable[[str, int], Sequence[Run]]
    clock: Clock
    host: str
    #: The project's.
    directory: str
    #: Begins a delivery of what is due, unless one is at it; returns at once.
    deliver: Callable[[], None]
    #: Hears, once, why alerts could not be written.
    remark: Callable[[Notice], None]


@dataclass(slots=True)
class _Watched:
    """A run that somebody wants to hear of, while it runs."""

    run: Run
    pipeline: Pipeline
    #: Monotonic: a machine that slept meanwhile makes no run slow.
    began: float
    past: tuple[timedelta, ...]
    is_told: bool = False
    last_lines: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def is_slow(self, now: float) -> bool:
        """True when it has run far longer than usual."""
        limit = slow_after(self.past)
        return limit is not None and now - self.began > limit.total_seconds()


class AlertNotifier:
    """Decides what is worth telling, and writes it into the outbox for all who want to hear of it.

    Only pipelines with `notify` are looked at. `look` is to be called now and then while runs go on: it finds those
    that run far longer than usual, and lets be delivered what could not be delivered before.
    """

    def __init__(self, parts: AlertParts) -> None:
        self._parts = parts
        self._watched: dict[int, _Watched] = {}
        #: How to tell of failures of which nobody knows yet whether they are tried again.
        self._held: dict[int, Callable[[], None]] = {}
        self._next_look = 0.0
        self._has_complained = False

    def tell(self, event: Event) -> None:
        """Write the alerts that an event is worth, if any."""
        self._guarded(lambda: self._tell(event))

    def look(self) -> None:
        """Tell of runs that take far longer than usual; see that what is due is delivered. Cheap."""
        self._guarded(self._look)

    def settle(self, run: int, *, is_tried_again: bool) -> None:
        """Tell now of the failure of a run whose schedule has retries, or, when it is gone on with, let it be."""
        held = self._held.pop(run, None)
        if held and not is_tried_again:
            self._guarded(held)

    def close(self) -> None:
        """Tell what was held back, and see that what waits is tried once more, by a process that outlives us."""
        for held in self._held.values():
            self._guarded(held)
        self._held.clear()
        self._guarded(self._deliver_due)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # whatever is wrong with alerts must not become a run's trouble
            if not self._has_complained:
                self._has_complained = True
                text = f"alerts could not be written: {type(error).__name__}: {error}"
                self._parts.remark(Notice(text=text, level=Level.ERROR))

    def _tell(self, event: Event) -> None:
        if isinstance(event, AttemptEnded):
            key = event.attempt.key
            if event.last_lines and key.run in self._watched:
                self._watched[key.run].last_lines[key.step] = event.last_lines
            return
        if not isinstance(event, _OF_PIPELINES) or not event.pipeline.notify:
            return
        match event:
            case RunBegan():
                self._watch(event)
            case RunEnded():
                watched = self._watched.pop(event.run.id, None)
                if _may_be_tried_again(event):
                    self._held[event.run.id] = lambda: self._run_ended(event, watched)
                else:
                    self._run_ended(event, watched)
            case RunLeft():
                self._run_left(event)
            case SlotSettled():
                self._slot_settled(event)
            case ScheduleHalted():
                troubles = self._parts.outbox.troubles(event.pipeline.name)
                self._post(event.pipeline, [halted_alert(self._scene(), event)], troubles)
            case _:
                assert_never(event)

    # --- what happened ----------------------------------------------------------------------------------

    def _watch(self, event: RunBegan) -> None:
        good = [
            run.ended - run.began
            for run in self._parts.past_runs(event.run.pipeline, _LOOK_BACK)
            if run.status is Status.SUCCEEDED and run.ended and run.selection == event.run.selection
        ]
        self._watched[event.run.id] = _Watched(
            run=event.run,
            pipeline=event.pipeline,
            began=self._parts.clock.monotonic(),
            past=tuple(good[:USUAL_OF]),
        )
        troubles = self._parts.outbox.troubles(event.pipeline.name)
        if Plight.SKIPPING in troubles:  # nothing stands in its way any more
            self._post(event.pipeline, [], _with(troubles, Plight.SKIPPING, None))

    def _run_ended(self, event: RunEnded, watched: _Watched | None) -> None:
        before = self._parts.outbox.troubles(event.pipeline.name)
        failing = before.get(Plight.FAILING)
        judged = judge_end(event.run.status, failing, self._parts.clock.now())
        lines = watched.last_lines if watched else {}
        failed = next((state.name for state in event.states if state.status in (Status.FAILED, Status.LOST)), "")
        was_slow = watched is not None and (watched.is_told or watched.is_slow(self._parts.clock.monotonic()))
        kind = judged.kind or (AlertKind.SLOW_ENDED if was_slow else AlertKind.ENDED)
        alert = end_alert(self._scene(), kind, event, judged.trouble or failing, lines.get(failed, ()))
        alerts = [with_usual(alert, usual_of(watched.past)) if was_slow and watched else alert]
        if event.run.status is Status.SUCCEEDED:
            alerts.append(end_alert(self._scene(), AlertKind.HEARTBEAT, event, None, ()))
        self._post(event.pipeline, alerts, _with(before, Plight.FAILING, judged.trouble))

    def _run_left(self, event: RunLeft) -> None:
        before = self._parts.outbox.troubles(event.pipeline.name)
        if event.run.status is Status.FAILED and Plight.FAILING in before:
            return  # it was told when it failed; only a scheduler that died just then could not
        judged = judge_end(event.run.status, before.get(Plight.FAILING), self._parts.clock.now())
        kind = judged.kind or AlertKind.ENDED
        alert = left_alert(self._scene(), kind, event, judged.trouble)
        self._post(event.pipeline, [alert], _with(before, Plight.FAILING, judged.trouble))

    def _slot_settled(self, event: SlotSettled) -> None:
        firing, now = event.firing, self._parts.clock.now()
        before = self._parts.outbox.troubles(event.pipeline.name)
        plight = _PLIGHTS.get(firing.fate)
        if plight is None:
            return
        judged = _judged(event, before.get(plight), now)
        alerts = [slot_alert(self._scene(), judged.kind, event, judged.trouble)] if judged.kind else []
        self._post(event.pipeline, alerts, _with(before, plight, judged.trouble))

    def _look(self) -> None:
        now = self._parts.clock.monotonic()
        for watched in self._watched.values():
            if not watched.is_told and watched.is_slow(now):
                watched.is_told = True
                spent = timedelta(seconds=now - watched.began)
                alert = slow_alert(self._scene(), watched.run, spent, usual_of(watched.past))
                self._post(watched.pipeline, [alert], self._parts.outbox.troubles(watched.pipeline.name))
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            self._deliver_due()

    # --- the outbox -------------------------------------------------------------------------------------

    def _post(self, pipeline: Pipeline, alerts: list[Alert], troubles: Mapping[Plight, Trouble]) -> None:
        dispatches = [
            Dispatch(
                alert=alert,
                to=str(recipient.address),
                recipient=recipient.document,
                secrets=pipeline.document.get("secrets"),
                due=alert.at,
            )
            for alert in alerts
            for recipient in pipeline.notify
            if alert.kind in recipient.wants
        ]
        if dispatches or troubles != self._parts.outbox.troubles(pipeline.name):
            self._parts.outbox.post(pipeline.name, dispatches, troubles)
        if dispatches:
            self._parts.deliver()

    def _deliver_due(self) -> None:
        due = self._parts.outbox.next_due()
        if due is not None and due <= self._parts.clock.now():
            self._parts.deliver()

    def _scene(self) -> Scene:
        return Scene(host=self._parts.host, directory=self._parts.directory, now=self._parts.clock.now())


_OF_PIPELINES = (RunBegan, RunEnded, RunLeft, SlotSettled, ScheduleHalted)
_PLIGHTS: Mapping[Fate, Plight] = {
    Fate.FAILED: Plight.FAILING,
    Fate.MISSED: Plight.MISSING,
    Fate.SKIPPED: Plight.SKIPPING,
}


def _may_be_tried_again(event: RunEnded) -> bool:
    """True for a failed run of a slot time where the pipeline has a schedule with retries."""
    has_failed = event.run.status in (Status.FAILED, Status.LOST)
    return has_failed and event.run.slot_time is not None and any(s.retries.max for s in event.pipeline.schedules)


def _judged(event: SlotSettled, trouble: Trouble | None, now: datetime) -> Judgement:
    match event.firing.fate:
        case Fate.MISSED:
            return judge_missed(event.firing.count, trouble, now)
        case Fate.SKIPPED:
            return judge_skipped(event.in_a_row, trouble, now)
        case _:
            return judge_end(Status.FAILED, trouble, now)


def _with(troubles: Mapping[Plight, Trouble], plight: Plight, trouble: Trouble | None) -> dict[Plight, Trouble]:
    """Return the troubles with one of them as it is now."""
    others = {key: each for key, each in troubles.items() if key is not plight}
    return {**others, plight: trouble} if trouble else others
