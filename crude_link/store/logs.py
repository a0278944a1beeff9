"""FileLogs: the output of attempts, as it lies in the folders of their runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crude_link.model.event import Stream
from crude_link.model.order import LogPlace
from crude_link.model.run import AttemptKey
from crude_link.store.failures import translated
from crude_link.store.files import RunFiles
from crude_link.store.log_reader import Line, LogReader
from crude_link.store.log_tail import last_lines


class FileLogs:
    """Finds and reads logs. What is gone, by hand or by a retention, reads as empty."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files

    def place(self, key: AttemptKey) -> LogPlace:
        """Return the files of an attempt and make sure that their folder is there."""
        place = self._where(key)
        with translated(place.stdout):
            place.stdout.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def reader(self, key: AttemptKey, stream: Stream | None = None) -> LogReader:
        """Return a reader that can follow the log while it grows; a fan-out has none, see TaskLogs."""
        return LogReader(self._where(key), stream)

    def lines(self, key: AttemptKey, stream: Stream | None = None) -> Iterator[Line]:
        """Yield all lines without their ends, of one stream or of both in order of arrival; none if it is gone.

        Of a fan-out (task 0): those of its tasks, one after the other in the order in which they ended.
        """
        if key.task == 0:
            from crude_link.store.task_logs import TaskLogs  # costs what only fan-outs need

            tasks = TaskLogs(self._files)
            for record in tasks.tries(key.run, key.step, key.number):
                yield from tasks.lines(key.run, key.step, record, stream)
            return
        with self.reader(key, stream) as reader:
            yield from reader.more()
            yield from reader.rest()

    def last_lines(self, key: AttemptKey, count: int) -> tuple[str, ...]:
        """Return the last `count` lines of both streams in order of arrival, without reading the whole log."""
        place = self._where(key)
        with translated(place.stdout):
            return tuple(line.decode("utf-8", "replace") for line in last_lines(place, count))

    def text(self, key: AttemptKey, stream: Stream, limit: int) -> str | None:
        """Return a stream as text, its last newline cut; None when it is longer than `limit` bytes or gone."""
        place = self._where(key)
        path = place.stdout if stream is Stream.STDOUT else place.stderr
        content = _read_at_most(path, limit)
        if content is None:
            return None
        cut = content[:-1].removesuffix(b"\r") if content.endswith(b"\n") else content
        return cut.decode("utf-8", "surrogateescape")

    def _where(self, key: AttemptKey) -> LogPlace:
        name = str(key.number) if key.task == 1 else f"{key.task}.{key.number}"
        start = self._files.folder(key.run) / "steps" / key.step / name
        return LogPlace(
            stdout=start.with_name(name + ".stdout"),
            stderr=start.with_name(name + ".stderr"),
            index=start.with_name(name + ".index"),
        )


def _read_at_most(path: Path, limit: int) -> bytes | None:
    with translated(path):
        try:
            with path.open("rb") as file:
                content = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
    return content if len(content) <= limit else None
