"""TaskLogs: the output of tasks, out of the archives of their slots."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from crude_link.model.event import Stream
from crude_link.model.task import TaskEnd, TaskRecord
from crude_link.store.archives import ArchiveName, Entry, archives_in, read_archive
from crude_link.store.failures import translated
from crude_link.store.files import RunFiles
from crude_link.store.log_reader import Line, open_if_there

Chunks: TypeAlias = "Iterator[bytes]"

_CHUNK = 256 * 1024


class TaskLogs:
    """Finds and reads the output of tasks. What is gone, by hand or by a retention, reads as empty."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files

    def task_output(self, run: int, step: str, record: TaskRecord) -> tuple[Chunks, Chunks]:
        """Return what a try wrote on stdout, and on stderr, in pieces; of one that never ran, on stderr why."""
        folder, name, end = self._files.tasks(run, step), ArchiveName(record.attempt, record.end.slot), record.end
        if end.offset < 0:
            stdout, stderr = name.own(folder, end.task, end.number)
            return _chunks(stdout, 0, end.stdout_bytes), _chunks(stderr, 0, end.stderr_bytes)
        path = name.path(folder)
        return (
            _chunks(path, end.offset, end.stdout_bytes),
            _chunks(path, end.offset + end.stdout_bytes, end.stderr_bytes),
        )

    def lines(self, run: int, step: str, record: TaskRecord, stream: Stream | None = None) -> Iterator[Line]:
        """Yield the lines of a try without their ends, first all of stdout, for nobody knows how they interleaved."""
        for each, chunks in zip(Stream, self.task_output(run, step, record), strict=True):
            if stream in (None, each):
                yield from ((each, line) for line in _lines(chunks))

    def tries(
        self, run: int, step: str, attempt: int | None = None, read_to: dict[ArchiveName, int] | None = None
    ) -> Iterator[TaskRecord]:
        """Yield all tries, of one attempt at the whole or of all, in the order in which they ended.

        They come without reasons and last lines, straight from the archives: only tries that ran are among them.
        With `read_to`, which is kept up to date, only those that ended since the last call.
        """
        read_to = {} if read_to is None else read_to
        folder = self._files.tasks(run, step)
        by_attempt: dict[int, list[ArchiveName]] = {}
        for name in archives_in(folder):
            if attempt in (None, name.attempt):
                by_attempt.setdefault(name.attempt, []).append(name)
        for number, names in by_attempt.items():
            ends = heapq.merge(*(_ends(folder, name, read_to) for name in names), key=_ended_us)
            yield from (TaskRecord(end=end, attempt=number) for end in ends)


def _ends(folder: Path, name: ArchiveName, read_to: dict[ArchiveName, int]) -> Iterator[TaskEnd]:
    for entry in read_archive(folder, name, read_to.get(name, 0)):
        if isinstance(entry, Entry):
            read_to[name] = entry.next
            yield entry.end


def _ended_us(end: TaskEnd) -> int:
    return end.began_us + end.wall_us


def _chunks(path: Path, start: int, size: int) -> Chunks:
    """Yield `size` bytes of a file from `start` on, or fewer where it is shorter."""
    if not size:
        return
    with translated(path):
        file = open_if_there(path)
    if file is None:
        return
    with file:
        file.seek(start)
        while size > 0:
            with translated(path):
                chunk = file.read(min(_CHUNK, size))
            if not chunk:
                return
            size -= len(chunk)
            yield chunk


def _lines(chunks: Chunks) -> Iterator[bytes]:
    unfinished = bytearray()
    for chunk in chunks:
        unfinished += chunk
        if b"\n" in chunk:
            *lines, left = bytes(unfinished).split(b"\n")
            unfinished[:] = left
            yield from (line.removesuffix(b"\r") for line in lines)
    if unfinished:
        yield bytes(unfinished).removesuffix(b"\r")
