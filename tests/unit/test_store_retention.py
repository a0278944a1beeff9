"""Which runs a retention dooms."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from crude_link.model.policy import Retention
from crude_link.model.run import Origin, Run
from crude_link.model.status import Status
from crude_link.store.retention import RunSize, doomed

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


def a_run(
    run: int,
    *,
    days_old: float = 0,
    status: Status = Status.SUCCEEDED,
    origin: Origin = Origin.PERSON,
    size: int = 0,
) -> RunSize:
    began = NOW - timedelta(days=days_old)
    return RunSize(
        run=Run(id=run, pipeline="p", origin=origin, status=status, began=began, ended=began), size_bytes=size
    )


def test_the_newest_runs_are_kept_by_count() -> None:
    assert doomed([a_run(n) for n in range(1, 6)], Retention(runs=2), NOW) == [1, 2, 3]


def test_failed_runs_neither_count_nor_go_by_count() -> None:
    runs = [a_run(1), a_run(2), a_run(3, status=Status.FAILED), a_run(4, status=Status.LOST), a_run(5)]
    assert doomed(runs, Retention(runs=1), NOW) == [1, 2]


def test_failed_runs_go_at_their_own_age() -> None:
    runs = [a_run(1, days_old=91, status=Status.FAILED), a_run(2, days_old=89, status=Status.FAILED), a_run(3)]
    assert doomed(runs, Retention(runs=500, failed_days=90), NOW) == [1]


def test_any_run_goes_at_the_age_of_days() -> None:
    runs = [a_run(1, days_old=31), a_run(2, days_old=31, status=Status.FAILED), a_run(3, days_old=29), a_run(4)]
    assert doomed(runs, Retention(days=30), NOW) == [1, 2]


def test_the_oldest_go_until_the_rest_fits_the_size() -> None:
    runs = [a_run(n, size=10) for n in range(1, 6)]
    assert doomed(runs, Retention(size_bytes=29), NOW) == [1, 2, 3]
    assert doomed(runs, Retention(size_bytes=50), NOW) == []


def test_runs_that_go_anyhow_do_not_count_for_the_size() -> None:
    runs = [a_run(n, size=10) for n in range(1, 6)]
    assert doomed(runs, Retention(runs=3, size_bytes=30), NOW) == [1, 2]


def test_a_live_run_is_never_doomed() -> None:
    runs = [
        a_run(1, days_old=99, status=Status.RUNNING, size=99),
        a_run(2, days_old=99, status=Status.WAITING, size=99),
        a_run(3),
    ]
    assert doomed(runs, Retention(runs=0, days=1, size_bytes=1), NOW) == []


def test_the_newest_run_is_never_doomed() -> None:
    assert doomed([a_run(1), a_run(2, days_old=9, size=99)], Retention(runs=0, days=1, size_bytes=1), NOW) == [1]


def test_without_a_policy_only_runs_of_a_schedule_go() -> None:
    by_hand = [a_run(n, days_old=999) for n in range(1, 1001)]
    scheduled = [a_run(n, days_old=999, origin=Origin.SCHEDULE) for n in range(1001, 1503)]
    assert doomed(by_hand + scheduled, None, NOW) == [1001, 1002]


def test_no_limits_keep_everything() -> None:
    runs = [a_run(n, days_old=9999, status=status) for n, status in enumerate(Status, 1)]
    assert doomed(runs, Retention(), NOW) == []
    assert doomed([], Retention(runs=0), NOW) == []
