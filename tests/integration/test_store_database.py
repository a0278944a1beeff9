"""The database in good and in bad times: made, shared, read-only, newer, damaged, full, gone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from store_values import HERE, NEW_RUN, NOON, PYTHON, SITTING, SUCCESS, attempt_of, project_at, store_at, task_end

from crude_link.errors import DiskFull, StoreDamaged, StoreError, StoreTooNew, UsageError
from crude_link.model.run import AttemptKey, Findings
from crude_link.model.status import Status
from crude_link.store import Project, SqliteStore, open_store, place
from crude_link.store.queries import migrations_after, newest_version, queries

ENVIRONMENT = {**os.environ, "PYTHONPATH": HERE}


def finished_run(folder: Path) -> int:
    """Record a run that is over, and leave the store."""
    with store_at(folder) as store:
        run = store.runs.begin_run(NEW_RUN, SITTING).id
        with store.locks.hold(run):
            store.runs.end_sitting(run, Status.SUCCEEDED, "", NOON)
    return run


def files_in(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Callable[[str], None]]:
    """Mount a tmpfs at `folder`; gives a function that mounts it anew with other options."""
    folder.mkdir(exist_ok=True)
    if not shutil.which("mount") or os.getuid() != 0:
        pytest.skip("only root can mount")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode()}")
    try:
        yield lambda other: void(subprocess.run(["mount", "-o", f"remount,{other}", folder], check=True))
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def work_for_ever(store: SqliteStore, run: int, ended: list[int]) -> None:
    for number in count(1):
        attempt = attempt_of(run, number)
        store.attempts.begin_attempt(attempt)
        assert store.attempts.end_attempt(attempt.key, SUCCESS, Findings(metrics={"loss": 1}))
        ended.append(number)


def void(_: object) -> None:
    """Forget a value."""


def test_a_new_store_is_private_and_stays_out_of_the_repository(tmp_path: Path) -> None:
    store_at(tmp_path).close()
    home = tmp_path / ".crude-link"
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in home.iterdir()) == [".gitignore", "crude-link.db", "runs"]


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_store_in_a_folder_that_was_there_before_is_private_too(tmp_path: Path, by_variable: bool) -> None:
    name = "shared" if by_variable else ".crude-link"
    home = tmp_path / name
    home.mkdir()
    home.chmod(0o755)
    with open_store(Project(directory=tmp_path, home=home)) as store:
        store.runs.begin_run(NEW_RUN, None)
        modes = {path.name: path.stat().st_mode & 0o077 for path in home.iterdir() if path.name != ".gitignore"}
    assert modes == dict.fromkeys(("crude-link.db", "crude-link.db-shm", "crude-link.db-wal", "runs"), 0)
    assert home.stat().st_mode & 0o777 == (0o755 if by_variable else 0o700)


def test_who_only_looks_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no runs here yet"):
        open_store(project_at(tmp_path), create=False)
    assert list(tmp_path.iterdir()) == []


def test_looking_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    before = files_in(tmp_path)
    with open_store(project_at(tmp_path), create=False) as store:
        assert store.history.runs()[0].id == run
        assert store.states.states(run)
        assert store.history.document(run)
    after = files_in(tmp_path)
    # A log beside the database comes and goes within the folder.
    home = str(tmp_path / ".crude-link")
    assert {path: at for path, at in after.items() if path != home} == {
        path: at for path, at in before.items() if path != home
    }


def test_a_store_on_a_read_only_disk_can_be_looked_at(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=4m") as remount:
        run = finished_run(tmp_path / "disk")
        remount("ro")
        with open_store(project_at(tmp_path / "disk"), create=False) as store:
            assert store.runs.run(run).status is Status.SUCCEEDED
            with pytest.raises(StoreError, match="cannot be written"):
                store.runs.begin_run(NEW_RUN, None)
            remount("rw")
            other = finished_run(tmp_path / "disk")
            assert [each.id for each in store.history.runs()] == [other, run]


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without any rights for a while."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_who_may_only_read_can_look(open_folder: Path) -> None:
    run = finished_run(open_folder)
    home = project_at(open_folder).home
    home.chmod(0o755)
    with nobody(), pytest.raises(StoreError, match="cannot be read: no permission"):
        open_store(project_at(open_folder), create=False)
    project_at(open_folder).database.chmod(0o644)
    with nobody(), open_store(project_at(open_folder), create=False) as store:
        assert [each.id for each in store.history.runs()] == [run]
        with pytest.raises(StoreError, match="cannot be written: no permission"):
            store.runs.begin_run(NEW_RUN, None)
    assert sorted(path.name for path in home.iterdir()) == [".gitignore", "crude-link.db", "runs"]
    with store_at(open_folder) as working:
        new = working.runs.begin_run(NEW_RUN, SITTING).id
        with nobody(), open_store(project_at(open_folder), create=False) as store:
            assert [each.id for each in store.history.runs()] == [new, run]


@pytest.mark.parametrize("create", [True, False])
def test_a_store_that_may_not_be_seen_is_an_error_in_words(open_folder: Path, create: bool) -> None:
    finished_run(open_folder)
    with nobody(), pytest.raises(StoreError, match="no permission"):
        open_store(project_at(open_folder), create=create)


def test_a_folder_that_may_not_be_written_is_an_error_in_words(open_folder: Path) -> None:
    with nobody(), pytest.raises(StoreError, match="no permission"):
        store_at(open_folder)


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_NETWORK", {place.file_system(tmp_path)})
    with pytest.raises(StoreError, match="Set CRUDE_LINK_HOME"):
        store_at(tmp_path)


def test_a_store_of_a_newer_crude_link_is_not_touched(tmp_path: Path) -> None:
    finished_run(tmp_path)
    path = project_at(tmp_path).database
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newest_version() + 1}")
    connection.close()
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(StoreTooNew, match="update crude-link"):
            open_store(project_at(tmp_path), create=create)
    assert path.read_bytes() == before


def test_a_store_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    path = project_at(tmp_path).database
    _as_the_first_version_had_it(path)
    with store_at(tmp_path) as store, store_at(tmp_path) as other:
        assert store.runs.run(run).status is Status.SUCCEEDED
        key = AttemptKey(store.runs.begin_run(NEW_RUN, SITTING).id, "train", 0, 1)
        assert key.run == run + 1
        store.tasks.begin_fan(key, "source")
        other.tasks.end_tasks(key, [task_end(1)])
        assert 1 in store.tasks.begin_fan(key._replace(number=2), "source").done
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == newest_version()
    connection.close()


@pytest.mark.parametrize("damage", [b"not a database at all, but long enough to look like one" * 100, b"short"])
def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path, damage: bytes) -> None:
    finished_run(tmp_path)
    path = project_at(tmp_path).database
    path.write_bytes(damage)
    with pytest.raises(StoreDamaged, match=r"crude-link\.db is damaged .* Move it aside"):
        store_at(tmp_path)
    assert path.read_bytes() == damage


def test_damage_within_the_database_is_named(tmp_path: Path) -> None:
    with store_at(tmp_path) as store:
        for _ in range(50):
            store.runs.begin_run(NEW_RUN, None)
    path = project_at(tmp_path).database
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="malformed"), store_at(tmp_path) as store:
        store.history.runs()


def test_after_a_damaged_store_was_moved_aside_old_folders_stay_and_ids_go_on(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    project = project_at(tmp_path)
    log = project.runs / str(run) / "steps" / "train" / "1.stdout"
    log.parent.mkdir()
    log.write_text("precious")
    project.database.rename(tmp_path / "aside.db")
    with store_at(tmp_path) as store:
        assert store.runs.begin_run(NEW_RUN, None).id == run + 1
        assert store.removal.sweep() == 0
    assert log.read_text() == "precious"


def test_a_folder_that_an_older_copy_of_the_store_does_not_know_is_put_aside(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    used = project_at(tmp_path).runs / "1" / "files"
    used.mkdir(parents=True)
    (used / "model.pt").write_text("precious")
    assert store.runs.begin_run(NEW_RUN, None).id == 1
    assert list(used.iterdir()) == []
    assert (used.parent.with_name("1.old-1") / "files" / "model.pt").read_text() == "precious"
    store.close()


def test_a_store_that_was_removed_while_in_use_is_missed(tmp_path: Path) -> None:
    with store_at(tmp_path) as store:
        run = store.runs.begin_run(NEW_RUN, SITTING).id
        shutil.rmtree(tmp_path / ".crude-link")
        with pytest.raises(StoreError, match="removed or replaced"):
            store.attempts.begin_attempt(attempt_of(run))


def test_a_run_whose_folder_was_removed_says_so_when_it_is_resumed(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    shutil.rmtree(tmp_path / ".crude-link" / "runs")
    with store_at(tmp_path) as store:
        assert store.runs.run(run).status is Status.SUCCEEDED
        assert list(store.logs.lines(attempt_of(run).key)) == []
        with pytest.raises(StoreError, match=r"runs/1/config\.yaml"):
            store.history.document(run)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=1m"):
        store = store_at(tmp_path / "disk")
        run = store.runs.begin_run(NEW_RUN, SITTING).id
        filler = tmp_path / "disk" / "filler"
        with pytest.raises(OSError, match="No space"):
            fill_up(filler)
        ended: list[int] = []
        with pytest.raises(DiskFull, match="make room"):
            work_for_ever(store, run, ended)
        with pytest.raises(DiskFull):
            store.runs.begin_run(NEW_RUN, None)
        assert sum(attempt.outcome is not None for attempt in store.attempts.attempts(run)) == len(ended)
        filler.unlink()
        assert store.runs.begin_run(NEW_RUN, None).id == run + 1
        store.close()
        with store_at(tmp_path / "disk") as again:
            assert sum(attempt.outcome is not None for attempt in again.attempts.attempts(run)) == len(ended)


def test_no_error_of_sqlite_gets_out(tmp_path: Path) -> None:
    with store_at(tmp_path) as store:
        run = store.runs.begin_run(NEW_RUN, SITTING).id
        store.attempts.begin_attempt(attempt_of(run))
        with pytest.raises(StoreError, match="UNIQUE"):
            store.attempts.begin_attempt(attempt_of(run))
        assert len(store.attempts.attempts(run)) == 1


def test_every_query_is_understood_by_the_schema(tmp_path: Path) -> None:
    store_at(tmp_path).close()
    connection = sqlite3.connect(project_at(tmp_path).database)
    for name, sql in queries().items():
        names = {word.strip(":,();\n") for word in sql.split() if ":" in word}
        try:
            connection.execute("EXPLAIN " + sql, dict.fromkeys(word.split(":")[-1] for word in names))
        except sqlite3.Error as error:
            raise AssertionError(name) from error
    connection.close()


WRITER = """
import sys
from store_values import NEW_RUN, SITTING, SUCCESS, attempt_of, store_at
from crude_link.model.run import Findings
store = store_at(sys.argv[1])
run = store.runs.begin_run(NEW_RUN, SITTING).id
for number in range(1, 251):
    attempt = attempt_of(run, number)
    store.attempts.begin_attempt(attempt)
    assert store.attempts.end_attempt(attempt.key, SUCCESS, Findings(metrics={"loss": number}))
