"""SqliteLedger: what became of every slot time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from crude_link.model.firing import Fate, Firing, Pause, SchedulerRecord
from crude_link.model.schedule import Schedule
from crude_link.store.database import Database, Row
from crude_link.store.rows import moment_text, text, to_json

_FIRST = datetime.min.replace(tzinfo=timezone.utc)
#: Rows of a pipeline's ledger are kept so long, and at most so many: a year of a pipeline that fires every ten
#: seconds would be three millions.
_KEPT_FOR = timedelta(days=400)
_KEPT_ROWS = 20_000


class SqliteLedger:
    """Writes and reads the ledger; see `Ledger`. What began a run is written with it, by `insert_firing`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, firing: Firing) -> bool:
        """Record what became of slot times that began no run; False when the first has a row of its schedule."""
        with self._database.write():
            if firing.fate is not Fate.QUEUED:
                _end_queued(self._database, firing)
            slot_time = utc_text(firing.slot_time)
            known = {"pipeline": firing.pipeline, "entry": firing.entry, "slot_time": slot_time}
            if self._database.first("scheduled_firing", **known):
                return False
            newest = self._database.first("newest_firing", pipeline=firing.pipeline, entry=firing.entry)
            if newest and _continues(_firing_of(newest), firing):
                until, at = utc_text(firing.last), moment_text(firing.at)
                self._database.change("lengthen_firing", id=newest["id"], until=until, count=firing.count, at=at)
            else:
                insert_firing(self._database, firing)
        return True

    def settle(self, pipeline: str, schedule: Schedule, moment: datetime | None) -> None:
        """Note that the ledger knows what became of all slot times of an entry up to a moment; None: of none."""
        known = {"pipeline": pipeline, "entry": schedule.entry}
        with self._database.write(durable=False):
            if moment is None:
                self._database.change("forget_schedule", **known)
            else:
                settled = utc_text(moment)
                self._database.change("settle_schedule", **known, timing=schedule.timing, settled=settled)

    def settled(self, pipeline: str, schedule: Schedule) -> datetime | None:
        """Return up to when the ledger knows of an entry; None: it was never followed, or fired at other times."""
        row = self._database.first("schedule", pipeline=pipeline, entry=schedule.entry, timing=schedule.timing)
        return datetime.fromisoformat(row["settled"]) if row else None

    def since(self, pipeline: str, entry: str) -> datetime | None:
        """Return from when on an entry is followed; None: it never was."""
        row = self._database.first("schedule", pipeline=pipeline, entry=entry, timing=None)
        return datetime.fromisoformat(row["since"]) if row else None

    def entries(self) -> Sequence[tuple[str, str]]:
        """Return the pipelines and entries that are known here, also those of which no row is kept."""
        return [(text(row["pipeline"]), text(row["entry"])) for row in self._database.rows("ledger_entries")]

    def firing(self, pipeline: str, entry: str, slot_time: datetime) -> Firing | None:
        """Return what became of one slot time."""
        row = self._row(pipeline, entry, slot_time)
        return _firing_of(row) if row else None

    def firings(
        self, pipeline: str | None = None, *, since: datetime = _FIRST, limit: int = 1_000_000
    ) -> Sequence[Firing]:
        """Return what became of slot times, the latest first."""
        query = "firings" if pipeline is None else "firings_of_pipeline"
        named = {} if pipeline is None else {"pipeline": pipeline}
        return [_firing_of(row) for row in self._database.rows(query, since=utc_text(since), limit=limit, **named)]

    def between(self, pipeline: str, first: datetime, last: datetime, limit: int) -> Sequence[Firing]:
        """Return what became of the slot times from one moment to another, the earliest first."""
        begin, end = utc_text(first), utc_text(last)
        rows = self._database.rows("firings_between", pipeline=pipeline, first=begin, last=end, limit=limit)
        return [_firing_of(row) for row in rows]

    def last(self, *, begun: bool) -> Mapping[str, Firing]:
        """Return by pipeline the last slot times that began a run by schedule, or the last that began none."""
        rows = self._database.rows("last_begun" if begun else "last_unbegun")
        return {firing.pipeline: firing for firing in map(_firing_of, rows)}

    def queued(self, pipeline: str) -> Sequence[Firing]:
        """Return the slot times of a pipeline that wait, the earliest first."""
        return [_firing_of(row) for row in self._database.rows("queued_firings", pipeline=pipeline)]

    def withdraw(self, firing: Firing) -> None:
        """Remove a row that began no run."""
        slot_time = utc_text(firing.slot_time)
        with self._database.write():
            self._database.change(
                "withdraw_firing", pipeline=firing.pipeline, entry=firing.entry, slot_time=slot_time
            )

    def of_run(self, run: int) -> Firing | None:
        """Return the slot time that began a run."""
        row = self._database.first("firing_of_run", run=run)
        return _firing_of(row) if row else None

    def forget_old(self, pipeline: str, now: datetime) -> None:
        """Remove rows that are older than a year, or too many."""
        before = utc_text(now - _KEPT_FOR)
        with self._database.write(durable=False):
            self._database.change("delete_old_firings", pipeline=pipeline, before=before, most=_KEPT_ROWS)

    def _row(self, pipeline: str, entry: str, slot_time: datetime) -> Row | None:
        return self._database.first("firing", pipeline=pipeline, entry=entry, slot_time=utc_text(slot_time))


