"""`timeout: 5x median`: tasks that hang are ended, by what the others have taken."""

from __future__ import annotations

from acceptance.starting import Folder


def test_tasks_that_hang_are_ended_also_those_that_began_before_the_limit_was_known(folder: Folder) -> None:
    folder.config(
        "steps:\n"
        "  - name: some\n"
        "    command: if [ {item} -eq 2 ] || [ {item} -eq 25 ]; then exec sleep 1000; fi\n"
        "    foreach: {range: 30}\n"
        "    parallel: 3\n"
        "    timeout: 5x median\n"
    )
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 1
    assert "some: each task may take 5 s (5x the median of less than 0.1 s, and at least 5 s)" in ended.err
    failed = {task["task"]: task["reason"] for task in folder.json("tasks", "1", "some", "--failed")}
    words = "timed out after 5 s (5x the median of less than 0.1 s, and at least 5 s)"
    assert failed == {3: words, 26: words}
