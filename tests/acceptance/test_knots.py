"""Fan-outs that hold for their slots what the other wants for its tasks come to their end all the same."""

from __future__ import annotations

from acceptance.starting import Folder

STEPS = """
resources: {X: [x1], Y: [y1]}
steps:
  - name: one
    command: sleep 0.05; echo {item} >> ran
    foreach: {range: 5}
    resources: {X: per slot, Y: per task}
    needs: []
  - name: two
    command: sleep 0.05; echo {item} >> ran
    foreach: {range: 5}
    resources: {Y: per slot, X: per task}
    needs: []
"""


def test_two_steps_that_want_what_the_other_holds_both_end(folder: Folder) -> None:
    folder.config(STEPS)
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert sorted(folder.read("ran").split()) == sorted(2 * "01234")


def test_two_runs_that_want_what_the_other_holds_both_end(folder: Folder) -> None:
    folder.config(STEPS)
    begun = [folder.start("run", "--no-prompt", "--only", step) for step in ("one", "two")]
    assert [each.wait() for each in begun] == [0, 0], folder.read("err")
    assert sorted(folder.read("ran").split()) == sorted(2 * "01234")


def test_steps_that_want_in_a_circle_what_the_next_holds_all_end(folder: Folder) -> None:
    step = "command: 'sleep 0.05; echo {item} >> ran', foreach: {range: 5}, needs: []"
    folder.config(f"""
resources: {{X: [x1, x2], Y: [y1, y2], Z: [z1]}}
steps:
  - {{name: one, {step}, resources: {{X: per slot, Y: per task}}}}
  - {{name: two, {step}, resources: {{Y: per slot, Z: per task}}}}
  - {{name: three, {step}, resources: {{Z: per slot, X: per task}}}}
""")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert sorted(folder.read("ran").split()) == sorted(3 * "01234")
