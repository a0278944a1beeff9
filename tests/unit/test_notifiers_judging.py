"""What of all that happens is worth waking somebody for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from crude_link.model.alert import AlertKind, Plight, Trouble
from crude_link.model.status import Status
from crude_link.notifiers.judging import judge_end, judge_missed, judge_skipped, slow_after

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)


def trouble(plight: Plight = Plight.FAILING, told: datetime = NOON, count: int = 1) -> Trouble:
    return Trouble(plight=plight, since=NOON, told=told, count=count)


@pytest.mark.parametrize(
    ("status", "before", "after", "kind"),
    [
        (Status.SUCCEEDED, None, 0 * DAY, None),
        (Status.FAILED, None, 0 * DAY, AlertKind.FAILED),
        (Status.LOST, None, 0 * DAY, AlertKind.FAILED),
        (Status.FAILED, trouble(), HOUR, None),
        (Status.FAILED, trouble(), DAY - MINUTE, None),
        (Status.FAILED, trouble(), DAY, AlertKind.STILL_FAILING),
        (Status.FAILED, trouble(), -DAY, AlertKind.STILL_FAILING),
        (Status.SUCCEEDED, trouble(), HOUR, AlertKind.RECOVERED),
        (Status.SUCCEEDED, trouble(), 400 * DAY, AlertKind.RECOVERED),
        (Status.CANCELLED, None, HOUR, None),
        (Status.CANCELLED, trouble(), 2 * DAY, None),
    ],
)
def test_the_end_of_a_run_is_told_when_it_changes_something_or_once_a_day(
    status: Status, before: Trouble | None, after: timedelta, kind: AlertKind | None
) -> None:
    assert judge_end(status, before, NOON + after).kind is kind


def test_failures_are_counted_also_when_nobody_is_told() -> None:
    first = judge_end(Status.FAILED, None, NOON)
    assert first.trouble == trouble()
    second = judge_end(Status.FAILED, first.trouble, NOON + HOUR)
    assert second.trouble == trouble(count=2)
    third = judge_end(Status.FAILED, second.trouble, NOON + DAY)
    assert third.trouble == trouble(told=NOON + DAY, count=3)
    assert judge_end(Status.SUCCEEDED, third.trouble, NOON + DAY).trouble is None


def test_a_cancelled_run_leaves_the_trouble_as_it_is() -> None:
    assert judge_end(Status.CANCELLED, trouble(), NOON + DAY).trouble == trouble()


def test_slot_times_that_were_missed_are_told_once_a_day() -> None:
    first = judge_missed(8, None, NOON)
    assert first.kind is AlertKind.DID_NOT_RUN
    assert first.trouble == trouble(Plight.MISSING, count=8)
    assert judge_missed(3, first.trouble, NOON + HOUR) == (None, trouble(Plight.MISSING, count=11))
    assert judge_missed(3, first.trouble, NOON + DAY).kind is AlertKind.DID_NOT_RUN


@pytest.mark.parametrize(
    ("in_a_row", "before", "after", "kind"),
    [
        (1, None, HOUR, None),
        (9, None, HOUR, None),
        (10, None, HOUR, AlertKind.DID_NOT_RUN),
        (11, trouble(Plight.SKIPPING), HOUR, None),
        (500, trouble(Plight.SKIPPING), DAY, AlertKind.DID_NOT_RUN),
        (1, trouble(Plight.SKIPPING), HOUR, None),
    ],
)
def test_the_tenth_skipped_slot_in_a_row_is_told(
    in_a_row: int, before: Trouble | None, after: timedelta, kind: AlertKind | None
) -> None:
    assert judge_skipped(in_a_row, before, NOON + after).kind is kind


def test_a_new_row_of_skipped_slots_is_another_trouble() -> None:
    assert judge_skipped(1, trouble(Plight.SKIPPING), NOON).trouble is None


@pytest.mark.parametrize(
    ("minutes", "limit"),
    [
        ([], None),
        ([1, 1], None),
        ([1, 1, 1], 11),
        ([1, 2, 60], 12),
        ([5, 5, 5], 15),
        ([60, 60, 60, 600], 180),
    ],
)
def test_a_run_is_slow_after_three_times_the_usual_and_ten_minutes_more(
    minutes: list[int], limit: int | None
) -> None:
    found = slow_after([each * MINUTE for each in minutes])
    assert found == (None if limit is None else limit * MINUTE)
