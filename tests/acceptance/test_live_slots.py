"""`crude-link slots`: the number of slots changes while tasks run."""

from __future__ import annotations

import re

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


HELD = """
resources: {PROXY: [p1, p2, p3, p4], SEAT: [s1, s2, s3]}
steps:
  - name: many
    command: |
      mkdir -p now && echo $WORKER_RESOURCE_PROXY > now/${run.id}-{item}
      while [ ! -e go{item} ] && [ ! -e go ]; do sleep 0.02; done
      rm now/${run.id}-{item}
    foreach: {range: [1, 21]}
    parallel: 2
    resources: {PROXY: per slot}
  - name: others
    command: "until [ -e go ]; do sleep 0.02; done; echo {item}"
    foreach: [1]
    resources: {SEAT: per task}
    needs: []
"""


def held(folder: Folder) -> set[str]:
    return {path.read_text().strip() for path in (folder.directory / "now").glob("*")}


def test_slots_that_hold_something_take_more_of_it_and_give_it_back(folder: Folder) -> None:
    folder.config(HELD)
    begun = folder.start("run", "--no-prompt")
    wait_until(lambda: running(folder) == 2, "two tasks run")
    ended = folder.run("slots", "last", "many", "9")
    assert "many runs in 4 slots (all that PROXY allows) now, not 2" in ended.err
    wait_until(lambda: held(folder) == {"p1", "p2", "p3", "p4"}, "four tasks run, each with an item")
    assert "many runs in 1 slot now, not 4" in folder.run("slots", "1", "many", "1").err
    assert "It holds p1, p2, p3, p4 of PROXY." in folder.run("why", "1", "many").out
    folder.write("go1", "")
    folder.write("go2", "")
    folder.write("go3", "")
    wait_until(lambda: "It holds p1, p4 of PROXY." in folder.run("why", "1", "many").out, "what is given back")
    assert "others runs in 3 slots (all that SEAT allows) now" in folder.run("slots", "1", "others", "9").err
    folder.write("go", "")
    assert begun.wait() == 0
    assert len(folder.json("tasks", "1", "many")) == 20
    assert "limited by PROXY" not in folder.read("err")


def test_a_step_that_was_given_fewer_slots_leaves_the_rest_to_another_run(folder: Folder) -> None:
    folder.config(HELD.replace("parallel: 2", "parallel: 4"))
    begun = folder.start("run", "--no-prompt")
    wait_until(lambda: running(folder) == 4, "four tasks run")
    other = folder.start("run", "--no-prompt")
    wait_until(lambda: "waits for PROXY" in folder.run("why", "2", "many").out, "the second run waits")
    asked = folder.run("slots", "2", "many", "2").err
    assert "many runs in 2 slots now, not 4; 2 of them will begin when there is something for them to hold" in asked
    folder.run("slots", "1", "many", "2")
    for task in range(1, 5):
        folder.write(f"go{task}", "")
    wait_until(
        lambda: re.search("It holds p[34], p[34] of", folder.run("why", "2", "many").out), "what was given back"
    )
    folder.write("go", "")
    assert (begun.wait(), other.wait()) == (0, 0)


def test_slots_of_what_does_not_run_are_refused_in_words(folder: Folder) -> None:
    folder.config(CONFIG)
    folder.write("go", "")
    assert folder.run("run").status == 0
    ended = folder.run("slots", "1", "many", "3")
    assert (ended.status, "does not go on now" in ended.err) == (2, True)
