"""Errand state: how far the transfers of a task are, in a file that outlives the process, until the task succeeds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crude_link.storage.errand_order import ErrandOrder
from crude_link.storage.failures import TransferError
from crude_link.storage.local import LocalFile, listed

#: Files by their absolute paths, as they were at some moment.
Files = Mapping[str, LocalFile]


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrandState:
    """What lay in the local places before the first try of a task in this run, and what has become of them."""

    places: tuple[str, ...]
    #: What was there: it is not the task's, and never removed.
    before: Files
    #: Folders of the task's own, none of which was there.
    absent: tuple[str, ...]
    #: What is here of the far side, as it was fetched, or found to be equal; None: not all is, and the program has
    #: not begun.
    fetched: Files | None = None
    #: What the program made that is to be brought away, once it has succeeded; None: it has not.
    made: Files | None = None

    def is_of_task(self, path: str, file: LocalFile) -> bool:
        """True for a file that is not as it was before the task."""
        return self.before.get(path) != file


def first_look(order: ErrandOrder) -> ErrandState:
    """Return the state of a task at whose places nothing was done yet."""
    owns = dict.fromkeys(str(leg.own) for leg in order.legs)
    return ErrandState(
        places=order.places,
        before=files_at(order.places),
        absent=tuple(own for own in owns if not os.path.lexists(own)),
    )


def files_at(places: Iterable[str]) -> dict[str, LocalFile]:
    """Return the files at some places, each a folder or a file, by their paths."""
    found: dict[str, LocalFile] = {}
    for place in map(Path, places):
        folder = place if place.is_dir() else place.parent
        found.update((f"{folder}/{name}", file) for name, file in listed(place).items())
    return found


class StateFile:
    """The files of one task's state. What cannot be written is a TransferError."""

    def __init__(self, order: ErrandOrder) -> None:
        self._order = order
        self._path = order.notes / f"{order.task}.json"
        self._result = order.notes / f"{order.task}.result"

    def read(self) -> ErrandState | None:
        """Return the state that an earlier try has left; None where there is none, or one of other places."""
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            state = ErrandState(
                places=tuple(data["places"]),
                before=_files(data["before"]),
                absent=tuple(data["absent"]),
                fetched=_files_or_none(data["fetched"]),
                made=_files_or_none(data["made"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return state if state.places == self._order.places else None

    def write(self, state: ErrandState) -> None:
        """Write the state, whole or not at all."""
        data = {
            "places": state.places,
            "before": _plain(state.before),
            "absent": state.absent,
            "fetched": _plain_or_none(state.fetched),
            "made": _plain_or_none(state.made),
        }
        aside = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Names that are not UTF-8 come and go as surrogate escapes, which JSON spells in ASCII.
            aside.write_text(json.dumps(data), encoding="utf-8")
            aside.replace(self._path)
        except OSError as error:
            raise TransferError(f"how far its transfers are cannot be noted in {aside}: {error.strerror}") from error

    def keep_result(self, path: str | None) -> None:
        """Keep what a function returned, lest it be lost with an upload: the function does not run again for that."""
        try:
            text = Path(path).read_bytes() if path else b""
            if text:
                with open(self._result, "wb", opener=_open_private) as file:
                    file.write(text)
        except OSError as error:
            raise TransferError(f"what it returned cannot be kept in {self._result}: {error.strerror}") from error

    def give_result(self, path: str | None) -> None:
        """Give back what the function returned."""
        try:
            if path and self._result.exists():
                Path(path).write_bytes(self._result.read_bytes())
        except OSError as error:
            raise TransferError(f"what it returned is not to be had from {self._result}: {error.strerror}") from error

    def forget(self) -> None:
        """Remove it all: the task has succeeded."""
        self._result.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _plain_or_none(files: Files | None) -> dict[str, tuple[int, int, int]] | None:
    return None if files is None else _plain(files)


def _files_or_none(said: Mapping[str, tuple[int, int, int]] | None) -> dict[str, LocalFile] | None:
    return None if said is None else _files(said)


def _plain(files: Files) -> dict[str, tuple[int, int, int]]:
    return {path: (file.size, file.mtime_ns, file.inode) for path, file in files.items()}


def _files(said: Mapping[str, tuple[int, int, int]]) -> dict[str, LocalFile]:
    return {
        path: LocalFile(size=size, mtime_ns=mtime_ns, inode=inode) for path, (size, mtime_ns, inode) in said.items()
    }
