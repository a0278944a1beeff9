"""Downloads from a real object store, by the program that the agent starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from store_servers import s3_client
from transfer_orders import Transfers

ODD = {"a b#c%20d.txt": b"odd", "sub/ü/日本.txt": b"nested", "sub/empty": b"", ".hidden": b"h"}


@pytest.fixture
def filled(transfers: Transfers) -> Transfers:
    for name, content in ODD.items():
        transfers.put(name, content)
    return transfers


def test_a_folder_comes_whole_and_a_second_time_nothing_is_fetched(filled: Transfers) -> None:
    first = filled.download()
    assert first.status == 0, first.stderr
    assert filled.here() == ODD
    assert first.last.startswith("fetched 4 files, 10 B in ")
    second = filled.download(remote=filled.url() + "/")
    assert second.last.startswith("fetched 0 files, 0 B in ")
    assert second.last.endswith("; 4 were there")
    assert second.report == {"word": "done", "message": "", "files": 0, "bytes": 0, "kept": 4, "is_empty": False}


def test_a_neighbour_whose_name_begins_alike_stays_where_it_is(transfers: Transfers) -> None:
    transfers.put("data/mine", b"1")
    transfers.put("data2/other", b"2")
    transfers.download(remote=transfers.url("data"))
    assert transfers.here() == {"mine": b"1"}


def test_what_was_changed_on_either_side_is_fetched_though_its_size_is_the_same(filled: Transfers) -> None:
    filled.download()
    filled.put(".hidden", b"H")
    filled.write("in/a b#c%20d.txt", b"ODD")
    again = filled.download()
    assert again.report["files"] == 2
    assert filled.here() == {**ODD, ".hidden": b"H"}


def test_time_alone_changes_nothing(filled: Transfers) -> None:
    filled.download()
    for path in (filled.folder / "in").rglob("*"):
        os.utime(path, (1, 1))
    assert filled.download().report["files"] == 0


def test_without_notes_checksums_tell_what_is_equal_also_of_an_upload_in_parts(transfers: Transfers) -> None:
    transfers.put("small", b"small")
    transfers.put("large", bytes(range(256)) * 50_000)
    transfers.download()
    assert transfers.download(notes=None).report == {
        "word": "done", "message": "", "files": 0, "bytes": 0, "kept": 2, "is_empty": False,
    }  # fmt: skip
    transfers.write("in/large", bytes(reversed(range(256))) * 50_000)
    assert transfers.download(notes=None).report["files"] == 1


def test_all_means_all(filled: Transfers) -> None:
    filled.download()
    assert filled.download(only="all").report["files"] == 4


def test_patterns_choose(filled: Transfers) -> None:
    filled.download(include=["*.txt"], exclude=["sub/"])
    assert list(filled.here()) == ["a b#c%20d.txt"]


# --- what disappears --------------------------------------------------------------------------------------


def test_what_disappears_in_the_store_stays_unless_it_is_to_be_deleted(filled: Transfers) -> None:
    filled.download()
    filled.store().delete(".hidden")
    filled.store().delete("sub/empty")
    filled.download()
    assert len(filled.here()) == 4
    filled.write("in/mine", b"never brought")
    filled.write("in/sub/empty", b"changed here")
    ended = filled.download(delete=True)
    assert "; 1 removed" in ended.last
    assert "'sub/empty' is in the store no longer, but was changed here, and stays" in ended.stdout
    assert set(filled.here()) == {*ODD, "mine"} - {".hidden"}


# --- only new ---------------------------------------------------------------------------------------------


def test_new_is_what_no_succeeded_run_has_had_and_the_folder_holds_exactly_that(transfers: Transfers) -> None:
    transfers.put("one", b"1")
    order = {"only": "new", "had": "had.jsonl", "fetched": "fetched.jsonl"}
    transfers.download(**order)
    transfers.put("two", b"2")
    # The first run did not succeed: both are new.
    assert transfers.download(**order).report["files"] == 1
    assert transfers.here() == {"one": b"1", "two": b"2"}
    (transfers.folder / "fetched.jsonl").rename(transfers.folder / "had.jsonl")
    transfers.put("three", b"3")
    transfers.put("one", b"I")
    transfers.download(**order)
    assert transfers.here() == {"one": b"I", "three": b"3"}
    assert not (transfers.folder / "had.jsonl").exists()


def test_a_folder_that_holds_something_of_its_own_is_not_cleared_for_what_is_new(transfers: Transfers) -> None:
    transfers.put("one", b"1")
    transfers.write("in/mine", b"mine")
    transfers.write("in/.keep", b"")
    ended = transfers.download(only="new")
    assert ended.status == 1
    assert "'mine': no download brought it" in ended.stderr
    assert set(transfers.here()) == {"mine", ".keep"}


@pytest.mark.parametrize(("if_empty", "status"), [("fail", 1), ("skip", 0), ("run", 0)])
def test_nothing_new_is_what_the_order_says_it_is(transfers: Transfers, if_empty: str, status: int) -> None:
    transfers.put("one", b"1")
    transfers.download(only="new", fetched="had.jsonl")
    ended = transfers.download(only="new", had="had.jsonl", if_empty=if_empty)
    assert ended.status == status
    if status:
        assert "holds nothing that no succeeded run has had" in ended.stderr
    else:
        assert ended.report["is_empty"]
    assert transfers.here() == ({} if if_empty == "run" else {"one": b"1"})


def test_a_folder_that_is_empty_or_not_there_is_a_failure(transfers: Transfers) -> None:
    ended = transfers.download()
    assert ended.status == 1
    assert ended.stderr.strip() == (
        f"{transfers.url()} holds no file; `if_empty: skip` or `run` makes that no failure"
    )


# --- one file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("local", "path"),
    [
        ("in", "in/scan.tif"),
        ("in/", "in/scan.tif"),
        ("in/3.tif", "in/3.tif"),
        ("in/scan.tif/", "in/scan.tif/scan.tif"),
    ],
)
def test_one_file_instead_of_a_folder(transfers: Transfers, local: str, path: str) -> None:
    transfers.put("deep/scan.tif", b"pixels")
    ended = transfers.download(remote=transfers.url("deep/scan.tif"), local=local)
    assert ended.status == 0, ended.stderr
    assert (transfers.folder / path).read_bytes() == b"pixels"
    again = transfers.download(remote=transfers.url("deep/scan.tif"), local=local)
    assert again.report["kept"] == 1


def test_a_file_does_not_disturb_those_beside_it(transfers: Transfers) -> None:
    transfers.put("a.txt", b"a")
    transfers.write("in/mine", b"mine")
    transfers.download(remote=transfers.url("a.txt"), only="new")
    assert transfers.here() == {"a.txt": b"a", "mine": b"mine"}


# --- names ------------------------------------------------------------------------------------------------


def test_a_file_that_would_be_a_folder_as_well_is_refused_before_anything_is_fetched(transfers: Transfers) -> None:
    from crude_link.storage.compare import Here, Wanted, plan_download
    from crude_link.storage.remote import Entry

    entries = [Entry(name="a", size=1), Entry(name="a/b", size=1)]
    (problem,) = plan_download(entries, Here(files={}, notes={}), Wanted()).problems
    assert problem == "'a' is a file and also the folder of 'a/b'"


def test_the_empty_objects_that_show_folders_are_no_files(transfers: Transfers) -> None:
    client = s3_client(transfers.server.endpoint)
    transfers.put("sub/file", b"x")
    for name in ("", "sub/", "nothing-in-it/"):
        client.put_object(Bucket="team", Key=f"{transfers.prefix}/{name}", Body=b"")
    ended = transfers.download()
    assert ended.status == 0, ended.stderr
    assert transfers.here() == {"sub/file": b"x"}


def test_a_link_in_the_local_folder_leads_nothing_out_of_it(transfers: Transfers, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sub").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "file").symlink_to(tmp_path / "elsewhere" / "file")
    transfers.put("sub/x", b"x")
    transfers.put("file", b"y")
    ended = transfers.download()
    assert ended.status == 1
    assert "'sub/x' would leave" in ended.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "in" / "file").read_bytes() == b"y"


def test_nothing_is_left_behind_but_the_files(filled: Transfers) -> None:
    filled.download()
    assert set(filled.here()) == set(ODD)
    assert {path.name for path in filled.folder.iterdir()} == {"in", "notes", "order.json", "report.json"}


def test_numbers_become_metrics_of_the_step(filled: Transfers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRUDE_LINK_METRICS", str(filled.folder / "metrics"))
    filled.download()
    assert (filled.folder / "metrics").read_text() == "files=4\nbytes=10\nkept=0\n"


def test_a_listing_is_lines_of_json(filled: Transfers) -> None:
    ended = filled.do("list", remote=filled.url(), include=["*.txt"])
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(line["name"], line["size"]) for line in lines] == [("a b#c%20d.txt", 3), ("sub/ü/日本.txt", 6)]
    assert lines[0]["url"] == filled.url("a b#c%20d.txt")
