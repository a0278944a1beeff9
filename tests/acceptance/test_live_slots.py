"""`crude-link slots`: the number of slots changes while tasks run."""

from __future__ import annotations

from acceptance.starting import Folder, wait_until

CONFIG = """
steps:
  - name: many
    command: |
      mkdir -p now && touch now/{item}
      while [ ! -e go{item} ] && [ ! -e go ]; do sleep 0.02; done
      rm now/{item}
    foreach: {range: [1, 21]}
    parallel: 2
"""


def running(folder: Folder) -> int:
    return len(list((folder.directory / "now").glob("*")))


def test_the_number_of_slots_changes_while_tasks_run(folder: Folder) -> None:
    folder.config(CONFIG)
    begun = folder.start("run", "--no-prompt")
    wait_until(lambda: running(folder) == 2, "two tasks run")
    ended = folder.run("slots", "last", "many", "5")
    assert ended.status == 0
    assert "many runs in 5 slots now, not 2" in ended.err
    wait_until(lambda: running(folder) == 5, "five tasks run")
    assert folder.run("slots", "1", "many", "1").status == 0
    for task in range(1, 6):
        folder.write(f"go{task}", "")
    wait_until(lambda: running(folder) == 1, "one task runs")
    folder.write("go", "")
    assert begun.wait() == 0
    assert "many runs in 5 slots now, not 2" in folder.read("err")
    tasks = folder.json("tasks", "1", "many")
    assert {task["slot"] for task in tasks[5:]} == {1}


def test_slots_of_what_does_not_run_are_refused_in_words(folder: Folder) -> None:
    folder.config(CONFIG)
    folder.write("go", "")
    assert folder.run("run").status == 0
    ended = folder.run("slots", "1", "many", "3")
    assert (ended.status, "does not go on now" in ended.err) == (2, True)
