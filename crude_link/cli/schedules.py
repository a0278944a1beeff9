"""Schedules: the entries that a command is about, and who follows them."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.app import Desk, Records, open_records, trigger_for
from crude_link.cli.pipelines import DEFAULT, choose, config_paths
from crude_link.errors import UsageError
from crude_link.model.firing import ENDED
from crude_link.store.scheduler_lock import scheduler_holder

if TYPE_CHECKING:
    from crude_link.app import Loaded
    from crude_link.interfaces import Trigger
    from crude_link.model.firing import SchedulerRecord
    from crude_link.model.schedule import Schedule

#: Where a scheduler logs to, unless it is told otherwise.
DEFAULT_LOG = "crude-link.log"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of the schedule of a pipeline, and its trigger."""

    loaded: Loaded
    schedule: Schedule
    trigger: Trigger

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return self.loaded.pipeline.name

    @property
    def name(self) -> str:
        """What it is called in the ledger."""
        return self.schedule.entry

    @property
    def zone(self) -> tzinfo | None:
        """The zone of its slot times; None where it has none."""
        slot = self.trigger.next_after(_LONG_AGO)
        return slot.tzinfo if slot else None

    def slots(self, first: datetime, last: datetime | None = None) -> Iterator[datetime]:
        """Yield its slot times from one moment on, up to another, which may both be slot times."""
        slot = self.trigger.next_after(first - timedelta(microseconds=1))
        while slot is not None and (last is None or slot.astimezone(timezone.utc) <= last):
            yield slot
            slot = self.trigger.next_after(slot)


def entries_of(
    desk: Desk, files: Sequence[Path], names: Sequence[str] = (), *, fires_after: datetime | None = None
) -> list[Entry]:
    """Return all entries of the named pipelines, or of all. UsageError where there is none; ConfigError.

    An entry must fire after `fires_after`, by default this moment.
    """
    chosen = choose(desk, files, (), names, fires_after=fires_after)
    unscheduled = [each.pipeline.name for each in chosen if not each.pipeline.schedules]
    if unscheduled and (names or len(unscheduled) == len(chosen)):
        who, has = (", ".join(unscheduled), "has" if len(unscheduled) == 1 else "have")
        raise UsageError(f"{who} {has} no schedule; `cron:` or `schedule:` in the config gives one")
    return [
        Entry(loaded=each, schedule=schedule, trigger=trigger_for(schedule))
        for each in chosen
        for schedule in each.pipeline.schedules
    ]


def records_if_any(desk: Desk) -> Records | None:
    """Open the store of the project; None where nothing is recorded yet."""
    return open_records() if desk.project.database.exists() else None


def is_scheduling(records: Records | None) -> bool:
    """True while a scheduler works in this project."""
    return records is not None and scheduler_holder(records.project) is not None


def ended_schedules(records: Records | None) -> dict[str, str]:
    """Return the pipelines whose schedules the living scheduler has ended after a failure, and why."""
    if records is None or not is_scheduling(records):
        return {}
    scheduler, begun = records.store.schedulers.scheduler(), records.store.ledger.last(begun=True)
    return {
        name: firing.reason
        for name, firing in records.store.ledger.last(begun=False).items()
        if firing.reason.startswith(ENDED)
        and scheduler
        and firing.at >= scheduler.began
        and (name not in begun or begun[name].at < firing.at)
    }


def files_meant(records: Records | None, given: Sequence[Path]) -> tuple[Path, ...]:
    """Return the config files: those given, else those of a living scheduler, else `config.yaml`.

    Where that is not there, those of the last scheduler. UsageError where there was none.
    """
    scheduler = records.store.schedulers.scheduler() if records and not given else None
    followed = tuple(shown_path(Path(name)) for name in scheduler.config_files) if scheduler else ()
    if followed and is_scheduling(records):
        return followed
    try:
        return config_paths(given)
    except UsageError:
        if followed:
            return followed
        raise


def shown_path(path: Path) -> Path:
    """Return a path as it is named from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def start_command(scheduler: SchedulerRecord | None) -> str:
    """Return the command that starts a scheduler, the last one anew where there was one."""
    words = ["crude-link", "schedule", "start"]
    if scheduler:
        files = [str(shown_path(Path(name))) for name in scheduler.config_files]
        words += [word for name in files if files != [str(DEFAULT)] for word in ("-c", name)]
        log = str(shown_path(Path(scheduler.log_file))) if scheduler.log_file else DEFAULT_LOG
        words += ["-l", log] if log != DEFAULT_LOG else []
    return shlex.join(words)


def known_pipelines(records: Records) -> list[str]:
    """Return the pipelines that the ledger or a pause knows of."""
    pipelines = [pipeline for pipeline, _ in records.store.ledger.entries()]
    paused = [pause.pipeline for pause in records.store.schedulers.pauses()]
    return list(dict.fromkeys([*pipelines, *paused]))


def check_names(names: Iterable[str], known: Sequence[str], what: str) -> None:
    """UsageError, with what may have been meant, when one of the names is not known."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known) or 'none'}."
            raise UsageError(f"{what} {name!r}. {hint}")
