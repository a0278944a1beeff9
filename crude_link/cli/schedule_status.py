"""`crude-link schedule status`: is there a scheduler, and how do its pipelines stand?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, json_option
from crude_link.model.firing import Firing, Pause, SchedulerRecord

if TYPE_CHECKING:
    from crude_link.app import Desk, Records
    from crude_link.cli.schedules import Entry
    from crude_link.model.look import Lookout
    from crude_link.model.status import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineStanding:
    """How a pipeline of a schedule stands."""

    pipeline: str
    next_slot: datetime | None = None
    #: The latest slot time that began a run, and how that run stands.
    last_run: Firing | None = None
    last_status: Status | None = None
    #: The latest slot time that began none.
    last_unrun: Firing | None = None
    queued: int = 0
    pause: Pause | None = None
    #: Why the living scheduler has ended its schedule; empty when it has not.
    ended: str = ""
    #: How the looks of its entries that look for new files go.
    looks: Sequence[Lookout] = ()


@click.command()
@json_option
@common_options
def command(as_json: bool) -> int:
    """Say whether a scheduler is alive, since when, what it follows, what is paused, and how its pipelines stand.

    Exit status: 0 while it is alive, 1 while none is.
    """
    from crude_link.app import Desk
    from crude_link.cli.schedules import is_scheduling, records_if_any
    from crude_link.cli.talk import print_json, say, show

    desk = Desk.here()
    records = records_if_any(desk)
    if records is None:
        if as_json:
            print_json({"alive": False, "scheduler": None, "pipelines": []})
        say("no scheduler has ever run here · crude-link schedule start")
        return 1
    is_alive = is_scheduling(records)
    scheduler = records.store.schedulers.scheduler()
    entries, trouble = _entries(desk, scheduler, is_alive)
    standings = _standings(records, entries, desk.clock.now())
    if as_json:
        print_json({"alive": is_alive, "scheduler": scheduler, "config_problem": trouble, "pipelines": standings})
    else:
        show([*_head(scheduler, is_alive, desk.clock.now()), *_table(standings, desk.clock.now())])
    if trouble:
        say(trouble)
    if not is_alive:
        say(_absence_words(scheduler))
    return 0 if is_alive else 1


def _entries(desk: Desk, scheduler: SchedulerRecord | None, is_alive: bool) -> tuple[list[Entry], str]:
    """Return the entries of the scheduler's config files; or why they cannot be told."""
    from crude_link.cli.pipelines import config_paths
    from crude_link.cli.schedules import entries_of, shown_path
    from crude_link.errors import CrudeLinkError

    try:
        named = scheduler.config_files if scheduler else ()
        files = config_paths([shown_path(Path(name)) for name in named])
        return entries_of(desk, files), ""
    except CrudeLinkError as error:
        so = "the scheduler goes on with what it said before, " if is_alive else ""
        return [], f"the config cannot be used; {so}and the next slot times cannot be told: {error}"


def _next_slots(entries: Sequence[Entry], now: datetime) -> dict[str, datetime | None]:
    """Return the next slot time, or look, of each pipeline."""
    found: dict[str, datetime | None] = {}
    for entry in entries:
        slots = [slot for slot in (found.get(entry.pipeline), entry.trigger.next_after(now)) if slot]
        found[entry.pipeline] = min(slots, default=None)
    return found


def _standings(records: Records, entries: Sequence[Entry], now: datetime) -> list[PipelineStanding]:
    from crude_link.cli.look_words import lookouts_of
    from crude_link.cli.schedule_history import statuses_of
    from crude_link.cli.schedules import ended_schedules, known_pipelines

    store, next_slots = records.store, _next_slots(entries, now)
    looks = lookouts_of(entries, store.sightings.lookouts())
    pauses = {pause.pipeline: pause for pause in store.schedulers.pauses()}
    begun, unbegun = store.ledger.last(begun=True), store.ledger.last(begun=False)
    statuses, ended = statuses_of(records, list(begun.values())), ended_schedules(records)
    return [
        PipelineStanding(
            pipeline=name,
            next_slot=next_slots.get(name),
            last_run=begun.get(name),
            last_status=statuses.get(begun[name].run or 0) if name in begun else None,
            last_unrun=unbegun.get(name),
            queued=len(store.ledger.queued(name)),
            pause=pauses.get(name),
            ended=ended.get(name, ""),
            looks=[each for each in looks if each.pipeline == name],
        )
        for name in dict.fromkeys([*next_slots, *known_pipelines(records)])
    ]


