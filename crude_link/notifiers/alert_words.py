"""Alerts from events: what is told, in which words, and what somebody would type next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crude_link.model.alert import Alert, AlertKind, Trouble
from crude_link.model.event import RunEnded, RunLeft, ScheduleHalted, SlotSettled
from crude_link.model.run import Run
from crude_link.model.status import Status
from crude_link.model.words import duration_words, moment_words
from crude_link.notifiers.look import one_line, printable
from crude_link.notifiers.slots import halted_notice, left_notice, slot_notice
from crude_link.notifiers.summary import closing_words, failed_state, next_commands

#: Of each of the last lines, so many characters.
_LONGEST = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Where and when alerts are made."""

    host: str
    directory: str
    now: datetime

    def alert(self, kind: AlertKind, pipeline: str, title: str) -> Alert:
        """Return an alert with what all of them say."""
        return Alert(
            kind=kind,
            pipeline=pipeline,
            at=self.now,
            title=one_line(title),
            host=self.host,
            directory=self.directory,
        )


def end_alert(
    scene: Scene, kind: AlertKind, event: RunEnded, trouble: Trouble | None, last_lines: tuple[str, ...]
) -> Alert:
    """Return what is told of the end of a run; `trouble` is the one that it brought, or ended."""
    run = event.run
    took = run.ended - run.began if run.ended else None
    words = closing_words(run, event.states, took)
    title = f"{run.pipeline}{_again_words(kind, trouble)}: {words}"
    step = failed_state(run, event.states)
    made = _of_run(scene.alert(kind, run.pipeline, title), run)
    return replace(
        made,
        cause=one_line(step.reason if step else run.reason),
        status=run.status.value,
        step=step.name if step else None,
        since=trouble.since if trouble else None,
        failures=trouble.count if trouble else 0,
        last_lines=tuple(printable(line).rstrip()[:_LONGEST] for line in last_lines),
        commands=tuple(next_commands(run, event.states, event.attempts)),
    )


def slow_alert(scene: Scene, run: Run, spent: timedelta, usual: timedelta) -> Alert:
    """Return what is told of a run that runs far longer than usual."""
    title = (
        f"{run.pipeline}: run {run.id} has run for {duration_words(spent)} and is not done; "
        f"usually it takes {duration_words(usual)}"
    )
    made = _of_run(scene.alert(AlertKind.SLOW, run.pipeline, title), run)
    return replace(made, status=Status.RUNNING.value, commands=tuple(next_commands(run, (), {})))


def left_alert(scene: Scene, kind: AlertKind, event: RunLeft, trouble: Trouble | None) -> Alert:
    """Return what is told of a run that was left behind."""
    run = event.run
    title = f"{left_notice(event).text.partition(' · ')[0]}{_again_words(kind, trouble)}"
    made = _of_run(scene.alert(kind, run.pipeline, title), run)
    return replace(
        made,
        cause=one_line(run.reason),
        status=run.status.value,
        since=trouble.since if trouble else None,
        failures=trouble.count if trouble else 0,
        commands=tuple(next_commands(run, (), {})),
    )


def with_usual(alert: Alert, usual: timedelta) -> Alert:
    """Add to the end of a slow run what is usual."""
    return replace(alert, title=f"{alert.title}; usually it takes {duration_words(usual)}")


def slot_alert(scene: Scene, kind: AlertKind, event: SlotSettled, trouble: Trouble | None) -> Alert:
    """Return what is told of slot times that began no run."""
    firing = event.firing
    made = scene.alert(kind, firing.pipeline, slot_notice(event).text)
    is_failing = kind in (AlertKind.FAILED, AlertKind.STILL_FAILING)
    return replace(
        made,
        cause=one_line(firing.reason),
        slot_time=firing.slot_time,
        since=trouble.since if trouble and is_failing else None,
        failures=trouble.count if trouble and is_failing else 0,
        commands=_slot_commands(event) if is_failing else (f"crude-link schedule history {firing.pipeline}",),
    )


def _slot_commands(event: SlotSettled) -> tuple[str, ...]:
    """Return what helps with slot times that could not begin; one that looks for new files may not have seen any."""
    looks = any(each.new_files for each in event.pipeline.schedules if each.entry == event.firing.entry)
    return ("crude-link validate", *(("crude-link schedule status",) if looks else ()))


def halted_alert(scene: Scene, event: ScheduleHalted) -> Alert:
    """Return what is told of a schedule that a policy has ended."""
    name, run = event.pipeline.name, event.run
    made = scene.alert(AlertKind.HALTED, name, halted_notice(event).text.partition(" · ")[0])
    commands = [f"crude-link resume {run}"] if run else []
    commands += [f"crude-link schedule unpause {name}" if event.is_paused else "crude-link schedule start"]
    return replace(made, cause=one_line(event.reason), run=run, commands=tuple(commands))


def _again_words(kind: AlertKind, trouble: Trouble | None) -> str:
    if kind is AlertKind.STILL_FAILING and trouble:
        return f" still fails, {trouble.count:,} times in a row since {moment_words(trouble.since)}"
    if kind is AlertKind.RECOVERED and trouble:
        times = "a failure" if trouble.count == 1 else f"{trouble.count:,} failures"
        return f" is well again after {times} since {moment_words(trouble.since)}"
    return ""


def _of_run(alert: Alert, run: Run) -> Alert:
    return replace(alert, run=run.id, slot_time=run.slot_time)
