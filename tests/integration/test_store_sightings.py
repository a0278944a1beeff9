"""Which files looks have seen: new until a run was begun for them, whoever dies in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import NOON
from store_examples import new_run

from crude_link.errors import SlotTaken, StoreError
from crude_link.model.firing import Fate, Firing
from crude_link.model.look import Finding, Look
from crude_link.store.place import Project
from crude_link.store.sqlite_store import SqliteStore, open_store

A, B = ("a.tif", "etag-1"), ("b.tif", "etag-2")
IN = "s3://b/in"
FIRING = Firing(pipeline="p", entry="e", slot_time=NOON, fate=Fate.RAN, at=NOON)
LOOK = Look(pipeline="p", entry="e", timing="t", at=NOON)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return open_store(Project(directory=tmp_path, home=tmp_path / ".crude-link"))


def look(store: SqliteStore, *files: tuple[str, str], pipeline: str = "p", place: str = IN) -> tuple[int, list[bool]]:
    number = store.sightings.begin_look(pipeline, "e")
    return number, store.sightings.sight(number, place, files)


def begin(store: SqliteStore, number: int, firing: Firing = FIRING) -> int:
    return store.runs.begin_run(replace(new_run("p"), firing=firing, look=number), None).id


def test_a_file_is_new_until_a_run_was_begun_for_a_look_that_saw_it(store: SqliteStore) -> None:
    assert look(store, A, B)[1] == [True, True]
    number, are_new = look(store, A, B)
    assert are_new == [True, True]
    begin(store, number)
    assert look(store, A, B)[1] == [False, False]
    assert look(store, ("a.tif", "another etag"), ("c.tif", "etag-1"))[1] == [True, True]
    assert look(store, A, pipeline="other")[1] == [True]
    assert look(store, A, place="s3://b/in/")[1] == [False]
    assert look(store, A, place="s3://b/in2")[1] == [True]


def test_a_run_that_could_not_be_recorded_answers_nothing(store: SqliteStore) -> None:
    first, _ = look(store, A)
    begin(store, first)
    second, are_new = look(store, A, B)
    assert are_new == [False, True]
    with pytest.raises(SlotTaken):
        begin(store, second)
    assert look(store, A, B)[1] == [False, True]


def test_what_a_look_saw_that_was_abandoned_is_new_for_the_next_one_only(store: SqliteStore) -> None:
    abandoned, _ = look(store, A)
    number, _ = look(store, A, B)
    begin(store, number)
    assert look(store, A, B)[1] == [False, False]
    with pytest.raises(StoreError, match="a newer look"):
        store.sightings.sight(abandoned, IN, [("c", "1")])


def test_what_a_succeeded_run_has_had_from_there_is_not_new(store: SqliteStore) -> None:
    odd = ("a\udce4 ü#%.txt", "3")  # no UTF-8
    with store._database.write():
        store._database.change("insert_haul", pipeline="p", remote=IN)
        for name, mark in (A, odd):
            store._database.change("remember_file", haul=1, name=name, mark=mark, run=1)
    assert look(store, A, B, odd)[1] == [False, True, False]
    assert look(store, A, pipeline="other")[1] == [True]


def test_how_looks_go_is_known_also_by_those_who_only_read(store: SqliteStore, tmp_path: Path) -> None:
    assert store.sightings.end_look(replace(LOOK, problem="no bucket")).failures == 0
    assert store.sightings.end_look(replace(LOOK, problem="no answer")).failures == 1
    with open_store(Project(directory=tmp_path, home=tmp_path / ".crude-link"), create=False) as reader:
        (found,) = reader.sightings.lookouts()
    assert (found.failures, found.failing_since, found.problem) == (2, NOON, "no answer")
    finding = Finding(look=1, files=7, new=3)
    assert store.sightings.end_look(replace(LOOK, finding=finding)).failures == 2
    (found,) = store.sightings.lookouts()
    assert (found.files, found.new, found.failures, found.failing_since) == (7, 3, 0, None)
