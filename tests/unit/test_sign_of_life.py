"""The scheduler's sign of life, when its store cannot take it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from fake_schedules import MemoryBook
from fakes import NOON, FakeClock

from crude_link.errors import DiskFull, StoreError, StoreGone
from crude_link.model.firing import SchedulerRecord
from crude_link.scheduling.service import SignOfLife

RECORD = SchedulerRecord(host="thor", pid=1, began=NOON, seen=NOON, config_files=())


@dataclass
class BrokenBook(MemoryBook):
    """A store that fails."""

    error: StoreError | None = None

    def record(self, scheduler: SchedulerRecord) -> None:
        if self.error:
            raise self.error
        super().record(scheduler)


def test_a_full_disk_ends_no_scheduler() -> None:
    clock, book = FakeClock(), BrokenBook(error=DiskFull("full"))
    sign = SignOfLife(book, clock, RECORD)
    sign.act()
    clock.pass_time(timedelta(minutes=1))
    book.error = None
    sign.act()
    assert book.newest
    assert book.newest.seen == clock.now()


def test_a_store_that_was_removed_ends_the_scheduler_for_nothing_of_it_is_kept_any_more() -> None:
    sign = SignOfLife(BrokenBook(error=StoreGone("removed")), FakeClock(), RECORD)
    with pytest.raises(StoreGone):
        sign.act()
