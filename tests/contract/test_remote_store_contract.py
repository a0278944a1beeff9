"""What every kind of store must do, tested against a real server of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_servers import (
    Server,
    azure_server,
    folder_server,
    gcs_server,
    s3_server,
    sftp_server,
)

from crude_link.storage.address import parse_address
from crude_link.storage.failures import CannotReach, Gone, NoBucket, TransferError
from crude_link.storage.opening import open_store
from crude_link.storage.options import options_for
from crude_link.storage.remote import Entry, RemoteStore

STARTERS = {
    "s3": s3_server,
    "gs": gcs_server,
    "az": azure_server,
    "sftp": sftp_server,
    "file": folder_server,
}
ODD_NAMES = [
    "a b",
    "ü",
    "a#b",
    "a%b",
    "a%20b",
    "a?b",
    "a+b&c=d",
    "a*[b]{c}",
    '"<>|^~',
    "日本/ü x.txt",
    "e\u0301",
    "d/.h",
]


@pytest.fixture(scope="module", params=STARTERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    kind: str = request.param
    with STARTERS[kind](tmp_path_factory.mktemp(kind)) as server:
        yield server


def opened(server: Server, folder: str) -> RemoteStore:
    address = parse_address(f"{server.url}/{folder}", Path("/"))
    return open_store(address, options_for(server.options, address))


def put(store: RemoteStore, name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(content)
    written = store.write(name, path, lambda _: None)
    assert written.size == len(content)
    assert written.is_confirmed is not False


def content(store: RemoteStore, entry: Entry) -> bytes:
    return b"".join(store.read(entry, 0, entry.size))


def listing(store: RemoteStore) -> dict[str, int]:
    return {entry.name: entry.size for entry in store.entries()}


def test_what_is_written_is_listed_and_read_whatever_its_name(server: Server, tmp_path: Path) -> None:
    store = opened(server, "odd")
    for name in ODD_NAMES:
        put(store, name, name.encode(), tmp_path)
    assert listing(store) == {name: len(name.encode()) for name in ODD_NAMES}
    for entry in store.entries():
        assert content(store, entry) == entry.name.encode()
        again = store.entry(entry.name)
        assert again is not None
        assert again.mark == entry.mark


def test_a_folder_does_not_hold_what_is_in_its_neighbour(server: Server, tmp_path: Path) -> None:
    for folder in ("near", "near2"):
        put(opened(server, folder), f"in-{folder}", b"x", tmp_path)
    assert listing(opened(server, "near")) == listing(opened(server, "near/")) == {"in-near": 1}


def test_an_empty_file_is_a_file(server: Server, tmp_path: Path) -> None:
    store = opened(server, "empty")
    put(store, "sub/nothing", b"", tmp_path)
    (entry,) = store.entries()
    assert (entry.name, entry.size, content(store, entry)) == ("sub/nothing", 0, b"")


def test_a_large_file_comes_back_as_it_was_also_in_ranges(server: Server, tmp_path: Path) -> None:
    store = opened(server, "large")
    data = bytes(range(256)) * 80_000
    put(store, "large", data, tmp_path)
    (entry,) = store.entries()
    assert entry.size == len(data)
    assert content(store, entry) == data
    assert b"".join(store.read(entry, 1000, 5_000_000)) == data[1000:5_000_000]


def test_a_file_is_replaced_and_bears_another_mark(server: Server, tmp_path: Path) -> None:
    store = opened(server, "again")
    put(store, "a", b"one", tmp_path)
    before = store.entry("a")
    put(store, "a", b"three", tmp_path)
    after = store.entry("a")
    assert before is not None
    assert after is not None
    assert before.mark != after.mark
    assert content(store, after) == b"three"


def test_the_address_of_a_file_is_a_nameless_entry(server: Server, tmp_path: Path) -> None:
    put(opened(server, "single"), "one.txt", b"content", tmp_path)
    store = opened(server, "single/one.txt")
    assert listing(store) == {}
    entry = store.entry("")
    assert entry is not None
    assert content(store, entry) == b"content"


def test_what_is_not_there_is_none_and_gone(server: Server, tmp_path: Path) -> None:
    store = opened(server, "absent")
    put(store, "there", b"x", tmp_path)
    assert store.entry("absent") is None
    with pytest.raises(Gone):
        content(store, Entry(name="absent", size=1))


def test_a_file_can_be_deleted_twice(server: Server, tmp_path: Path) -> None:
    store = opened(server, "deleted")
    put(store, "a", b"x", tmp_path)
    put(store, "b", b"x", tmp_path)
    store.delete("a")
    store.delete("a")
    assert listing(store) == {"b": 1}


def test_a_missing_bucket_is_said_by_name(server: Server) -> None:
    url = server.url.replace("team", "no-such-bucket") if "team" in server.url else f"{server.url}/no-such-bucket"
    address = parse_address(url, Path("/"))
    with pytest.raises(NoBucket, match="no-such-bucket"):
        list(open_store(address, options_for(server.options, address)).entries())


def test_a_local_file_that_is_gone_is_no_success(server: Server, tmp_path: Path) -> None:
    with pytest.raises((TransferError, OSError)) as caught:
        opened(server, "nothing").write("a", tmp_path / "absent", lambda _: None)
    assert not isinstance(caught.value, CannotReach)
