"""Months of schedules in the store: the ledger in SQLite keeps what the one in memory keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from fake_schedules import World
from hypothesis import given, settings
from schedule_months import ENDINGS, EVENTS, LASTS, SCHEDULES, check_ledger, live_through
from store_examples import new_run

from crude_link.model.firing import Firing
from crude_link.model.schedule import Schedule
from crude_link.model.status import Status
from crude_link.store.place import Project
from crude_link.store.sqlite_store import SqliteStore, open_store


class KeptLedger:
    """The ledger of a store, whose rows of runs come with them."""

    def __init__(self, store: SqliteStore) -> None:
        ledger = self._ledger = store.ledger
        self._store = store
        self.note, self.settle, self.settled = ledger.note, ledger.settle, ledger.settled
        self.firings, self.queued, self.withdraw = ledger.firings, ledger.queued, ledger.withdraw

    def begin(self, firing: Firing) -> None:
        self._store.runs.begin_run(replace(new_run(), firing=firing), None)


@settings(max_examples=15, deadline=None)
@given(schedule=SCHEDULES, events=EVENTS, lasts=LASTS, endings=ENDINGS)
def test_every_slot_time_has_exactly_one_fate_in_the_store_too(
    schedule: Schedule, events: Sequence[tuple[str, int]], lasts: timedelta, endings: list[Status]
) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder)
        with open_store(Project(directory=place, home=place / ".crude-link")) as store:
            world = World(schedule, lasts=lasts, look=timedelta(hours=1), ledger=KeptLedger(store))
            world.endings = list(endings)
            live_through(world, events)
            check_ledger(world)
