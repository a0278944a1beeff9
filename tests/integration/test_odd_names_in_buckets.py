"""Buckets that hold names which can be no files: what is said of them, and how the others are fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from store_servers import Server, fake_gcs_server, moto_server, s3_client
from transfer_orders import Transfers

ODD = ["../x", "a//b", "a/./b", "/x"]
GOOD = ["a.txt", "a/b", "shown/1", "z ü#%.txt"]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with moto_server(tmp_path_factory.mktemp("s3")) as server:
        for name in (*ODD, *GOOD, "shown/"):
            body = b"" if name.endswith("/") else name.encode()
            s3_client(server.endpoint).put_object(Bucket="team", Key=f"in/{name}", Body=body)
        yield server


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with fake_gcs_server(tmp_path_factory.mktemp("gcs"), {"other": b""}) as server:
        for name in (*ODD, *GOOD):
            url = f"{server.endpoint}/upload/storage/v1/b/team/o?uploadType=media&name={quote(f'in/{name}', safe='')}"
            urlopen(Request(url, data=name.encode(), method="POST")).close()
        yield server


@pytest.fixture(params=["s3", "google"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Transfers:
    return Transfers(folder=tmp_path, server=request.getfixturevalue(request.param), prefix="in")


def test_names_that_can_be_no_files_are_named_and_nothing_is_fetched(bucket: Transfers) -> None:
    ended = bucket.download()
    assert ended.status == 1
    assert not bucket.here()
    assert "nothing was fetched" in ended.stderr
    assert "'../x': it would leave the local folder" in ended.stderr
    assert "'/x': it would leave the local folder" in ended.stderr
    assert "'a//b': a part of it is empty or a dot" in ended.stderr
    assert "'a/./b': a part of it is empty or a dot" in ended.stderr


def test_those_that_are_excluded_leave_the_others_to_be_fetched(bucket: Transfers) -> None:
    ended = bucket.download(exclude=["../*", "a//*", "a/./*", "//**"])
    assert ended.status == 0, ended.stderr
    assert bucket.here() == {name: name.encode() for name in GOOD}


def test_they_are_listed_as_they_are(bucket: Transfers) -> None:
    ended = bucket.do("list", remote=bucket.url())
    assert [json.loads(line)["name"] for line in ended.stdout.splitlines()] == sorted([*ODD, *GOOD])


def test_what_obstore_listed_before_it_met_one_is_listed_once(s3: Server, tmp_path: Path) -> None:
    client = s3_client(s3.endpoint)
    names = [f"{number:04}" for number in range(1500)]
    for name in ("", *names, "z//z"):
        client.put_object(Bucket="team", Key=f"many/{name}", Body=b"x" if name else b"")
    ended = Transfers(folder=tmp_path, server=s3, prefix="many").do("list", remote="s3://team/many")
    assert [json.loads(line)["name"] for line in ended.stdout.splitlines()] == [*names, "z//z"]
