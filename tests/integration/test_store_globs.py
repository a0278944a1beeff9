"""Globs of stores, by the program that lists them."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_servers import KEYS, Server, fake_gcs_server
from transfer_orders import Transfers

from crude_link.storage.remote import Entry
from crude_link.storage.spool import Spool

NAMES = ("a b#.tif", "x/é%20.tif", "x/y/[1].tif", "x/.hidden/c.tif", "x/c.png", "top", "x.tif")


@pytest.fixture
def filled(transfers: Transfers) -> Transfers:
    for name in NAMES:
        transfers.put(name, b"x")
    return transfers


def globbed(transfers: Transfers, *patterns: str) -> list[str]:
    """Return what fits, without what stands before each URL of a test."""
    ended = transfers.do("glob", remote=[transfers.url(pattern) for pattern in patterns])
    assert ended.status == 0, ended.stderr
    urls = [json.loads(line) for line in ended.stdout.splitlines()]
    assert all(url.startswith(transfers.url("")) for url in urls)
    return [url.removeprefix(f"{transfers.url()}/") for url in urls]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["**/*.tif"], ["a b#.tif", "x.tif", "x/.hidden/c.tif", "x/y/[1].tif", "x/é%20.tif"]),
        (["*.tif"], ["a b#.tif", "x.tif"]),
        (["x/*"], ["x/c.png", "x/é%20.tif"]),
        (["x/**"], ["x/.hidden/c.tif", "x/c.png", "x/y/[1].tif", "x/é%20.tif"]),
        (["*/y/[[]?].tif"], ["x/y/[1].tif"]),
        (["x/[!a-d]*"], ["x/é%20.tif"]),
        (["x**.tif"], ["x.tif"]),
        (["x.tif", "**/x.tif", "x"], ["x.tif"]),
        (["**/y/*.tif", "x/**.tif", "x/y/*", "top", "nothing*"], ["top", "x/y/[1].tif", "x/é%20.tif"]),
        (["no-such-folder/*"], []),
    ],
)  # fmt: skip
def test_files_that_fit_come_in_order_and_once(filled: Transfers, patterns: list[str], expected: list[str]) -> None:
    assert globbed(filled, *patterns) == sorted(expected)


def test_a_bucket_that_is_not_there_is_no_empty_list(transfers: Transfers) -> None:
    ended = transfers.do("glob", remote=["s3://nobody/x/*"])
    assert (ended.status, ended.stdout) == (4, "")
    assert ended.report["message"] == "there is no bucket s3://nobody (looked for s3://nobody/x)"


def test_a_folder_here_is_listed_as_a_store_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    here = Transfers(folder=tmp_path, server=Server(url=f"file://{tmp_path}/share", options={}), prefix="")
    here.write("share/.a/b.tif", b"x")
    assert globbed(here, "**/*.tif") == [".a/b.tif"]
    assert globbed(here, "none/*") == []


def test_a_list_is_of_files_and_in_order(filled: Transfers) -> None:
    ended = filled.do("list", remote=filled.url("x"), include=["*.tif"])
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [each["name"] for each in found] == [".hidden/c.tif", "y/[1].tif", "é%20.tif"]
    assert found[0].keys() == {"name", "size", "mark", "modified", "url"}


def test_googles_store_is_globbed_without_the_objects_that_show_folders(tmp_path: Path) -> None:
    with fake_gcs_server(tmp_path / "gcs", {"scans/a.tif": b"a", "scans/b c/d.tif": b"d"}) as server:
        transfers = Transfers(folder=tmp_path, server=server, prefix="scans")
        assert globbed(transfers, "**") == ["a.tif", "b c/d.tif"]


def test_a_spool_puts_any_number_in_order(tmp_path: Path) -> None:
    entries = [Entry(name=f"é\n{number:05}", size=number, etag="e") for number in range(1000)]
    mixed = random.Random(1).sample(entries, len(entries))
    for order in (entries, mixed):
        spool = Spool(piece=64)
        spool.extend(order)
        assert (len(spool), list(spool), list(spool)) == (1000, entries, entries)
        spool.clear()
        assert not list(spool)


def test_a_list_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        order = tmp_path / "order"
        storage = {"s3": {"endpoint": endpoint, **KEYS}}
        order.write_text(json.dumps({"kind": "glob", "remote": ["s3://team/*"], "storage": storage}))
        argv = [sys.executable, "-m", "crude_link.storage.transfer", str(order)]
        asking = (
            "import subprocess as s, sys; begun = s.Popen(sys.argv[1:]); print(begun.pid, flush=True); begun.wait()"
        )
        parent = subprocess.Popen([sys.executable, "-c", asking, *argv], stdout=subprocess.PIPE, text=True)
        assert parent.stdout
        with parent.stdout:
            pid = int(parent.stdout.readline())
            silent.accept()
            parent.kill()
            parent.wait()
            # A process that has ended, and that nobody asks about, has no command line.
            command_line = Path(f"/proc/{pid}/cmdline")
            deadline = time.monotonic() + 30
            while command_line.exists() and command_line.read_bytes():
                assert time.monotonic() < deadline
                time.sleep(0.05)
