"""Removing runs: rows, then folders; never a live one; a crash in between leaves nothing for ever."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from store_values import NEW_RUN, NOON, SITTING, SUCCESS, attempt_of, store_at, task_end

from crude_link.app import remove_old_runs
from crude_link.errors import StoreError, UnknownRun
from crude_link.model.policy import Retention
from crude_link.model.run import AttemptKey, Decision, Findings, NewRequest, Output, RequestKind, Verdict
from crude_link.model.status import Status
from crude_link.model.task import TaskCounts
from crude_link.store import SqliteStore, database
from crude_link.store.retention import doomed


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with store_at(tmp_path) as store:
        yield store


def finished(store: SqliteStore) -> int:
    run = store.runs.begin_run(NEW_RUN, SITTING).id
    with store.locks.hold(run):
        attempt = attempt_of(run)
        store.attempts.begin_attempt(attempt)
        findings = Findings(metrics={"loss": 1}, outputs=(Output(path="m", size=1),))
        store.attempts.end_attempt(attempt.key, SUCCESS, findings)
        store.attempts.decide(run, Decision(verdict=Verdict.SKIP, at=NOON, by="ada"))
        store.states.ask(NewRequest(run=run, kind=RequestKind.STOP, by="ada", at=NOON))
        store.logs.place(attempt.key).stdout.write_bytes(b"x" * 100_000)
        store.runs.end_sitting(run, Status.SUCCEEDED, "", NOON)
    return run


def test_a_removed_run_leaves_no_trace_and_its_id_is_not_given_again(store: SqliteStore) -> None:
    keep, run = finished(store), finished(store)
    assert store.removal.remove_run(run)
    assert not store.files.folder(run).exists()
    assert [each.id for each in store.history.runs()] == [keep]
    assert list(store.attempts.attempts(run)) == []
    assert store.attempts.findings(run) == {}
    assert store.states.requests([run]) == []
    assert not store.removal.remove_run(run)
    assert list(store.files.folder(run).parent.iterdir()) == [store.files.folder(keep)]
    assert store.runs.begin_run(NEW_RUN, None).id == run + 1


def test_a_fan_out_goes_with_its_run_and_no_other_does(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PIECE", 7)  # more than one piece, and one that is just full
    keep, run = finished(store), finished(store)
    for each in (keep, run):
        key = AttemptKey(each, "train", 0, 1)
        store.tasks.begin_fan(key, "source")
        store.tasks.end_tasks(key, [task_end(task, 0 if task % 2 else 1) for task in range(1, 29)])
    assert store.removal.remove_run(run)
    with sqlite3.connect(tmp_path / ".crude-link" / "crude-link.db") as connection:
        rows = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("fans", "tasks", "task_words", "task_blocks", "fan_archives")
        ]
    connection.close()
    assert rows == [1, 28, 14, 1, 1]
    assert store.tasks.counts(keep, "train") == TaskCounts(succeeded=14, failed=14)
    assert store.tasks.counts(run, "train") == TaskCounts()


def test_a_live_run_is_not_removed(store: SqliteStore, tmp_path: Path) -> None:
    run = store.runs.begin_run(NEW_RUN, SITTING).id
    with store_at(tmp_path) as other:
        assert not other.removal.remove_run(run)
    assert store.runs.run(run).status is Status.RUNNING
    assert store.files.folder(run).is_dir()


def test_a_lost_run_can_be_removed(store: SqliteStore, tmp_path: Path) -> None:
    with store_at(tmp_path) as other:
        run = other.runs.begin_run(NEW_RUN, SITTING).id
    assert store.removal.remove_run(run)


def test_a_folder_that_could_not_be_removed_is_swept_later(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(store)

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(StoreError, match="no permission"):
        store.removal.remove_run(run)
    monkeypatch.undo()
    assert store.history.runs() == []
    with pytest.raises(UnknownRun), store.locks.hold(run):
        pass  # half gone: nobody may go on with it
    assert store.removal.sweep() == 1
    assert list(store.files.folder(run).parent.iterdir()) == []
    assert store.removal.sweep() == 0


def test_several_processes_that_tidy_at_once_remove_each_run_once(store: SqliteStore, tmp_path: Path) -> None:
    runs = [finished(store) for _ in range(20)]
    removed: list[int] = []

    def tidy() -> None:
        with store_at(tmp_path) as other:
            removed.extend([run for run in runs if other.removal.remove_run(run)])
            other.removal.sweep()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(tidy) for _ in range(4)]:
            future.result()
    assert sorted(removed) == runs
    assert store.history.runs() == []
    assert list(store.files.folder(1).parent.iterdir()) == []


def test_what_cannot_be_removed_is_a_warning_to_whoever_tidies_by_the_way(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        finished(store)

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("shutil.rmtree", refuse)
    warnings: list[str] = []
    policy = Retention(runs=0)
    remove_old_runs(store, "cells", policy, NOON, warn=warnings.append)
    assert len(warnings) == 1
    assert "old runs of cells" in warnings[0]
    assert "no permission" in warnings[0]


def test_a_policy_of_very_many_days_keeps_everything(store: SqliteStore) -> None:
    for _ in range(2):
        finished(store)
    runs = store.removal.sizes(measure=False)
    assert doomed(runs, Retention(days=1e15), NOON + timedelta(days=1)) == []


def test_a_run_whose_folder_is_gone_can_be_removed(store: SqliteStore) -> None:
    run = finished(store)
    store.files.remove(run)
    assert store.removal.remove_run(run)
    assert store.history.runs() == []


def test_sizes_tell_what_a_run_takes(store: SqliteStore) -> None:
    run = finished(store)
    (measured,) = store.removal.sizes("cells", measure=True)
    assert measured.run.id == run
    assert 100_000 <= measured.size_bytes < 300_000
    assert store.removal.sizes(measure=False)[0].size_bytes == 0
    assert store.removal.sizes("other", measure=True) == []


def test_every_config_that_a_run_followed_is_kept(store: SqliteStore) -> None:
    run = store.runs.begin_run(NEW_RUN, None).id
    store.runs.adopt_document(run, "second", {"n": 2}, ("train",), {"${x}": 1})
    store.runs.adopt_document(run, "third", {"n": 3}, ("train",), {"${x}": 2})
    assert store.history.document(run) == ("third", {"n": 3}, {"${x}": 2})
    folder = store.files.folder(run)
    assert [(folder / name).read_text() for name in ("config.yaml", "config-2.yaml", "config-3.yaml")] == [
        NEW_RUN.config_text,
        "second",
        "third",
    ]
