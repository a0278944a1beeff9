"""The file of a step's results: it is written in pieces, and there once it is whole."""

from __future__ import annotations

import json
from pathlib import Path

from fake_tasks import FakeTasks

from crude_link.errors import NotYet
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.task import TaskEnd
from crude_link.store.files import RunFiles
from crude_link.store.logs import FileLogs
from crude_link.store.results import StepResults
from crude_link.store.task_logs import TaskLogs

KEY = AttemptKey(1, "many", 0, 1)


def an_end(task: int) -> TaskEnd:
    return TaskEnd(
        task=task, number=1, digest="", slot=1, ending=Ending.EXITED, exit_status=0, signal=None,
        began_us=0, wall_us=1, cpu_us=1, peak_memory=None, stdout_bytes=0, stderr_bytes=0, offset=0,
    )  # fmt: skip


def results_of(tmp_path: Path, tasks: int) -> StepResults:
    files = RunFiles(tmp_path)
    store = FakeTasks()
    store.begin_fan(KEY, "source")
    store.end_tasks(KEY, [an_end(task) for task in range(1, tasks + 1)])
    logs = FileLogs(files)
    return StepResults(files, logs, store, TaskLogs(files))


def test_a_long_file_is_written_in_pieces_between_which_others_get_their_turn(tmp_path: Path) -> None:
    results = results_of(tmp_path, 10_000)
    pieces, path = 0, None
    while path is None:
        try:
            path = results.file(KEY)
        except NotYet:
            pieces += 1
            assert not list(tmp_path.rglob("1.jsonl"))
    assert 2 < pieces < 20
    assert [json.loads(line)["task"] for line in path.read_text().splitlines()] == list(range(1, 10_001))
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert results.file(KEY) == path


def test_a_short_file_is_there_at_once(tmp_path: Path) -> None:
    path = results_of(tmp_path, 3).file(KEY)
    assert path.read_text().count("\n") == 3
