"""The tasks of a file: a JSON or YAML list of `{task_id: ..., data: ...}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from crude_link.errors import CannotStart
from crude_link.inputs.digest import digest_of
from crude_link.inputs.source import Asked
from crude_link.inputs.text_file import TextFile, file_of
from crude_link.model.value import Plain


class TaskFile:
    """Mappings with `task_id`, `data` and whatever else they say, read one after the other.

    Of each id eight bytes are remembered, for an id that comes twice is most likely a mistake.
    """

    def __init__(self, asked: Asked) -> None:
        name = file_of(asked.value)
        self._path = asked.file(name)
        self._file = TextFile(self._path, name)
        self._reached = 0
        self.state = self._file.state

    def items(self) -> Iterator[Plain]:
        """Yield the tasks. CannotStart for one without an id, or with one that came before."""
        seen: dict[int, int] = {}
        for number, task in enumerate(self._entries(), start=1):
            if not isinstance(task, Mapping):
                raise self._problem(number, "is no mapping with `task_id` and `data`")
            if task.get("task_id") is None:
                raise self._problem(number, "has no `task_id`")
            digest = int(digest_of(task["task_id"]), 16)
            if digest in seen:
                raise self._problem(number, f"has the `task_id` {task['task_id']!r}, as task {seen[digest]} has")
            seen[digest] = number
            yield task

    def share_read(self) -> float | None:
        """Return how much of the file was read."""
        return min(1.0, self._reached / self._file.size) if self._file.size else None

    def _entries(self) -> Iterator[Plain]:
        try:
            with _Counted(self._path, self) as file:
                if _is_json(self._path):
                    from crude_link.inputs.json_list import entries_of_json

                    yield from entries_of_json(file)
                else:
                    from crude_link.inputs.yaml_list import entries_of_yaml

                    yield from entries_of_yaml(file)
        except OSError as error:
            raise CannotStart(f"the inputs {self._file.name!r} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise CannotStart(f"the inputs {self._file.name!r}: {error}") from error

    def reach(self, size: int) -> None:
        """Note that so many further bytes were read."""
        self._reached += size

    def _problem(self, number: int, what: str) -> CannotStart:
        return CannotStart(f"the inputs {self._file.name!r}: task {number} {what}")


class _Counted:
    """The bytes of a file; says how many were taken."""

    def __init__(self, path: Path, reader: TaskFile) -> None:
        self._path = path
        self._reader = reader
        self._file: IO[bytes]

    def __enter__(self) -> _Counted:
        self._file = self._path.open("rb")
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes."""
        found = self._file.read(size)
        self._reader.reach(len(found))
        return found


def _is_json(path: Path) -> bool:
    """JSON by its name, or, with a name that says nothing, by its first sign."""
    suffix = path.suffix.lower()
    if suffix in (".json", ".yaml", ".yml"):
        return suffix == ".json"
    with path.open("rb") as file:
        return file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[{")
