"""`new_files` of a schedule: what it means, what its program is told, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from crude_link.app import Desk
from crude_link.errors import ConfigError
from crude_link.model.schedule import NewFiles, Schedule
from crude_link.model.value import Reference, Template
from crude_link.store.place import Project

STEP = "steps: [echo done]"
Read = Callable[[str], tuple[Schedule, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def schedules(text: str) -> tuple[Schedule, ...]:
        path = tmp_path / "config.yaml"
        path.write_text(f"{text}\n{STEP}\n")
        desk = Desk(project=Project(directory=tmp_path, home=tmp_path / ".crude-link"), environment={"KEY": "value"})
        return desk.load(path)[0].pipeline.schedules

    return schedules


def test_an_entry_looks_every_five_minutes_unless_it_says_otherwise(read: Read) -> None:
    (plain,) = read("schedule: {new_files: s3://team/in}")
    assert plain.every == timedelta(minutes=5)
    assert plain.new_files == NewFiles(places=("s3://team/in",))
    (often,) = read("schedule: {new_files: s3://team/in, every: 10s}")
    assert often.every == timedelta(seconds=10)
    assert plain.entry == often.entry == "new files in s3://team/in"
    assert plain.timing != often.timing


def test_several_places_and_patterns_can_be_named_and_params_stand_in_them(read: Read) -> None:
    (entry,) = read(
        "params: {team: blue}\n"
        "schedule: {new_files: ['s3://${params.team}/in', scans/, scans/], include: '*.tif', exclude: ['tmp/']}"
    )
    assert entry.new_files == NewFiles(places=("s3://blue/in", "scans/"), include=("*.tif",), exclude=("tmp/",))


def test_the_program_that_looks_has_the_options_of_stores_and_the_environment_of_the_file(read: Read) -> None:
    (entry, timed) = read(
        "secrets: [KEY]\nenv: {A: one, B: two, RUN: '${run.id}'}\n"
        "storage: {s3: {secret_access_key: '${secrets.KEY}'}}\n"
        "schedule:\n- {new_files: s3://team/in, env: {B: '${secrets.KEY}'}, env_file: a.env}\n- every: 1h"
    )
    looks = entry.new_files
    assert looks is not None
    key = Template(parts=(Reference("secrets.KEY"),))
    assert dict(looks.env) == {"A": "one", "B": key, "RUN": Template(parts=(Reference("run.id"),))}
    assert looks.env_file == "a.env"
    assert dict(looks.storage["s3"]) == {"secret_access_key": key}
    assert timed.new_files is None


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (
            "{new_files: s3://b, cron: 0 2 * * *}",
            "`new_files` looks every so often, not by `cron`; write `every: 5m`",
        ),
        ("{new_files: s3://b, at: '2099-01-01 06:00'}", "`new_files` looks every so often, not by `at`"),
        ("{new_files: s3://b, every: 0s}", "`every`: must be at least 1s"),
        ("{new_files: s3n://b}", "'s3n://' is no kind of store that is known (did you mean 's3'?)"),
        ("{new_files: []}", "is an empty list; name a URL or a path"),
        ("{new_files: [s3://b, 3]}", "is a URL such as s3://bucket/folder, or a path, not 3"),
        ("{new_files: 's3://b/${secrets.KEY}'}", "cannot stand in `schedule`"),
        ("{new_files: s3://b, env: {A: '${secrets.KEYS}'}}", "there is no secret 'KEYS' (did you mean 'KEY'?)"),
        ("{every: 5m, include: '*.tif'}", "`include` says something of `new_files`, which is not there"),
        ("[{new_files: s3://b}, {new_files: s3://b, every: 1h}]", "are both called 'new files in s3://b'"),
    ],
)
def test_what_is_wrong_is_told(read: Read, schedule: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"secrets: [KEY]\nschedule: {schedule}")
    assert said in str(caught.value)


def test_what_does_nothing_beside_it_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"schedule: {{new_files: in, catch_up: all, max_catch_up: 3}}\n{STEP}\n")
    desk = Desk(project=Project(directory=tmp_path, home=tmp_path / ".crude-link"))
    warnings = desk.load(path)[0].pipeline.warnings
    assert [text.partition("`")[2].partition("`")[0] for text in warnings] == ["catch_up", "max_catch_up"]
