"""What would surely go wrong with the tasks of a step is told before a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Command, Pipeline, Script, Step
from crude_link.model.run import Selection
from crude_link.model.value import Placeholder, Reference, Template, Value
from crude_link.steps.preflight import Preflight
from crude_link.steps.secrets import Secrets

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--n", type=int)
parser.add_argument("--name")
parser.parse_args()
"""
FIRE = "import fire\ndef main(n: int = 1, name: str = ''): pass\nfire.Fire(main)\n"
ITEM = Template((Placeholder("item"),))
ECHO = Command(text=Template(("echo ", Placeholder("item"))))


@dataclass
class Place:
    """A project that is looked at."""

    project: Path

    def told(self, *steps: Step) -> tuple[list[str], list[str]]:
        flight = Preflight(
            project=self.project,
            config_file=self.project / "config.yaml",
            environment=dict(os.environ),
            secrets=Secrets((), self.project, {}, lambda command: command),
            check_interpreter=lambda _: None,
        )
        problems, warnings = flight.check(Pipeline(name="demo", steps=steps), Selection())
        return [problem.message for problem in problems], [one for one in warnings if "disk" not in one]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "a.py").write_text(SCRIPT)
    (tmp_path / "f.py").write_text(FIRE)
    (tmp_path / "lines.txt").write_text("12\nb\n")
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "bad.jsonl").write_text("{a: 1}\n")
    return Place(tmp_path)


def step_of(source: str, value: Value, *, key: str | None = None, **more: Any) -> Step:
    said: dict[str, Any] = {"action": ECHO, **more}
    return Step(name="each", foreach=ForEach(source=source, value=value, key=key), **said)


def script_of(source: str, value: Value, script: str = "a.py", **arguments: Value) -> Step:
    return step_of(source, value, action=Script(path=script), arguments=arguments)


@pytest.mark.parametrize(
    "step",
    [
        step_of("lines", "lines.txt"),
        step_of("items", [1, "a"]),
        script_of("items", [1], n=ITEM),
        script_of("lines", "lines.txt", n=ITEM, name=Template(("x", Placeholder("index")))),
        script_of("lines", "lines.txt", "f.py", n=ITEM, name=ITEM),
        step_of("command", "exit 1"),
        step_of("step", "first"),
        step_of("lines", Template((Reference("run.dir"), "/later"))),
        script_of("items", [1], n=Template((Placeholder("item"), Reference("run.id")))),
    ],
)
def test_a_sound_fan_out_is_not_complained_of(place: Place, step: Step) -> None:
    assert place.told(step) == ([], [])


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (step_of("lines", "gone.txt"), "'gone.txt' is not there"),
        (step_of("lines", "gone.txt"), "no earlier step names it under `outputs`"),
        (step_of("jsonl", "bad.jsonl"), "bad.jsonl:1: this line is no JSON"),
        (step_of("items", ["a\0b"]), "with the first input: the command holds a NUL"),
        (step_of("items", [{"a": 1}], key="id"), "input 1 has no field 'id'"),
        (
            step_of("jsonl", "rows.jsonl", action=Command(text=Template((Placeholder("item.b"),)))),
            "with the first input: {item.b}: this input has no field 'b'; it has a",
        ),
        (
            script_of("items", ["x"], n=ITEM),
            "a.py wants a whole number, not the text 'x' for 'n' (with the first input)",
        ),
        (script_of("items", ["x"], "f.py", n=ITEM), "f.py wants a whole number, not the text 'x' for 'n'"),
        (script_of("items", [1], m=ITEM), "has no argument 'm'"),
        (script_of("items", [1], n=3), "its input is used nowhere"),
        (step_of("items", [1], env={"A": Template((Placeholder("item.x"),))}), "has no fields"),
    ],
)
def test_what_would_go_wrong_with_the_first_task_is_told(place: Place, step: Step, told: str) -> None:
    (place.project / "rows.jsonl").write_text('{"a": 1}\n')
    problems, _ = place.told(step)
    assert len(problems) == 1
    assert told in problems[0]


def test_without_inputs_a_warning_is_given(place: Place) -> None:
    assert "its inputs (`lines`) are empty" in place.told(step_of("lines", "empty.txt"))[1][0]
    assert "nothing fits the pattern '*.png' yet" in place.told(step_of("glob", "*.png"))[1][0]


@pytest.mark.parametrize(("source", "value"), [("lines", "made/list.txt"), ("glob", "made/*.png"), ("glob", "*.png")])
def test_what_an_earlier_step_makes_need_not_be_there_yet(place: Place, source: str, value: str) -> None:
    first = Step(name="first", action=Command(text="x"), outputs=("made",))
    assert place.told(first, step_of(source, value)) == ([], [])


def test_a_script_may_ask_the_environment_for_its_input(place: Place) -> None:
    (place.project / "env.py").write_text("import os\nprint(os.environ['CRUDE_LINK_ITEM'])\n")
    assert place.told(script_of("items", [1], "env.py")) == ([], [])