class SqliteSchedulers:
    """Who schedules, and which pipelines are paused; see `SchedulerBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pause(self, pause: Pause) -> None:
        """Let a pipeline begin nothing by schedule, from now on."""
        with self._database.write():
            self._database.change(
                "set_pause", pipeline=pause.pipeline, at=moment_text(pause.at), by=pause.by, why=pause.why
            )

    def unpause(self, pipeline: str) -> bool:
        """Let a pipeline begin runs by schedule again; False when it was not paused."""
        with self._database.write():
            return bool(self._database.change("delete_pause", pipeline=pipeline).rowcount)

    def pauses(self) -> Sequence[Pause]:
        """Return the pauses, by pipeline."""
        return [
            Pause(
                pipeline=text(row["pipeline"]),
                at=datetime.fromisoformat(row["at"]),
                by=text(row["by"]),
                why=text(row["why"]),
            )
            for row in self._database.rows("pauses")
        ]

    def record(self, scheduler: SchedulerRecord) -> None:
        """Record the scheduler of this project, as it is now."""
        with self._database.write(durable=False):
            self._database.change(
                "set_scheduler",
                host=scheduler.host,
                pid=scheduler.pid,
                began=moment_text(scheduler.began),
                seen=moment_text(scheduler.seen),
                config_files=to_json(scheduler.config_files),
                log_file=scheduler.log_file,
            )

    def scheduler(self) -> SchedulerRecord | None:
        """Return the scheduler of this project, the living one or the last; None when there never was one."""
        row = self._database.first("scheduler")
        if row is None:
            return None
        return SchedulerRecord(
            host=text(row["host"]),
            pid=row["pid"],
            began=datetime.fromisoformat(row["began"]),
            seen=datetime.fromisoformat(row["seen"]),
            config_files=tuple(json.loads(row["config_files"])),
            log_file=text(row["log_file"]),
        )


def insert_firing(database: Database, firing: Firing) -> None:
    """Write a row, within a transaction; a slot time that waited waits no longer."""
    _end_queued(database, firing)
    database.change(
        "insert_firing",
        pipeline=firing.pipeline,
        entry=firing.entry,
        slot_time=utc_text(firing.slot_time),
        until=utc_text(firing.last),
        count=firing.count,
        fate=firing.fate.value,
        run=firing.run,
        blocker=firing.blocker,
        reason=firing.reason,
        at=moment_text(firing.at),
    )


def _end_queued(database: Database, firing: Firing) -> None:
    slot_time = utc_text(firing.slot_time)
    database.change("end_queued", pipeline=firing.pipeline, entry=firing.entry, slot_time=slot_time)


def _continues(newest: Firing, firing: Firing) -> bool:
    """True when a row says of the slot times before these just what is to be said of these."""
    told = (newest.fate, newest.blocker, newest.reason)
    is_one_of_many = firing.run is None and newest.run is None and firing.fate is not Fate.QUEUED
    return is_one_of_many and newest.last < firing.slot_time and told == (firing.fate, firing.blocker, firing.reason)


def utc_text(moment: datetime) -> str:
    """Write a moment of any zone as the ledger has it."""
    found = moment_text(moment.astimezone(timezone.utc) if moment > _FIRST else moment)
    assert found is not None
    return found


def _firing_of(row: Row) -> Firing:
    count = row["count"]
    return Firing(
        pipeline=text(row["pipeline"]),
        entry=text(row["entry"]),
        slot_time=datetime.fromisoformat(row["slot_time"]),
        until=datetime.fromisoformat(row["until"]) if count > 1 else None,
        count=count,
        fate=Fate(row["fate"]),
        run=row["run"],
        blocker=row["blocker"],
        reason=text(row["reason"]),
        at=datetime.fromisoformat(row["at"]),
    )