print(run)
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [*PYTHON, WRITER, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True
        )
        for _ in range(2)
    ]
    answers = [writer.communicate(timeout=100) for writer in writers]
    assert [error for _, error in answers] == ["", ""]
    assert sorted(run for run, _ in answers) == ["1\n", "2\n"]
    with store_at(tmp_path) as store:
        for run in (1, 2):
            assert [attempt.status for attempt in store.attempts.attempts(run)] == [Status.SUCCEEDED] * 250


def test_many_processes_make_the_same_store_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from store_values import *; sys.stdin.read(); "
        "print(store_at(sys.argv[1]).runs.begin_run(NEW_RUN, None).id)"
    )
    makers = [
        subprocess.Popen(
            [*PYTHON, code, tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            text=True,
        )
        for _ in range(6)
    ]
    for maker in makers:
        assert maker.stdin
        maker.stdin.close()
        maker.stdin = None
    assert sorted(maker.communicate(timeout=60)[0] for maker in makers) == [f"{n}\n" for n in range(1, 7)]


def _as_the_first_version_had_it(path: Path) -> None:
    """Write the store anew in its first shape, with what that shape has room for."""
    newer = path.rename(path.with_name("newer.db"))
    old = sqlite3.connect(path)
    old.executescript(dict(migrations_after(0))[1])
    old.execute("PRAGMA user_version = 1")
    old.execute("ATTACH DATABASE ? AS newer", (str(newer),))
    tables = [name for (name,) in old.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
    for table in tables:
        kept = {row[1] for row in old.execute(f"PRAGMA newer.table_info({table})")}
        columns = [f'"{row[1]}"' for row in old.execute(f"PRAGMA main.table_info({table})") if row[1] in kept]
        old.execute(f"DELETE FROM main.{table}")
        old.execute(f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT {', '.join(columns)} FROM newer.{table}")
    old.commit()
    old.close()
    newer.unlink()
