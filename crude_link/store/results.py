"""StepResults: what a step gave, as lines of JSON, and as the file behind `${steps.S.results_file}`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from crude_link.interfaces import Logs, TaskStore
from crude_link.model.run import AttemptKey
from crude_link.model.task import TaskRecord
from crude_link.store.failures import translated
from crude_link.store.files import RunFiles
from crude_link.store.task_logs import TaskLogs
from crude_link.store.task_values import Result, TaskValues, read_result


class StepResults:
    """Reads what functions returned, or else what tasks printed."""

    def __init__(self, files: RunFiles, logs: Logs, tasks: TaskStore, task_logs: TaskLogs) -> None:
        self._files = files
        self._logs = logs
        self._tasks = tasks
        self._task_logs = task_logs

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
        """Return the file of what an ended attempt gave, a line for each task; it is written when first asked for."""
        path = self._logs.place(key).stdout.with_suffix(".jsonl")
        if not path.exists():
            returned = None if key.task == 0 else self.of_function(key)
            lines = self.of_tasks(key.run, key.step) if key.task == 0 else [returned] if returned else []
            _write(path, lines)
        return path

    def _stdout(self, run: int, step: str, record: TaskRecord) -> str:
        """Return what a task wrote, its last newline cut, as `${steps.S.stdout}` has it."""
        stdout, _ = self._task_logs.task_output(run, step, record)
        return b"".join(stdout).decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


def _write(path: Path, lines: Iterable[Result]) -> None:
    aside = path.with_name(f".{path.name}.new")
    with translated(path):
        with aside.open("w", encoding="ascii") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        aside.rename(path)
