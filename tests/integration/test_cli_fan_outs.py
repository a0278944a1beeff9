"""The commands that look at the tasks of fan-outs, over a real store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asking import Ask
from look_project import NOON, SUCCESS, LookProject

from crude_link.model.run import Attempt, AttemptKey, Ending
from crude_link.model.status import Status
from crude_link.model.task import TaskEnd

BEGAN_US = round(NOON.timestamp() * 1e6)


class Archive:
    """Writes the archive of a slot as the agent does, and the rows as the engine does."""

    def __init__(self, project: LookProject, key: AttemptKey, slot: int) -> None:
        folder = project.store.files.tasks(key.run, key.step)
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{key.number}-{slot}.archive"
        self._path.touch()
        self._slot = slot

    def end(self, task: int, out: bytes = b"", err: bytes = b"", *, exit_status: int = 0, number: int = 1) -> TaskEnd:
        began, wall = BEGAN_US + (task + number - 1) * 1_000_000, 200_000 * task
        begin = b"S %d %d %d\n" % (task, number, began)
        head = b"E %d %d - e %d - %d %d 1000 5000000 %d %d a\n" % (
            task, number, exit_status, began, wall, len(out), len(err),
        )  # fmt: skip
        offset = self._path.stat().st_size + len(begin) + len(head)
        with self._path.open("ab") as file:
            file.write(begin + head + out + err + b"\n")
        return TaskEnd(
            task=task,
            number=number,
            digest="-",
            slot=self._slot,
            ending=Ending.EXITED,
            exit_status=exit_status,
            signal=None,
            began_us=began,
            wall_us=wall,
            cpu_us=1000,
            peak_memory=5_000_000,
            stdout_bytes=len(out),
            stderr_bytes=len(err),
            offset=offset,
            reason=f"exit {exit_status}" if exit_status else "",
            last_line=err.decode().strip().rpartition("\n")[2] if exit_status else "",
        )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LookProject]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRUDE_LINK_HOME", raising=False)
    project = LookProject.at(tmp_path)
    yield project
    project.leave()


def begin_whole(project: LookProject, run: int, step: str = "train", number: int = 1) -> AttemptKey:
    key = AttemptKey(run, step, 0, number)
    argv = ("/usr/bin/python3", "train.py", "{item}")
    attempt = Attempt(key=key, sitting=1, began=NOON, host="thor", argv=argv)
    project.store.attempts.begin_attempt(attempt)
    project.store.tasks.begin_fan(key, "the list")
    return key


@pytest.fixture
def run(project: LookProject) -> int:
    """A run whose fan-out had five tasks in two slots, of which two failed, one after a second try."""
    run = project.begin()
    project.end(project.attempt(run, "prepare"), SUCCESS)
    project.settle(run, "prepare", Status.SUCCEEDED)
    key = begin_whole(project, run)
    one, two = Archive(project, key, 1), Archive(project, key, 2)
    ends = [
        one.end(1, b"first\n"),
        two.end(2, b"", b"HTTP 403: x17\n", exit_status=1),
        one.end(3, b'{"loss": 0.1}\n', b"careful\n"),
        two.end(4, b"half\n", b"HTTP 403: x99\n", exit_status=1),
        one.end(4, b"half again", b"trace\nHTTP 403: x98\n", exit_status=1, number=2),
        two.end(5),
    ]
    project.store.tasks.end_tasks(key, ends)
    reason = "2 of 5 tasks failed"
    slot_time, idle = timedelta(seconds=20), timedelta(seconds=5)
    project.end(key, replace(SUCCESS, exit_status=1, reason=reason, slot_time=slot_time, idle=idle))
    project.settle(run, "train", Status.FAILED, reason)
    project.finish(run, Status.FAILED, f"'train': {reason}")
    return run


def test_tasks_are_listed_by_number_with_how_they_ended(run: int, ask: Ask) -> None:
    answer = ask("tasks")
    head, *lines = answer.out.splitlines()
    assert head.split() == ["task", "status", "try", "slot", "began", "time", "memory", "exit", "last", "line"]
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert lines[3].split()[1:4] == ["failed", "2", "1"]
    assert lines[3].split()[5:] == ["0.8", "s", "5", "MB", "1", "HTTP", "403:", "x98"]
    assert "3 tasks done, 2 failed · crude-link resume 1 --failed · crude-link logs 1 train --task 2" in answer.err


def test_failed_tasks_and_the_first_ones_can_be_chosen(run: int, ask: Ask) -> None:
    assert [task["task"] for task in json.loads(ask("tasks", "1", "train", "--failed", "--json").out)] == [2, 4]
    assert [task["task"] for task in json.loads(ask("tasks", "--limit", "2", "--json").out)] == [1, 2]
    task = json.loads(ask("tasks", "--json", "train").out)[3]
    assert task["try"] == 2
    assert (task["status"], task["exit_status"], task["slot"]) == ("failed", 1, 1)
    assert task["wall_seconds"] == pytest.approx(0.8)


def test_no_task_at_all_is_an_empty_list(project: LookProject, ask: Ask) -> None:
    begin_whole(project, project.begin())
    assert json.loads(ask("tasks", "--json").out) == []
    assert "0 tasks done" in ask("tasks").err


def test_a_step_without_tasks_is_refused(project: LookProject, run: int, ask: Ask) -> None:
    for words in (("tasks", "prepare"), ("export", "prepare", "--joblog", "x"), ("logs", "prepare", "--task", "1")):
        answer = ask(*words)
        assert answer.status == 2
        assert "has no tasks" in answer.err
    plain = project.begin()
    assert "no step of run 2 has tasks" in ask("tasks", str(plain)).err
    for step in ("train", "deploy"):
        begin_whole(project, plain, step)
    assert "name one of them: train, deploy" in ask("tasks", str(plain)).err


def test_the_output_of_one_task_comes_from_its_archive(run: int, ask: Ask) -> None:
    assert ask("logs", "1", "train", "--task", "3").out == '{"loss": 0.1}\ncareful\n'
    assert ask("logs", "--task", "3", "--stderr").out == "careful\n"
    assert ask("logs", "--task", "4").out == "half again\ntrace\nHTTP 403: x98\n"
    assert ask("logs", "--task", "4", "--attempt", "1").out == "half\nHTTP 403: x99\n"
    silent = ask("logs", "--task", "5")
    assert (silent.status, silent.out) == (0, "")
    assert "wrote nothing" in silent.err


@pytest.mark.parametrize("words", [("--task", "6"), ("--task", "3", "--attempt", "2"), ("--task", "3", "-f")])
def test_the_output_of_what_there_is_not_is_refused(run: int, ask: Ask, words: tuple[str, ...]) -> None:
    assert ask("logs", *words).status == 2


def test_the_log_of_a_fan_out_has_all_tries_in_the_order_of_their_ends(run: int, ask: Ask) -> None:
    assert ask("logs", "train", "--stdout").out.splitlines() == [
        "==> train task 1 <==",
        "first",
        "==> train task 3 <==",
        '{"loss": 0.1}',
        "==> train task 4: exit 1 <==",
        "half",
        "==> train task 4, try 2: exit 1 <==",
        "half again",
    ]
    lines = [json.loads(line) for line in ask("logs", "--json", "train").out.splitlines()]
    assert {"step": "train", "task": 3, "try": 1, "stream": "stderr", "line": "careful"} in lines


def test_a_fan_out_can_be_followed_to_its_end(run: int, ask: Ask) -> None:
    assert ask("logs", "train", "-f").out.count("<==") == 5


def test_show_groups_failures_and_measures_tasks(run: int, ask: Ask) -> None:
    shown = ask("show").out
    assert "2 of 5 tasks failed; 3 done" in shown
    assert re.search(r"train +2 +2, 4 +HTTP 403: xN\n", shown)
    assert re.search(r"train +duration +50 % 0.6 s, 90 % 1 s, 99 % 1 s\n", shown)
    assert re.search(r"train +idle slots +25 %, 5 s of 20 s\n", shown)
    assert shown.splitlines()[-1].startswith("crude-link tasks 1 train --failed")
    tasks = json.loads(ask("show", "--json").out)["tasks"]["train"]
    assert tasks["counts"]["failed"] == 2
    assert tasks["failures"][0]["tasks"] == [2, 4]
    assert tasks["figures"]["count"] == 5
    assert tasks["figures"]["retries"] == 1
    assert (tasks["figures"]["slot_time_seconds"], tasks["figures"]["idle_seconds"]) == (20, 5)
    assert tasks["figures"]["duration_50_seconds"] == pytest.approx(0.6)


def test_why_names_the_groups_of_failed_tasks(run: int, ask: Ask) -> None:
    told = ask("why", "train").out
    assert "Of its tasks: 3 tasks done, 2 failed." in told
    assert "Failed 2 times: HTTP 403: xN · tasks 2, 4" in told
    assert "crude-link tasks 1 train --failed" in told


def test_a_job_log_has_the_columns_of_gnu_parallel(run: int, ask: Ask) -> None:
    assert ask("export", "--joblog", "jobs.tsv").status == 0
    head, *lines = Path("jobs.tsv").read_text().splitlines()
    assert head == "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"
    rows = [line.split("\t") for line in lines]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert float(rows[3][2]) == pytest.approx(NOON.timestamp() + 5)
    assert float(rows[3][3]) == pytest.approx(0.8)
    assert rows[3][6:] == ["1", "0", "python3 train.py '{item}'"]


def test_the_output_of_all_tasks_is_written_by_worker_and_task(run: int, ask: Ask) -> None:
    assert ask("export", "1", "train", "--logs", "out").status == 0
    written = {str(path.relative_to("out")): path.read_bytes() for path in Path("out").rglob("*.txt")}
    assert written == {
        "worker=1/task=1.txt": b"first\n",
        "worker=2/task=2.txt": b"HTTP 403: x17\n",
        "worker=1/task=3.txt": b'{"loss": 0.1}\ncareful\n',
        "worker=1/task=4.txt": b"half againtrace\nHTTP 403: x98\n",
        "worker=2/task=5.txt": b"",
    }


def test_an_export_that_cannot_be_written_or_is_of_nothing_is_refused(run: int, ask: Ask) -> None:
    assert "say what to export" in ask("export").err
    answer = ask("export", "--joblog", "no/such/folder.tsv")
    assert answer.status == 2
    assert "no/such/folder.tsv cannot be written" in answer.err


def test_results_are_lines_of_json(run: int, ask: Ask) -> None:
    results = [json.loads(line) for line in ask("results", "1", "train", "--jsonl").out.splitlines()]
    assert results[2] == {"task": 3, "status": "succeeded", "exit": 0, "stdout": '{"loss": 0.1}'}
    assert [each["exit"] for each in results] == [0, 1, 0, 1, 0]
