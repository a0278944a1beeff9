"""Looks as processes: what they find, how they fail, and that none outlives its scheduler or its time."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from acceptance.starting import wait_until

from crude_link.app import Desk, Loaded
from crude_link.looking.looks import Looks
from crude_link.looking.program import seen
from crude_link.model.look import Look
from crude_link.store.place import Project
from crude_link.store.sqlite_store import open_store

STEP = "steps: [echo done]"
LONG_AGO = 1_700_000_000


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    project = Project(directory=tmp_path, home=tmp_path / ".crude-link")
    open_store(project).close()
    return Desk(project=project)


def put(name: str | bytes, modified: float = LONG_AGO) -> None:
    path = Path(os.fsdecode(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    os.utime(path, (modified, modified))


def load(desk: Desk, text: str) -> Loaded:
    path = desk.project.directory / "config.yaml"
    path.write_text(f"{text}\n{STEP}\n")
    return desk.load(path)[0]


def looked(desk: Desk, text: str, longest: timedelta = timedelta(minutes=1)) -> list[Look]:
    """Let all entries of a config look once."""
    loaded, looks = load(desk, text), Looks(desk, longest)
    for schedule in loaded.pipeline.schedules:
        looks.begin(loaded, schedule)
    assert all(looks.is_looking(loaded.pipeline.name, schedule) for schedule in loaded.pipeline.schedules)
    return wait_for(looks)


def wait_for(looks: Looks) -> list[Look]:
    found: list[Look] = []

    def are_over() -> bool:
        found.extend(looks.ended())
        return looks.is_idle

    wait_until(are_over, "the looks end")
    looks.close()
    return found


def names(look: Look) -> tuple[str, ...]:
    assert look.finding, look.problem
    return look.finding.names


def test_a_look_finds_the_files_of_all_its_places_that_are_chosen(desk: Desk) -> None:
    put("in/b.tif")
    put("in/deep/c.tif")
    put("in/d.txt")
    put("other.tif")
    Path("empty").mkdir()
    (look,) = looked(desk, "schedule: {new_files: [in, empty/, other.tif], include: '*.tif'}")
    assert sorted(names(look)) == ["b.tif", "deep/c.tif", "other.tif"]
    assert look.finding
    assert (look.finding.files, look.finding.new) == (3, 3)


def test_names_are_told_in_one_line_whatever_they_hold(desk: Desk) -> None:
    put("in/two\nlines.tif")
    put(b"in/no utf-8 \xff.tif")
    put("in/ü #%.tif")
    (look,) = looked(desk, "schedule: {new_files: in}")
    assert set(names(look)) == {"ü #%.tif", r"'two\nlines.tif'", r"'no utf-8 \udcff.tif'"}


def test_a_file_that_was_just_written_to_is_left_to_the_next_look(desk: Desk) -> None:
    put("in/old.tif")
    put("in/young.tif", modified=desk.clock.now().timestamp())
    (look,) = looked(desk, "schedule: {new_files: in}")
    assert names(look) == ("old.tif",)
    assert look.finding
    assert look.finding.young == 1


@pytest.mark.parametrize(("age", "is_young"), [(-3600, False), (-2, True), (1, True), (62, True), (70, False)])
def test_a_file_is_young_by_when_it_was_listed_however_long_the_list_took(age: int, is_young: bool) -> None:
    ended = datetime(2026, 1, 1, tzinfo=timezone.utc)
    written = ended - timedelta(seconds=age)
    said = {"name": "a", "size": 1, "mark": f"1 bytes of {written}", "modified": written.isoformat(), "url": "/in/a"}
    assert seen(said, ended - timedelta(minutes=1), ended).is_young == is_young


def test_what_a_place_is_called_is_asked_anew_by_each_look(desk: Desk) -> None:
    put("one/a.tif")
    put("two/b.tif")
    Path("where").write_text("one")
    loaded = load(desk, "schedule: {name: in, new_files: '${exec:cat where}'}")
    Path("where").write_text("two")
    looks = Looks(desk)
    looks.begin(loaded, loaded.pipeline.schedules[0])
    (look,) = wait_for(looks)
    assert names(look) == ("b.tif",)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("schedule: {new_files: nowhere}", "nowhere"),
        ("schedule: {new_files: in, env_file: missing.env}", "the env_file 'missing.env' is not there"),
        ("secrets: [NO_KEY]\nschedule: {new_files: in, env: {A: '${secrets.NO_KEY}'}}", "NO_KEY"),
    ],
)
def test_a_look_that_cannot_be_done_says_why(desk: Desk, config: str, problem: str) -> None:
    put("in/a.tif")
    (look,) = looked(desk, config)
    assert look.finding is None
    assert problem in look.problem


def test_a_look_that_takes_too_long_is_ended(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        (look,) = looked(desk, looks_at(deaf), timedelta(seconds=0.1))
    assert look.problem == "it took longer than 0.1 s and was ended"


def test_a_look_that_is_ended_leaves_no_file_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = desk.project.directory / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    desk = Desk(project=desk.project)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        loaded, looks = load(desk, looks_at(deaf)), Looks(desk)
        looks.begin(loaded, loaded.pipeline.schedules[0])
        assert looks.ended() == []
        deaf.settimeout(60)
        with deaf.accept()[0]:
            looks.close()
    assert list(folder.iterdir()) == []


def looks_at(server: socket.socket) -> str:
    endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
    storage = f"storage: {{s3: {{endpoint: '{endpoint}', access_key_id: a, secret_access_key: b}}}}\n"
    return f"{storage}schedule: {{new_files: s3://b/in}}"


def test_of_many_looks_some_wait_and_all_are_done(desk: Desk) -> None:
    entries = []
    for number in range(9):
        put(f"in{number}/a.tif")
        entries.append(f"{{new_files: in{number}}}")
    found = looked(desk, f"schedule: [{', '.join(entries)}]")
    assert len(found) == 9
    assert all(names(look) == ("a.tif",) for look in found)
