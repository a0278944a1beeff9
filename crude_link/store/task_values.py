"""TaskValues: what the functions of tasks returned, out of the files beside the archives of their slots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from crude_link.model.task import TaskRecord
from crude_link.store.failures import translated
from crude_link.store.log_reader import open_if_there

#: What a line has: `value`, or `repr` where there is no JSON for what was returned.
Result = dict[str, object]


class TaskValues:
    """Reads on in each file as far as it must: tasks are asked for by number, and ended in nearly that order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[tuple[int, int], _File | None] = {}

    def of(self, record: TaskRecord) -> Result | None:
        """Return what a task's newest try returned; None when nothing is kept of it."""
        place = (record.attempt, record.end.slot)
        if place not in self._files:
            path = self._folder / f"{place[0]}-{place[1]}.results"
            self._files[place] = _File.at(path)
        file = self._files[place]
        return file.find(record.end.task, record.end.number) if file else None

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            if file:
                file.close()


class _File:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        #: Where the lines are that were passed over.
        self._passed: dict[tuple[int, int], int] = {}
        self._read_to = 0

    @classmethod
    def at(cls, path: Path) -> _File | None:
        file = open_if_there(path)
        return cls(path, file) if file else None

    def find(self, task: int, number: int) -> Result | None:
        with translated(self._path):
            if (task, number) in self._passed:
                self._file.seek(self._passed.pop((task, number)))
                return _parsed(self._file.readline())[1]
            self._file.seek(self._read_to)
            for line in self._lines():
                key, found = _parsed(line)
                if key == (task, number):
                    return found
                self._passed[key] = self._read_to - len(line)
        return None

    def close(self) -> None:
        self._file.close()

    def _lines(self) -> Iterator[bytes]:
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                return
            self._read_to += len(line)
            yield line


def _parsed(line: bytes) -> tuple[tuple[int, int], Result | None]:
    """Return whose a line is, and what it holds; one that is damaged is nobody's."""
    try:
        found: Result = json.loads(line)
        task, number = found.pop("task"), found.pop("number")
    except (ValueError, KeyError, AttributeError):
        return (0, 0), None
    return (int(str(task)), int(str(number))), found


def read_result(path: Path) -> Result | None:
    """Return what the function of a step without tasks returned; None when nothing is kept of it."""
    file = open_if_there(path)
    if file is None:
        return None
    with translated(path), file:
        try:
            found: Result = json.loads(b"{" + file.read() + b"}")
        except ValueError:
            return None
    return found
