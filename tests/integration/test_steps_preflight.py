"""What would surely go wrong is told before a run, without running or importing the scripts."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from crude_link.errors import Problem
from crude_link.model.pipeline import ArgumentStyle, Command, Pipeline, Script, Secret, Step
from crude_link.model.run import Selection
from crude_link.model.value import Reference, Template
from crude_link.steps.preflight import Preflight
from crude_link.steps.secrets import Secrets

ALL = Selection()
TRAIN = """
import fire
open(__file__ + ".was_run", "w")

def main(source, epochs: int = 3):
    pass

if __name__ == "__main__":
    fire.Fire(main)
"""


@dataclass
class Place:
    """A project that is looked at."""

    project: Path
    secrets: tuple[Secret, ...] = ()
    tried: list[str] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)

    def told(self, *steps: Step, selection: Selection = ALL) -> tuple[list[str], list[str]]:
        problems, warnings = self.check(*steps, selection=selection)
        return [problem.message for problem in problems], [one for one in warnings if "disk" not in one]

    def check(self, *steps: Step, selection: Selection = ALL) -> tuple[list[Problem], list[str]]:
        def check_interpreter(python: str) -> str | None:
            self.tried.append(python)
            return "it is broken" if "broken" in python else None

        flight = Preflight(
            project=self.project,
            config_file=self.project / "conf/config.yaml",
            environment=dict(os.environ),
            secrets=Secrets(self.secrets, self.project, {"TOO_SHORT": "123"}, lambda command: command),
            check_interpreter=check_interpreter,
        )
        pipeline = Pipeline(name="demo", steps=steps, secrets=self.secrets, params=self.params)
        return flight.check(pipeline, selection)

    def found(self, *steps: Step) -> list[Problem]:
        return self.check(*steps)[0]

    def problems(self, *steps: Step, selection: Selection = ALL) -> list[str]:
        return self.told(*steps, selection=selection)[0]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "conf").mkdir()
    (tmp_path / "train.py").write_text(TRAIN)
    return Place(tmp_path)


def train(**fields: Any) -> Step:
    step = Step(name="train", action=Script(path="train.py"), arguments={"source": "x"}, position=(14, 5))
    return replace(step, **fields)


def test_a_sound_step_has_no_problems_and_is_not_run(place: Place) -> None:
    assert place.told(train()) == ([], [])
    assert not (place.project / "train.py.was_run").exists()


def test_wrong_arguments_are_told_all_at_once(place: Place) -> None:
    assert place.problems(train(arguments={"epoch": 3, "epochs": "abc"})) == [
        "step 'train': train.py has no argument 'epoch'. Did you mean 'epochs'?",
        "step 'train': train.py needs the argument 'source', which is not given",
        "step 'train': train.py wants a whole number, not the text 'abc' for 'epochs'",
    ]


def test_a_problem_bears_the_place_of_its_step(place: Place) -> None:
    flight = Preflight(
        project=place.project,
        config_file=Path("config.yaml"),
        environment={},
        secrets=Secrets((), place.project, {}, str),
        check_interpreter=lambda _: None,
    )
    steps = (train(action=Script(path="gone.py")),)
    problems, _ = flight.check(Pipeline(name="demo", steps=steps), ALL)
    assert str(problems[0]).startswith("config.yaml:14:5: step 'train': the script 'gone.py' is not there")


def test_a_syntax_error_is_told_with_its_line(place: Place) -> None:
    (place.project / "train.py").write_text("a = 1\ndef (:\n")
    assert place.problems(train()) == [
        "step 'train': the script has a syntax error: train.py:2: " + message_of("a = 1\ndef (:\n")
    ]


def message_of(source: str) -> str:
    try:
        compile(source, "x", "exec")
    except SyntaxError as error:
        return error.msg
    raise AssertionError(source)


def test_what_another_python_may_understand_is_only_a_warning(place: Place) -> None:
    (place.project / "train.py").write_text("def (:\n")
    problems, warnings = place.told(train(action=Script(path="train.py", python=sys.executable)))
    assert not problems
    assert "was not understood: train.py:1" in warnings[0]


def test_each_interpreter_is_tried_once(place: Place) -> None:
    step = train(action=Script(path="train.py", python=sys.executable))
    assert not place.problems(step, replace(step, name="again"))
    assert place.tried == [sys.executable]


def test_an_interpreter_that_does_not_start_is_told(place: Place) -> None:
    broken = place.project / "broken"
    broken.write_text("#!/bin/sh\n")
    broken.chmod(0o755)
    step = train(action=Script(path="train.py", python="./broken"))
    assert place.problems(step) == [f"step 'train': the Python '{broken}' does not start: it is broken"]


def test_missing_files_are_told(place: Place) -> None:
    (text,) = place.problems(train(inputs=("data.csv",)))
    assert "the declared input 'data.csv' is not there" in text
    assert "no earlier step names it" in text
    assert "the directory `cwd` 'sub' is not there" in place.problems(train(cwd="sub"))[0]
    assert "the env_file '.env' is not there" in place.problems(train(env_file=".env"))[0]


def test_what_an_earlier_step_makes_need_not_be_there(place: Place) -> None:
    first = Step(name="first", action=Command(text="true"), outputs=("data", "made.py", "made.py.env", "sub/x"))
    then = train(action=Script(path="made.py"), inputs=("data/a.csv",), cwd="sub", env_file="made.py.env")
    assert not place.problems(first, then)
    assert len(place.problems(first, then, selection=Selection(start_at="train"))) == 4


def test_steps_that_are_not_selected_are_not_looked_at(place: Place) -> None:
    assert not place.problems(train(name="bad", inputs=("gone",)), train(), selection=Selection(only="train"))


def test_late_references_are_not_judged(place: Place) -> None:
    late = Template((Reference("run.dir"), "/x"))
    assert not place.problems(train(inputs=(late,), cwd=late, arguments={"source": late, "epochs": late}))


def test_secrets_that_cannot_be_had_are_told_once(place: Place) -> None:
    place.secrets = (
        Secret(name="A", env="NOT_SET"),
        Secret(name="B", env="TOO_SHORT"),
        Secret(name="C", env="UNUSED"),
    )
    env = {"A": Template((Reference("secrets.A"),)), "B": Template((Reference("secrets.B"),))}
    told = place.problems(train(env=env), train(name="again", env=env))
    assert [text.split(":")[1].strip() for text in told] == ["secret 'A'", "secret 'B' has 3 characters"]


def test_a_program_that_is_not_in_the_path_is_told(place: Place) -> None:
    step = Step(name="c", action=Command(argv=("no-such-program",)))
    assert place.problems(step) == ["step 'c': there is no program 'no-such-program' in PATH"]


def test_an_argument_that_cannot_be_passed_is_told(place: Place) -> None:
    step = Step(name="c", action=Command(text="true"), arguments={"a": "x\0y"}, argument_style=ArgumentStyle.PLAIN)
    assert "NUL" in place.problems(step)[0]


LONG = "x" * 300
TOO_LONG = os.strerror(errno.ENAMETOOLONG)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"action": Script(path=LONG)}, "script"),
        ({"action": Script(path="train.py", python=f"./{LONG}")}, "python"),
        ({"cwd": LONG}, "cwd"),
        ({"inputs": ("train.py", LONG)}, "inputs.1"),
        ({"env_file": LONG}, "env_file"),
    ],
)
def test_a_path_that_cannot_be_reached_is_a_problem_at_its_key(place: Place, fields: Any, key: str) -> None:
    (problem,) = place.found(train(**fields, places={key: (20, 7)}))
    assert f"cannot be reached: {TOO_LONG}" in problem.message
    assert (problem.line, problem.column) == (20, 7)


@pytest.mark.parametrize(
    "fields",
    [
        {"action": Script(path="a\0.py")},
        {"action": Script(path="train.py", python="./a\0")},
        {"action": Command(text="echo a\0"), "arguments": {}},
        {"cwd": "a\0"},
        {"inputs": ("a\0",)},
        {"outputs": ("a\0",)},
        {"metrics": "a\0"},
        {"env_file": "a\0"},
    ],
)
def test_a_nul_character_is_a_problem_wherever_it_stands(place: Place, fields: Any) -> None:
    (problem,) = place.problems(train(**fields))
    assert "NUL character" in problem


def test_an_env_file_with_what_no_process_can_be_given_is_a_problem(place: Place) -> None:
    (place.project / ".env").write_bytes(b"A=x\0y\n")
    assert place.problems(train(env_file=".env")) == [
        "step 'train': A of the env_file '.env' holds a NUL character, which no process can be given"
    ]


def test_a_circle_of_links_is_a_problem(place: Place) -> None:
    (place.project / "loop").symlink_to("loop")
    (problem,) = place.problems(train(inputs=("loop",)))
    assert os.strerror(errno.ELOOP) in problem


def test_problems_of_arguments_stand_at_the_arguments(place: Place) -> None:
    step = train(
        arguments={"epoch": 3, "epochs": "abc"},
        places={"arguments": (16, 5), "arguments.epoch": (17, 7), "arguments.epochs": (18, 7)},
    )
    assert [problem.line for problem in place.found(step)] == [16, 17, 18]


def test_a_script_that_is_in_the_cwd_of_its_step_is_looked_for_from_the_project(place: Place) -> None:
    (place.project / "sub").mkdir()
    (place.project / "sub/work.py").write_text("")
    (problem,) = place.problems(Step(name="work", action=Script(path="work.py"), cwd="sub"))
    assert f"in the step's `cwd`: {place.project / 'sub/work.py'}. Paths start at the project directory" in problem


def test_the_value_of_a_secret_that_stands_in_the_config_in_plain_is_a_problem(place: Place) -> None:
    (place.project / "key.txt").write_text("s3cret-word\n")
    place.secrets = (Secret(name="KEY", file="key.txt"),)
    step = train(arguments={"source": "user:s3cret-word"}, places={"arguments.source": (17, 7)})
    (problem,) = place.found(step)
    assert "`arguments.source` holds the value of the secret 'KEY'" in problem.message
    assert problem.line == 17
    assert "s3cret-word" not in problem.message


def test_the_word_for_a_secret_is_no_value_of_it(place: Place) -> None:
    (place.project / "key.txt").write_text("secret\n")
    place.secrets = (Secret(name="KEY", file="key.txt"),)
    step = train(arguments={"source": {"secret": Template((Reference("secrets.KEY"),))}})
    assert not [problem for problem in place.problems(step) if "value of the secret" in problem]


def test_the_value_of_a_secret_in_a_param_is_a_problem(place: Place) -> None:
    (place.project / "key.txt").write_text("s3cret-word\n")
    place.secrets = (Secret(name="KEY", file="key.txt"),)
    place.params = {"token": "s3cret-word"}
    (problem,) = place.problems(train())
    assert problem == (
        "param 'token' holds the value of the secret 'KEY', which the record would keep; "
        "write `${secrets.KEY}` where it is used"
    )


def test_a_project_that_was_taken_away_is_told(place: Place) -> None:
    place.project /= "unmounted"
    text = f"the project {place.project} is out of reach: no such file or directory"
    assert text in place.problems(Step(name="a", action=Command(text="true")))
