"""Uploads to a real object store, by the program that the agent starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from store_servers import s3_client
from transfer_orders import Transfers

FILES = {"a b#c%20d.txt": b"odd", "sub/ü/日本.txt": b"nested", "sub/empty": b""}
LARGE = bytes(range(256)) * 80_000


@pytest.fixture
def made(transfers: Transfers) -> Transfers:
    for name, content in FILES.items():
        transfers.write(f"out/{name}", content)
    return transfers


def test_a_folder_is_brought_and_a_second_time_nothing(made: Transfers) -> None:
    made.write("out/large", LARGE)
    first = made.upload()
    assert first.status == 0, first.stderr
    assert made.there() == {**FILES, "large": LARGE}
    assert first.last.startswith("brought 4 files, 20 MB in ")
    second = made.upload(remote=made.url() + "/")
    assert (second.report["files"], second.report["kept"]) == (0, 4)
    assert made.upload(notes=None).report["kept"] == 4


def test_what_changed_here_or_disappeared_there_is_brought(made: Transfers) -> None:
    made.upload()
    made.write("out/sub/ü/日本.txt", b"NESTED")
    made.store().delete("sub/empty")
    assert made.upload().report["files"] == 2
    assert made.there() == {**FILES, "sub/ü/日本.txt": b"NESTED"}


def test_files_of_earlier_runs_are_left_out(made: Transfers) -> None:
    made.do("listing", local=["out"], listing="listing.json")
    made.write("out/new", b"new")
    made.write("out/sub/empty", b"")
    os.utime(made.folder / "out" / "sub" / "empty", (5, 5))
    # A second listing of the same run, after a crash, does not make what the run wrote old.
    made.do("listing", local=["out"], listing="listing.json")
    ended = made.upload(listing="listing.json")
    assert ended.stdout.splitlines()[0] == "2 files are left out: this run did not write them"
    assert set(made.there()) == {"new", "sub/empty"}
    assert made.upload(listing="listing.json", stale="upload").report["files"] == 2


def test_a_folder_can_be_cleaned_when_the_run_begins(made: Transfers, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"stays")
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    made.do("listing", local=["out"], listing="listing.json", stale="clean")
    assert made.here("out") == {"link": b"stays"}
    made.write("out/new", b"new")
    made.do("listing", local=["out"], listing="listing.json", stale="clean")
    assert made.upload(listing="listing.json", stale="clean").status == 0
    assert made.there() == {"new": b"new"}


@pytest.mark.parametrize("folder", [".", "..", "link"])
def test_a_folder_that_holds_our_own_records_is_not_cleaned(made: Transfers, tmp_path: Path, folder: str) -> None:
    (tmp_path / "link").symlink_to(".")
    before = made.here(".")
    ended = made.do("listing", local=[folder], listing=".crude-link/runs/1/listing.json", stale="clean")
    assert ended.status == 1
    assert "`stale: clean` is for a folder of results alone" in ended.stderr
    assert before.items() <= made.here(".").items()


def test_a_missing_folder_and_nothing_new_are_failures(transfers: Transfers) -> None:
    missing = transfers.upload()
    assert missing.status == 1
    assert missing.stderr.startswith(f"nothing to upload: there is no {transfers.folder}/out; `if_empty: run`")
    transfers.write("out/old", b"old")
    transfers.do("listing", local=["out"], listing="listing.json")
    old = transfers.upload(listing="listing.json")
    assert old.status == 1
    assert "out holds no file that this run wrote" in old.stderr
    assert transfers.upload(listing="listing.json", if_empty="run").status == 0


def test_the_manifest_comes_last_and_goes_first(made: Transfers) -> None:
    made.upload(manifest=True)
    manifest = json.loads(made.there()["crude-link-manifest.json"])
    assert {file["name"]: file["size"] for file in manifest["files"]} == {n: len(c) for n, c in FILES.items()}
    assert all(len(file["md5"]) == 32 for file in manifest["files"])
    client = s3_client(made.server.endpoint)
    times = {
        each["Key"].rpartition("/")[2]: each["LastModified"]
        for each in client.list_objects_v2(Bucket="team", Prefix=f"{made.prefix}/")["Contents"]
    }
    assert max(times.values()) == times["crude-link-manifest.json"]


def test_links_are_followed_in_the_folder_and_not_out_of_it(made: Transfers, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "out" / "out-of-it").symlink_to(tmp_path / "secret")
    (tmp_path / "out" / "in-it").symlink_to("a b#c%20d.txt")
    (tmp_path / "out" / "sub" / "circle").symlink_to(tmp_path / "out")
    os.mkfifo(tmp_path / "out" / "pipe")
    ended = made.upload()
    assert ended.status == 0, ended.stderr
    assert made.there() == {**FILES, "in-it": b"odd"}
    assert "'out-of-it' is left out: it is a symbolic link that leads out of the folder" in ended.stdout
    assert "'sub/circle' is left out" in ended.stdout
    assert "'pipe' is left out: it is no file" in ended.stdout


def test_names_that_no_store_can_have_are_refused_before_anything_is_brought(made: Transfers) -> None:
    (made.folder / "out" / os.fsdecode(b"not-\xff-utf8")).write_bytes(b"x")
    made.write("out/two\nlines", b"x")
    ended = made.upload()
    assert ended.status == 1
    assert "it is not UTF-8" in ended.stderr
    assert "it holds a control character" in ended.stderr
    assert made.there() == {}


@pytest.mark.parametrize(
    ("remote", "name"), [("up", "up/r.csv"), ("up/", "up/r.csv"), ("up/best.csv", "up/best.csv")]
)
def test_one_file_instead_of_a_folder_is_brought(transfers: Transfers, remote: str, name: str) -> None:
    transfers.write("out/r.csv", b"1,2")
    ended = transfers.upload(local="out/r.csv", remote=transfers.url(remote))
    assert ended.status == 0, ended.stderr
    assert transfers.there() == {name: b"1,2"}


def test_a_folder_that_holds_far_more_than_what_is_brought_is_compared_all_the_same(transfers: Transfers) -> None:
    for number in range(30):
        transfers.write(f"out/{number}", str(number).encode())
    for number in range(2_000):
        transfers.write(f"far/other/{number}", b"")
    transfers.write("far/7", b"7")
    ended = transfers.upload(remote="far", stale="upload")
    assert ended.status == 0, ended.stderr
    assert {name: size for name, size in transfers.here("far").items() if "/" not in name} == transfers.here("out")
    assert transfers.upload(remote="far", stale="upload").report["kept"] == 30


def test_patterns_choose_what_is_brought(made: Transfers) -> None:
    made.upload(exclude=["**/empty"], include=["sub/**"])
    assert set(made.there()) == {"sub/ü/日本.txt"}


def test_a_folder_of_this_machine_is_a_store_as_well(made: Transfers) -> None:
    (made.folder / "out" / os.fsdecode(b"not-\xff-utf8")).write_bytes(b"x")
    ended = made.upload(remote="backup/today")
    assert ended.status == 0, ended.stderr
    assert made.here("backup/today") == made.here("out")
    back = made.download(remote=f"file://{made.folder}/backup/today", local="back")
    assert back.status == 0, back.stderr
    assert made.here("back") == made.here("out")
    assert made.download(remote="backup/today", local="back").report["files"] == 0
    assert made.upload(remote="backup/today").report["files"] == 0


def test_a_folder_that_is_not_there_yet_is_made_however_many_files_it_gets(made: Transfers) -> None:
    for number in range(30):
        made.write(f"out/{number}", b"x")
    ended = made.upload(remote="backup/tomorrow")
    assert ended.status == 0, ended.stderr
    assert made.here("backup/tomorrow") == made.here("out")
