"""What is sound of a file with mistakes is looked at before the file is refused, so that all is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest

from crude_link.config.load import Source, load
from crude_link.errors import ConfigError, Problem
from crude_link.model.pipeline import Pipeline, Step


@dataclass
class Look:
    """A pre-flight that finds something in every step that it is shown."""

    shown: list[Step] = field(default_factory=list)

    def __call__(self, pipeline: Pipeline) -> list[Problem]:
        self.shown += pipeline.steps
        return [
            Problem(message=f"found in {step.name}", line=step.position[0], column=step.position[1])
            for step in pipeline.steps
            if step.position
        ]


def told(folder: Path, text: str, look: Look) -> list[str]:
    path = folder / "config.yaml"
    path.write_text(text)
    now = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    source = Source(path=path, project=folder, now=now, environment={}, run_exec=str, preflight=look)
    with pytest.raises(ConfigError) as error:
        load(source)
    return [problem.message for problem in error.value.problems]


def test_what_pre_flight_finds_is_told_with_the_mistakes_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "steps:\n  - script: a.py\n    timeout: 5\n  - script: b.py\n  - script: c.py\n    retires: 2\n"
    messages = told(tmp_path, text, Look())
    assert [message.split(";")[0].split(" (")[0] for message in messages] == [
        "found in a",
        "step 'a': `timeout`: a duration has a unit: say '5s'",
        "found in b",
        "found in c",
        "step 'c': `retires` is no key of a step",
    ]


@pytest.mark.parametrize(
    "broken",
    [
        "arguments: {x: '${params.x}'}",
        "env: {A: no}",
        "command: ls",
        "script: 5",
        "scirpt: a.py",
        "cwd: [a]",
        "outputs: [[a], b]",
    ],
)
def test_of_a_step_that_cannot_be_read_only_its_outputs_are_looked_at(tmp_path: Path, broken: str) -> None:
    look = Look()
    action = "" if broken.startswith(("script", "scirpt")) else "    script: a.py\n"
    messages = told(tmp_path, f"steps:\n  - name: a\n{action}    {broken}\n  - script: b.py\n", look)
    assert "found in b" in messages
    assert "found in a" not in messages


def test_what_an_unreadable_step_makes_counts_for_those_behind_it(tmp_path: Path) -> None:
    look = Look()
    told(tmp_path, "steps:\n  - {name: a, script: a.py, cwd: 5, outputs: data}\n  - script: b.py\n", look)
    assert look.shown[0].outputs == ("data",)


def test_a_mistake_of_the_file_itself_hides_no_step(tmp_path: Path) -> None:
    messages = told(tmp_path, "timout: 5m\ncron: {}\nsteps:\n  - script: a.py\n", Look())
    assert messages[-1] == "found in a"
    assert len(messages) == 3


@pytest.mark.parametrize(
    "text",
    [
        "secrets: {A: 5}\nsteps:\n  - script: a.py\n",
        "steps:\n  - nothing\n  - script: a.py\n",
    ],
)
def test_where_a_mistake_may_concern_every_step_none_is_looked_at(tmp_path: Path, text: str) -> None:
    look = Look()
    told(tmp_path, text, look)
    assert look.shown == []


def test_a_mistake_in_one_pipeline_hides_no_step_of_another(tmp_path: Path) -> None:
    text = "pipelines:\n  a:\n    steps:\n    - {script: a.py, cwd: 5}\n  b:\n    steps:\n    - script: b.py\n"
    assert "found in b" in told(tmp_path, text, Look())
