"""Where a URL or a path leads."""

from __future__ import annotations

from pathlib import Path

import pytest

from crude_link.storage.address import Address, parse_address
from crude_link.storage.failures import BadAddress, BadOrder
from crude_link.storage.options import Option, options_for
from crude_link.storage.order import IfEmpty, Kind, order_of
from crude_link.storage.targets import names_the_file

BASE = Path("/project")


@pytest.mark.parametrize(
    ("text", "shown", "bucket", "prefix"),
    [
        ("s3://team/new images/", "s3://team/new images", "team", "new images"),
        ("gs://team", "gs://team", "team", ""),
        ("gcs://team/a/", "gs://team/a", "team", "a"),
        ("az://box/a#b%20?c", "az://box/a#b%20?c", "box", "a#b%20?c"),
        ("S3://team//a//", "s3://team/a", "team", "a"),
        ("sftp://ada@host:22/home/ada", "sftp://ada@host:22/home/ada", "ada@host:22", "/home/ada"),
        ("https://host/a%20b/c", "https://host/a b/c", "host", "a b/c"),
        ("data/in/", "/project/data/in", "", "/project/data/in"),
        ("file:///data/a%20b", "/data/a%20b", "", "/data/a%20b"),
        ("../x", "/x", "", "/x"),
    ],
)
def test_addresses(text: str, shown: str, bucket: str, prefix: str) -> None:
    address = parse_address(text, BASE)
    assert (str(address), address.bucket, address.prefix) == (shown, bucket, prefix)


def test_a_slash_at_the_end_is_the_same_place() -> None:
    with_slash, without = parse_address("s3://b/a/", BASE), parse_address("s3://b/a", BASE)
    assert (with_slash.prefix, with_slash.is_folder, without.is_folder) == (without.prefix, True, False)
    assert str(with_slash.below("x y")) == "s3://b/a/x y"


@pytest.mark.parametrize("text", ["", "  ", "s3://", "gs:///x", "https://host/a?b=c"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_address(text, BASE)


def test_options_of_a_bucket_win_over_those_of_its_scheme() -> None:
    storage: dict[str, dict[str, Option]] = {
        "s3": {"endpoint": "http://a", "region": "r"},
        "s3://team": {"endpoint": "http://b"},
        "gs": {"x": 1},
    }
    team, other = (Address(scheme="s3", bucket=bucket, prefix="p") for bucket in ("team", "other"))
    assert options_for(storage, team) == {"endpoint": "http://b", "region": "r"}
    assert options_for(storage, other) == {"endpoint": "http://a", "region": "r"}


@pytest.mark.parametrize(
    ("target", "name", "is_file"),
    [
        ("data/in", "a.csv", False),
        ("data/in/", "a.csv", False),
        ("data/a.csv", "a.csv", True),
        ("data/b.csv", "a.csv", True),
        ("data/b.csv/", "a.csv", False),
        ("data/v1.2", "a.csv", False),
        ("data/LICENSE", "LICENSE", True),
        ("data/x", "LICENSE", False),
    ],
)
def test_a_target_names_the_file_when_it_looks_like_it(target: str, name: str, is_file: bool) -> None:
    assert names_the_file(target, name) is is_file


def test_an_order_is_read_strictly() -> None:
    order = order_of({"kind": "download", "remote": "s3://b", "local": ["in"], "if_empty": "skip"})
    assert (order.kind, order.remote, order.local, order.if_empty) == (
        Kind.DOWNLOAD,
        ("s3://b",),
        ("in",),
        IfEmpty.SKIP,
    )
    for wrong in ({"kind": "donwload"}, {"remote": "s3://b"}, {"kind": "list", "exlude": []}):
        with pytest.raises(BadOrder):
            order_of(wrong)
