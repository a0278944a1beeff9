"""Locks between processes: they die with their owners and nothing else frees them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from store_values import HERE, NEW_RUN, PYTHON, SITTING, store_at

from crude_link.errors import RunIsHeld, SchedulerRuns, UnknownRun
from crude_link.model.status import Status
from crude_link.store import SqliteStore, place
from crude_link.store.scheduler_lock import scheduler_holder, scheduler_lock

HOLDER = """
import sys
from store_values import NEW_RUN, SITTING, store_at
store = store_at(sys.argv[1])
run = store.runs.begin_run(NEW_RUN, SITTING).id
with store.locks.hold(run):
    print(run, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with store_at(tmp_path) as store:
        yield store


@contextmanager
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a process that begins a run and holds it; gives the run."""
    process = subprocess.Popen(
        [*PYTHON, HOLDER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": HERE},
        text=True,
    )
    with process:
        try:
            assert process.stdout
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def agent_of(store: SqliteStore, run: int) -> Iterator[None]:
    """Hold the second lock as an agent does."""
    lock = os.open(store.files.agent_lock(run), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)


def test_a_killed_holder_leaves_a_lost_run_that_can_be_held(store: SqliteStore, tmp_path: Path) -> None:
    with holder(tmp_path) as (process, run):
        assert store.runs.run(run).status is Status.RUNNING
        assert (store.locks.holder(run) or "").startswith(f"pid {process.pid} on {os.uname().nodename} since 2")
        with pytest.raises(RunIsHeld, match=f"pid {process.pid}"), store.locks.hold(run):
            pass
        process.kill()
        process.wait()
        assert store.locks.holder(run) is None
        assert store.runs.run(run).status is Status.LOST
        with store.locks.hold(run):
            assert store.runs.run(run).status is Status.RUNNING


def test_a_run_is_not_lost_while_its_agent_ends_the_steps(store: SqliteStore, tmp_path: Path) -> None:
    with holder(tmp_path) as (process, run):
        with agent_of(store, run):
            process.kill()
            process.wait()
            assert store.locks.is_held(run)
            assert store.runs.run(run).status is Status.RUNNING
            assert "agent" in (store.locks.holder(run) or "")
            with store.locks.hold(run):
                pass
        assert store.runs.run(run).status is Status.LOST


def test_a_run_of_a_host_whose_locks_cannot_be_seen_is_not_called_lost(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_at(tmp_path) as other:
        run = other.runs.begin_run(NEW_RUN, replace(SITTING, host="thor")).id
    assert store.runs.run(run).status is Status.LOST
    monkeypatch.setattr(place, "_LOCAL", set())
    seen = store.runs.run(run)
    assert seen.status is Status.RUNNING
    assert seen.reason.startswith("on host thor")


def test_those_who_look_keep_nobody_from_holding(store: SqliteStore, tmp_path: Path) -> None:
    run = store.runs.begin_run(NEW_RUN, None).id
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            store.locks.is_held(run)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            with store.locks.hold(run):
                pass
    finally:
        done.set()
        for looker in lookers:
            looker.join()


def test_a_run_without_a_folder_cannot_be_held(store: SqliteStore) -> None:
    with pytest.raises(UnknownRun, match="no folder"), store.locks.hold(99):
        pass
    assert not store.locks.is_held(99)


def test_a_lock_file_without_words_is_still_a_lock(store: SqliteStore) -> None:
    run = store.runs.begin_run(NEW_RUN, SITTING).id
    with store.locks.hold(run):
        store.files.lock(run).write_bytes(b"")
        assert store.locks.holder(run) == "a process that did not say its name"


def test_those_who_look_keep_no_scheduler_from_starting(store: SqliteStore) -> None:
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            scheduler_holder(store.project)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            with scheduler_lock(store.project):
                assert scheduler_holder(store.project)
    finally:
        done.set()
        for looker in lookers:
            looker.join()
    assert scheduler_holder(store.project) is None


def test_a_second_scheduler_is_told_who_is_there(store: SqliteStore) -> None:
    with (
        scheduler_lock(store.project),
        pytest.raises(SchedulerRuns, match=f"already: pid {os.getpid()} on "),
        scheduler_lock(store.project),
    ):
        pass
