"""What the duty of schedules works with, and what it keeps at hand of the pipelines that it follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from crude_link.app import Loaded
from crude_link.interfaces import Clock, Ledger, Notifier, SchedulerBook, Trigger
from crude_link.model.firing import Fate, Firing
from crude_link.model.look import Look, Lookout
from crude_link.model.run import Run
from crude_link.model.schedule import Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A run that a slot time began."""

    run: Run
    firing: Firing
    #: How often it was worked on.
    sittings: int = 1


class Starter(Protocol):
    """Begins and ends the runs of schedules."""

    def begin(self, loaded: Loaded, schedule: Schedule, firing: Firing, look: int | None) -> Run:
        """Begin the run of a slot time, or for what a look found. CrudeLinkError when it cannot.

        Its row of the ledger, and that the look is answered, are written with it.
        """

    def resume(self, run: int) -> None:
        """Go on with a run that has failed or was lost. CrudeLinkError when it cannot."""

    def stop(self, run: int, reason: str) -> None:
        """Have a run stopped, ours or another process's; it ends later."""

    def going(self, pipeline: str) -> Sequence[int]:
        """Return the runs of a pipeline that somebody works on, whoever began them."""

    def left_behind(self, pipeline: str) -> Sequence[Begun]:
        """Return what earlier schedulers left: the lost runs of a pipeline, and its newest if that has failed."""

    def tidy(self, loaded: Loaded) -> None:
        """Remove what the pipeline's retention does not keep, of its runs and of its ledger."""


class Watch(Protocol):
    """The config files that are followed."""

    def pipelines(self) -> Sequence[Loaded]:
        """Return all pipelines of the files, as they are followed now."""

    def has_changed(self) -> bool:
        """Look at the files; True when what `pipelines` returns has changed. What is wrong with them is told."""


class Looker(Protocol):
    """Looks for new files, beside everything else: nothing of it waits."""

    @property
    def is_idle(self) -> bool:
        """True while nothing is looked at."""

    def is_looking(self, pipeline: str, schedule: Schedule) -> bool:
        """True while a look of this entry, as it is now, goes on."""

    def begin(self, loaded: Loaded, schedule: Schedule) -> None:
        """Begin to look for the new files of an entry."""

    def ended(self) -> Sequence[Look]:
        """Return the looks that have ended since the last call."""

    def close(self) -> None:
        """End all looks."""


class LookBook(Protocol):
    """How the looks go, over restarts."""

    def end_look(self, look: Look) -> Lookout:
        """Note how a look went; return how its entry stood before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DutyParts:
    """What the duty of schedules works with."""

    ledger: Ledger
    book: SchedulerBook
    starter: Starter
    watch: Watch
    clock: Clock
    notifier: Notifier
    make_trigger: Callable[[Schedule], Trigger]
    looker: Looker
    look_book: LookBook
    #: This often it looks at the config files, and for runs of others that stand in the way.
    look: timedelta = timedelta(seconds=3)


@dataclass(kw_only=True, slots=True, eq=False)
class FollowedEntry:
    """One entry of a pipeline's schedule. Its moments are in UTC."""

    pipeline: FollowedPipeline
    schedule: Schedule
    trigger: Trigger
    #: Up to when what became of its slot times is known; it goes back with the clock.
    settled: datetime
    #: No slot time after this one is in the ledger.
    newest: datetime
    next_slot: datetime | None = None
    #: The newest fate, and how many slot times in a row have had it.
    fate: Fate | None = None
    in_a_row: int = 0
    #: What was last told of its slot times, and when.
    told: tuple[Fate, str, datetime] | None = None

    @property
    def name(self) -> str:
        """What it goes by in the ledger."""
        return self.schedule.entry


@dataclass(kw_only=True, slots=True, eq=False)
class FollowedPipeline:
    """A pipeline with at least one entry."""

    loaded: Loaded
    entries: dict[str, FollowedEntry] = field(default_factory=dict)
    #: The slot times that wait, the earliest first.
    waiting: list[Firing] = field(default_factory=list)
    #: Its runs that wait until they are gone on with, and from when on that may be.
    retries: dict[int, datetime] = field(default_factory=dict)
    #: Failed runs in a row, since it was last paused.
    failures: int = 0
    #: Why its schedules have ended; empty while they have not.
    stopped: str = ""

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.loaded.pipeline.name

    @property
    def schedules(self) -> dict[str, Schedule]:
        """Its entries by name."""
        return {name: entry.schedule for name, entry in self.entries.items()}

    @property
    def next_slot(self) -> datetime | None:
        """The earliest of its next slot times."""
        return min((entry.next_slot for entry in self.entries.values() if entry.next_slot), default=None)

    @property
    def is_done(self) -> bool:
        """True when it begins nothing any more."""
        return not self.waiting and not self.retries and bool(self.stopped or self.next_slot is None)
