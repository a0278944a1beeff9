"""Schedules that look for new files, as processes: folders, a real store, kill -9, and stores that fail or hang."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from acceptance.starting import Folder, wait_until
from store_servers import Server, s3_client, s3_server

from crude_link.model.firing import Fate, Firing
from crude_link.store.place import Project
from crude_link.store.sqlite_store import open_store

STEP = "steps: [{name: work, command: echo $CRUDE_LINK_RUN >> runs}]\n"
SECRET = "not-for-any-log"


def rows(folder: Folder) -> Sequence[Firing]:
    """The ledger, the earliest first; none where there is no store yet."""
    project = Project(directory=folder.directory, home=folder.home)
    if not project.database.exists():
        return []
    with open_store(project, create=False) as store:
        return store.ledger.firings()[::-1]


def reasons(folder: Folder) -> list[str]:
    return [row.reason for row in rows(folder) if row.run]


def looks(folder: Folder) -> list[dict[str, object]]:
    """How the looks go, by `schedule status`."""
    (pipeline,) = folder.json("schedule", "status")["pipelines"]
    found: list[dict[str, object]] = pipeline["looks"]
    return found


def put(folder: Folder, name: str, text: str = "content") -> Path:
    """Put a file there that is old enough to be whole."""
    path = folder.write(name, text)
    long_ago = time.time() - timedelta(hours=1).total_seconds()
    os.utime(path, (long_ago, long_ago))
    return path


def test_a_run_begins_when_files_are_new_or_have_changed_and_says_which(folder: Folder) -> None:
    put(folder, "in/a.txt")
    put(folder, "in/b.tmp")
    folder.config("schedule: {new_files: in, every: 1s, exclude: '*.tmp'}\n" + STEP)
    folder.start("--non-interactive")
    wait_until(lambda: reasons(folder) == ["1 new file: a.txt"], "the first run")
    put(folder, "in/more/c.txt")
    wait_until(lambda: len(reasons(folder)) == 2, "the second run")
    put(folder, "in/a.txt", "other")
    wait_until(lambda: len(reasons(folder)) == 3, "the third run")
    assert reasons(folder)[1:] == ["1 new file: more/c.txt", "1 new file: a.txt"]

    before = looks(folder)[0]["looked"]
    wait_until(lambda: looks(folder)[0]["looked"] != before, "a look that finds nothing new")
    assert len(rows(folder)) == 3
    (standing,) = looks(folder)
    assert (standing["files"], standing["new"], standing["problem"]) == (2, 0, "")
    assert "new files in in`: 1 new file: a.txt" in folder.run("show", "3").out
    assert "2 files, none of them new" in folder.run("schedule", "status").out
    assert "looks every 1s for new files in in" in folder.run("schedule", "next").out
    refused = folder.run("schedule", "backfill", "--from", "2026-01-01")
    assert (refused.status, "there is nothing to back-fill" in refused.err) == (2, True)


def test_killed_at_any_moment_it_forgets_no_file_and_begins_no_two_runs_for_one(folder: Folder) -> None:
    folder.config("schedule: {new_files: in, every: 1s, overlap: allow}\n" + STEP)
    moments = random.Random(5)
    names = [f"{number:02}.txt" for number in range(16)]

    def counted() -> int:
        return sum(int(why.split()[0]) for why in reasons(folder))

    for first, second in zip(names[::2], names[1::2], strict=True):
        put(folder, f"in/{first}")
        put(folder, f"in/{second}")
        begun = folder.start("--non-interactive", "--log-file", f"{first}.log")
        folder.wait_for_text(f"{first}.log", "looks every 1s")
        time.sleep(moments.uniform(0, 1.2))  # to meet another moment each time, not to wait for anything
        begun.send_signal(signal.SIGKILL)
        begun.wait()
    folder.wait_for_nobody()
    folder.start("--non-interactive", "--log-file", "last.log")
    folder.wait_for_text("last.log", "looks every 1s")
    wait_until(lambda: counted() >= len(names), "runs for all files")
    before = looks(folder)[0]["looked"]
    wait_until(lambda: looks(folder)[0]["looked"] != before, "one look more")

    assert counted() == len(names)
    named = Counter(name for why in reasons(folder) for name in names if name in why)
    assert set(named.values()) == {1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_scheduler_takes_its_looks_along_however_it_ends(folder: Folder, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        begun = _looking_at_nobody(folder, deaf.getsockname()[1])
        wait_until(lambda: any("looking.program" in each.command for each in folder.living()), "a look")
        begun.send_signal(number)
        assert begun.wait() == (143 if number is signal.SIGTERM else -number)
        folder.wait_for_nobody()


def test_a_store_that_does_not_answer_holds_up_no_other_schedule(folder: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        _looking_at_nobody(folder, deaf.getsockname()[1])
        wait_until(lambda: sum(row.count for row in rows(folder)) >= 4, "four slot times")
    assert {row.entry for row in rows(folder)} == {"tick"}
    assert {row.fate for row in rows(folder)} == {Fate.RAN}
    assert all(row.at - row.slot_time < timedelta(seconds=5) for row in rows(folder))


def _looking_at_nobody(folder: Folder, port: int) -> subprocess.Popen[str]:
    folder.config(
        f"storage: {{s3: {{endpoint: 'http://127.0.0.1:{port}', access_key_id: a, secret_access_key: b}}}}\n"
        "schedule: [{new_files: s3://team/in, every: 1s}, {name: tick, every: 1s}]\n" + STEP
    )
    return folder.start("--non-interactive")


def test_pipelines_that_watch_one_place_each_begin_a_run_and_follow_what_the_config_says(folder: Folder) -> None:
    put(folder, "in/a.txt")
    put(folder, "other/b.txt")
    for name in ("one", "two"):
        folder.write(f"{name}.yaml", f"name: {name}\nschedule: {{new_files: in, every: 1h}}\n" + STEP)
    folder.start("-n", "-c", "one.yaml", "-c", "two.yaml")
    wait_until(lambda: len(reasons(folder)) == 2, "two runs")
    assert {(row.pipeline, row.reason) for row in rows(folder)} == {
        ("one", "1 new file: a.txt"),
        ("two", "1 new file: a.txt"),
    }
    folder.write("two.yaml", "name: two\nschedule: {new_files: [in, other], every: 1h, name: both}\n" + STEP)
    wait_until(lambda: len(reasons(folder)) == 3, "a run of the new entry")
    assert reasons(folder)[-1] == "2 new files: a.txt, b.txt"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as made:
        yield made


def test_a_bucket_that_is_not_there_is_told_once_and_its_files_are_found_when_it_is(
    folder: Folder, server: Server
) -> None:
    bucket = f"b{random.getrandbits(40):x}"
    folder.config(
        f"secrets: [STORE_KEY]\nname: scans\n"
        f"storage: {{s3: {{endpoint: '{server.endpoint}', access_key_id: key, region: us-east-1, "
        "secret_access_key: '${secrets.STORE_KEY}'}}\n"
        f"schedule: {{new_files: 's3://{bucket}/in', every: 1s}}\n"
        f"download: {{from: 's3://{bucket}/in', to: in, only: new}}\n" + STEP
    )
    folder.start("--non-interactive", env={"STORE_KEY": SECRET})
    wait_until(lambda: rows(folder) and int(str(looks(folder)[0]["failures"])) >= 3, "three looks that failed")
    (failed,) = rows(folder)
    assert failed.fate is Fate.FAILED
    assert f"there is no bucket s3://{bucket}" in failed.reason
    assert "cannot look since" in folder.run("schedule", "status").out
    assert folder.read("crude-link.log").count(f"there is no bucket s3://{bucket}") == 1

    client = s3_client(server.endpoint)
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="in/a.tif", Body=b"a")
    client.put_object(Bucket=bucket, Key="in/b.tif", Body=b"b")
    wait_until(lambda: folder.read("runs"), "a run")
    assert "scans: looks for new files in s3://" in folder.read("crude-link.log")
    assert " again, after " in folder.read("crude-link.log")
    client.put_object(Bucket=bucket, Key="in/a.tif", Body=b"another a")
    wait_until(lambda: len(folder.read("runs").split()) >= 2, "a run for what was overwritten")
    assert reasons(folder)[-1] == "1 new file: a.tif"
    kept = [path for path in folder.home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert kept == []
    assert SECRET not in folder.read("crude-link.log")
