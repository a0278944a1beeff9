"""StepResults: what a step gave, as lines of JSON, and as the file behind `${steps.S.results_file}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from crude_link.errors import NotYet
from crude_link.interfaces import Logs, TaskStore
from crude_link.model.run import AttemptKey
from crude_link.model.task import TaskRecord
from crude_link.store.failures import translated
from crude_link.store.files import RunFiles
from crude_link.store.task_logs import TaskLogs
from crude_link.store.task_values import Result, TaskValues, read_result

#: A piece of a file is so many bytes, and each line is worth so many more: that takes 20 to 60 ms.
_PIECE = 2_000_000
_COST_OF_LINE = 1_000


class StepResults:
    """Reads what functions returned, or else what tasks printed."""

    def __init__(self, files: RunFiles, logs: Logs, tasks: TaskStore, task_logs: TaskLogs) -> None:
        self._files = files
        self._logs = logs
        self._tasks = tasks
        self._task_logs = task_logs
        #: The files that are being written.
        self._unfinished: dict[Path, Iterator[None]] = {}

    def of_function(self, key: AttemptKey) -> Result | None:
        """Return what the function of a step without tasks returned; None when nothing is kept of it."""
        return read_result(self._logs.place(key).stdout.with_suffix(".result"))

    def of_tasks(self, run: int, step: str) -> Iterator[Result]:
        """Yield, by their numbers, what tasks gave and how they ended."""
        values = TaskValues(self._files.tasks(run, step))
        for record in self._tasks.tasks(run, step):
            facts: Result = {
                "task": record.end.task,
                "status": record.end.status.value,
                "exit": record.end.exit_status,
            }
            yield facts | (values.of(record) or {"stdout": self._stdout(run, step, record)})
        values.close()

    def file(self, key: AttemptKey) -> Path:
        """Return the file of what an ended attempt gave, a line for each task; it is written when first asked for.

        NotYet after each piece of a long one: that of a million tasks takes half a minute.
        """
        path = self._logs.place(key).stdout.with_suffix(".jsonl")
        if path in self._unfinished or not path.exists():
            writing = self._unfinished.pop(path, None) or _writing(path, self._lines(key))
            for _ in writing:
                self._unfinished[path] = writing
                raise NotYet
        return path

    def _lines(self, key: AttemptKey) -> Iterator[Result]:
        if key.task == 0:
            yield from self.of_tasks(key.run, key.step)
        elif returned := self.of_function(key):
            yield returned

    def _stdout(self, run: int, step: str, record: TaskRecord) -> str:
        """Return what a task wrote, its last newline cut, as `${steps.S.stdout}` has it."""
        stdout, _ = self._task_logs.task_output(run, step, record)
        return b"".join(stdout).decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


def _writing(path: Path, results: Iterator[Result]) -> Iterator[None]:
    """Write a file, which is there once it is whole; yields between its pieces."""
    aside, cost = path.with_name(f".{path.name}.new"), 0
    with translated(path):
        with aside.open("w", encoding="ascii") as file:
            for result in results:
                line = json.dumps(result) + "\n"
                file.write(line)
                cost += _COST_OF_LINE + len(line)
                if cost >= _PIECE:
                    cost = 0
                    yield
        aside.rename(path)
