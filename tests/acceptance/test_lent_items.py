"""What tasks hold is lent to them: it goes to others as soon as they want it."""

from __future__ import annotations

from acceptance.starting import Folder, wait_until


def test_a_step_that_has_nothing_to_do_now_holds_nothing_up(folder: Folder) -> None:
    config = """
resources: {SEAT: [s1]}
steps:
  - name: many
    command: "[ {item} -gt 3 ]"
    foreach: {range: 3}
    retries: {max: 1, delay: 1h}
    resources: {SEAT: per task}
"""
    folder.config(config)
    idle = folder.start("run", "--no-prompt")
    wait_until(lambda: "task 3: exit 1" in folder.read("err"), "all its tasks to wait for their next try")
    folder.config(config.replace("range: 3", "range: [4, 44]"))
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert "It waits" not in folder.run("why", "1", "many").out
    assert folder.run("stop", "1").status == 0
    idle.wait()


def test_what_tasks_hold_goes_to_another_run_before_its_own_has_ended(folder: Folder) -> None:
    folder.config("""
resources: {SEAT: [s1]}
steps:
  - name: many
    command: |
      echo ${run.id} $TASK_RESOURCE_SEAT >> ran; sleep 0.02
      [ {item} != 99 ] || until [ -e go ]; do sleep 0.02; done
    foreach: {range: 100}
    parallel: 2
    resources: {SEAT: per task}
""")
    begun = [folder.start("run", "--no-prompt") for _ in range(2)]
    wait_until(lambda: {"1 s1", "2 s1"} <= set(folder.read("ran").splitlines()), "tasks of both runs")
    folder.write("go", "")
    assert [one.wait() for one in begun] == [0, 0]
    assert folder.read("ran").count("s1") == 200