def _head(scheduler: SchedulerRecord | None, is_alive: bool, now: datetime) -> list[str]:
    from crude_link.cli.schedules import shown_path
    from crude_link.model.words import duration_words, moment_words

    if scheduler is None:
        return []
    who = f"pid {scheduler.pid} on {scheduler.host}"
    since = moment_words(scheduler.began)
    if is_alive:
        lines = [f"the scheduler is alive: {who}, since {since}, for {duration_words(now - scheduler.began)}"]
    else:
        lines = [f"the last scheduler, {who}, began at {since} and was last seen at {moment_words(scheduler.seen)}"]
    files = ", ".join(str(shown_path(Path(name))) for name in scheduler.config_files)
    lines.append(f"config: {files}")
    if scheduler.log_file:
        lines.append(f"log: {shown_path(Path(scheduler.log_file))}")
    return [*lines, ""]


def _table(standings: Sequence[PipelineStanding], now: datetime) -> list[str]:
    from crude_link.cli.look_words import look_line
    from crude_link.cli.moments import wait_words
    from crude_link.model.words import moment_words
    from crude_link.notifiers.look import COLOURS, look_of
    from crude_link.notifiers.table import Cell, Column, Table

    look = look_of(sys.stdout)
    titles = ("pipeline", "next", "in", "last", "result", "waiting", "last without a run")
    rows: list[list[Cell | str]] = []
    for each in standings:
        ran, status = each.last_run, each.last_status
        waits = wait_words(each.next_slot - now) if each.next_slot and not (each.pause or each.ended) else ""
        rows.append(
            [
                Cell(each.pipeline, bold=True),
                _next_words(each),
                waits,
                moment_words(ran.slot_time, seconds=bool(ran.slot_time.second)) if ran else "",
                Cell(f"run {ran.run} {status.value}", COLOURS[status]) if ran and status else "",
                f"{each.queued}" if each.queued else "",
                _unrun_words(each.last_unrun) if each.last_unrun else "",
            ]
        )
    lines = Table([Column(title) for title in titles], rows).lines(look)
    for pause in (each.pause for each in standings if each.pause):
        lines.append(f"{pause.pipeline} is {pause_words(pause)} · crude-link schedule unpause {pause.pipeline}")
    for each in standings:
        if each.ended:
            lines.append(f"{each.pipeline}: {each.ended}; a new scheduler follows it again")
        lines += [look_line(look) for look in each.looks]
    return lines


def pause_words(pause: Pause) -> str:
    """Say who paused a pipeline, when and why."""
    from crude_link.model.words import moment_words

    why = f": {pause.why}" if pause.why else ""
    return f"paused by {pause.by} since {moment_words(pause.at)}{why}"


def _next_words(standing: PipelineStanding) -> str:
    from crude_link.model.words import moment_words

    slot = standing.next_slot
    if standing.pause:
        return "paused"
    if standing.ended:
        return "ended"
    return moment_words(slot, seconds=bool(slot.second)) if slot else ""


def _unrun_words(firing: Firing) -> str:
    from crude_link.cli.firing_words import which_words

    reason = f": {firing.reason}" if firing.reason else ""
    return f"{which_words(firing)} {firing.fate.value}{reason}"


def _absence_words(scheduler: SchedulerRecord | None) -> str:
    from crude_link.cli.schedules import start_command

    if scheduler is None:
        return f"no scheduler has ever run here · {start_command(None)}"
    missed = "slot times that come are missed until the next one starts"
    return f"no scheduler is running: {missed} · {start_command(scheduler)}"
