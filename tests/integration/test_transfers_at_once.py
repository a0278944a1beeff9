"""Transfers side by side: two that bring one file, and threads that a transfer has left behind."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from crude_link.storage.address import parse_address
from crude_link.storage.failures import TransferError
from crude_link.storage.folder_store import FolderStore
from crude_link.storage.notes import Note, Notes

SIZE = 3 << 20


def test_of_two_that_bring_a_file_to_one_name_at_once_one_leaves_it_whole(tmp_path: Path) -> None:
    store = FolderStore(parse_address(str(tmp_path / "far"), tmp_path))
    (tmp_path / "one").write_bytes(b"1" * SIZE)
    (tmp_path / "two").write_bytes(b"2" * SIZE)
    begun: list[int] = []

    def bring_two(size: int) -> None:
        begun.append(size)
        if len(begun) == 1:
            store.write("name", tmp_path / "two", lambda _: None)

    with suppress(TransferError):
        store.write("name", tmp_path / "one", bring_two)
    assert (tmp_path / "far/name").read_bytes() in (b"1" * SIZE, b"2" * SIZE)
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["name"]


def test_what_was_left_behind_writes_to_no_file_that_was_opened_since(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes")
    notes.close()
    with (tmp_path / "other").open("wb") as other:
        notes.add(Note(name="a", mark="m", size=1, mtime_ns=1))
        assert other.tell() == 0
    assert (tmp_path / "other").read_bytes() == b""
