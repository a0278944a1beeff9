"""Budgets: no more tasks run than there are cores, memory and disk for."""

from __future__ import annotations

import pytest
from acceptance.starting import Folder

from crude_link.resources.machine import free_disk, memory


def most_at_once(project: Folder, *steps: str) -> int:
    """Return how many tasks ran at the same time."""
    tasks = [task for step in steps for task in project.json("tasks", "1", step)]
    times = [(int(task["began_us"]), int(task["began_us"] + task["wall_seconds"] * 1e6)) for task in tasks]
    return max(sum(began <= moment < end for began, end in times) for moment, _ in times)


def test_tasks_of_two_steps_together_take_no_more_than_there_is(folder: Folder) -> None:
    each = memory() // 2 - 1_000_000
    step = f"command: 'sleep 0.05; : {{item}}', foreach: {{range: 6}}, parallel: 8, memory: {each}B, needs: []"
    folder.config(f"steps: [{{name: one, {step}}}, {{name: two, {step}}}]")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert most_at_once(folder, "one", "two") == 2


def test_no_more_tasks_run_than_there_is_free_disk_for(folder: Folder) -> None:
    each = int(free_disk(folder.directory) * 0.4)
    step = "command: 'sleep 0.05; : {item}', foreach: {range: 6}, parallel: 8"
    folder.config(f"steps: [{{name: one, {step}, disk: {each}B}}]")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert "in 2 slots (all that disk allows)" in ended.err
    assert most_at_once(folder, "one") == 2


@pytest.mark.parametrize(("key", "need"), [("cpus", "5000"), ("disk", "9000000TB")])
def test_a_task_that_takes_more_than_there_is_is_told_before_anything_runs(
    folder: Folder, key: str, need: str
) -> None:
    folder.config(f"steps: [{{name: one, command: 'echo {{item}}', foreach: {{range: 6}}, {key}: {need}}}]")
    ended = folder.run("run", "--no-prompt")
    assert (ended.status, f"one task takes more than there is: `{key}`" in ended.err) == (2, True)
