"""What downloads of what is new have brought: by pipeline and place, kept when runs are removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crude_link.errors import StoreError
from crude_link.model.run import AttemptKey
from crude_link.store.place import Project
from crude_link.store.sqlite_store import SqliteStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return open_store(Project(directory=tmp_path, home=tmp_path / ".crude-link"))


def fetched(store: SqliteStore, run: int, remote: str, *files: tuple[str, str]) -> AttemptKey:
    """Leave behind what the program does that fetches."""
    key = AttemptKey(run, "run.download", 1, 1)
    stdout = store.logs.place(key).stdout
    stdout.with_suffix(".order").write_text(json.dumps({"remote": [remote]}))
    lines = [json.dumps({"name": name, "mark": mark}) for name, mark in files]
    stdout.with_suffix(".fetched").write_text("".join(f"{line}\n" for line in lines))
    return key


def had(store: SqliteStore, pipeline: str, remote: str, path: Path) -> list[tuple[str, str]]:
    store.hauls.write(pipeline, remote, path)
    return sorted((said["name"], said["mark"]) for said in map(json.loads, path.read_text().splitlines()))


def test_a_pipeline_has_had_what_its_runs_brought_from_a_place(store: SqliteStore, tmp_path: Path) -> None:
    odd = "a\udce4 ü#%.txt"  # no UTF-8
    store.hauls.remember("p", [fetched(store, 1, "s3://b/in/", ("a", "1"), (odd, "2"))])
    store.hauls.remember("p", [fetched(store, 2, "s3://b/in", ("a", "1"), ("a", "new content"))])
    out = tmp_path / "had"
    assert had(store, "p", "s3://b/in", out) == sorted([("a", "1"), ("a", "new content"), (odd, "2")])
    assert had(store, "p", "s3://b/in2", out) == []
    assert had(store, "other", "s3://b/in", out) == []


def test_a_download_that_brought_nothing_is_nothing_to_remember(store: SqliteStore, tmp_path: Path) -> None:
    key = fetched(store, 1, "s3://b/in")
    store.logs.place(key).stdout.with_suffix(".fetched").unlink()
    store.hauls.remember("p", [key])
    assert had(store, "p", "s3://b/in", tmp_path / "had") == []


def test_what_cannot_be_remembered_is_an_error(store: SqliteStore) -> None:
    key = fetched(store, 1, "s3://b/in")
    store.logs.place(key).stdout.with_suffix(".order").unlink()
    with pytest.raises(StoreError, match="cannot be remembered"):
        store.hauls.remember("p", [key])
