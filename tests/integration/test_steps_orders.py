"""From a step to an order: references, environment, secrets, paths; the orders are really started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from crude_link.errors import CannotStart
from crude_link.model.condition import Facts
from crude_link.model.order import Order, View
from crude_link.model.pipeline import Command, Pipeline, Script, Secret, Step
from crude_link.model.run import AttemptKey, Origin, Run
from crude_link.model.status import Status
from crude_link.model.value import Reference, Template, Value
from crude_link.outputs import Outputs
from crude_link.steps.orders import StepOrders
from crude_link.steps.secrets import Secrets
from crude_link.store.files import RunFiles
from crude_link.store.logs import FileLogs

RUN = Run(
    id=7,
    pipeline="demo",
    origin=Origin.PERSON,
    status=Status.RUNNING,
    began=datetime(2026, 11, 21, 12, tzinfo=timezone.utc),
)
TOKEN = "s3cr3t/t?ken"
NO_FACTS = Facts()
SHOW = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "script": sys.argv[0]}))
"""


def ref(path: str) -> Template:
    return Template((Reference(path),))


@dataclass
class Place:
    """A project in which steps can be started."""

    project: Path
    config_folder: Path | None = None

    def order(self, step: Step, *, facts: Facts = NO_FACTS, run: Run = RUN) -> Order:
        declared = (Secret(name="TOKEN", env="MY_TOKEN"), Secret(name="NONE", env="NOT_SET"))
        environment = {**os.environ, "MY_TOKEN": TOKEN, "CRUDE_LINK_SCHEDULED_FOR": "left over"}
        files = RunFiles(self.project / "runs")
        orders = StepOrders(
            pipeline=Pipeline(name="demo", steps=(step,), secrets=declared),
            project=self.project,
            run_files=files.run_dir,
            logs=FileLogs(files),
            results_file=lambda key: self.project / f"{key}.jsonl",
            secrets=Secrets(declared, self.project, environment, lambda command: command),
            environment=environment,
            outputs=Outputs(self.project, environment),
            config_folder=self.config_folder,
        )
        return orders.order_for(run, step, AttemptKey(run.id, step.name, 1, 2), facts, View())

    def refusal(self, step: Step, *, facts: Facts = NO_FACTS) -> str:
        with pytest.raises(CannotStart) as caught:
            self.order(step, facts=facts)
        return str(caught.value)

    def write_log(self, key: AttemptKey, text: str) -> None:
        FileLogs(RunFiles(self.project / "runs")).place(key).stdout.write_text(text)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "show.py").write_text(SHOW)
    return Place(tmp_path)


def show(**fields: Any) -> Step:
    return replace(Step(name="show", action=Script(path="show.py")), **fields)


def started(order: Order) -> Mapping[str, Any]:
    done = subprocess.run(order.argv, cwd=order.cwd, env=dict(order.env), capture_output=True, check=True)
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told


def test_a_script_runs_as_a_person_would_type_it(place: Place) -> None:
    order = place.order(show(arguments={"a": 1}))
    assert order.argv == (sys.executable, "show.py", "--a=1")
    assert order.cwd == place.project
    assert started(order)["argv"] == ["--a=1"]
    assert order.interpreter is not None
    assert order.interpreter.startswith(sys.executable)
    assert order.script_digest is not None


def test_another_directory_moves_only_the_process(place: Place) -> None:
    (place.project / "sub").mkdir()
    told = started(place.order(show(cwd="sub")))
    assert told["script"] == str(place.project / "show.py")
    assert told["cwd"] == str((place.project / "sub").resolve())


def test_references_are_filled(place: Place) -> None:
    facts = Facts(steps={"train": {"status": "succeeded", "exit": 0, "metrics": {"loss": 0.25, "a.b": 3}}})
    arguments: dict[str, Value] = {
        "id": ref("run.id"),
        "dir": ref("run.dir"),
        "day": ref("run.started:%Y"),
        "loss": ref("steps.train.metrics.loss"),
        "nested": ref("steps.train.metrics.a.b"),
        "text": Template(("x-", Reference("steps.train.status"), "-", Reference("run.pipeline"))),
        "when": ref("run.scheduled_for"),
    }
    order = place.order(show(arguments=arguments), facts=facts)
    assert order.argv[2:] == (
        "--id=7", f"--dir={place.project}/runs/7/files", "--day=2026", "--loss=0.25", "--nested=3",
        "--text=x-succeeded-demo",
    )  # fmt: skip
    assert order.record_resolved is not None
    assert order.record_resolved["${steps.train.metrics.loss}"] == 0.25
    assert (place.project / "runs/7/files").is_dir()


def test_the_output_of_an_earlier_step_is_put_in(place: Place) -> None:
    place.write_log(AttemptKey(7, "first", 1, 3), "it's $(text)\n")
    facts = Facts(steps={"first": {"attempt": "7/first/1/3"}})
    command = Command(text=Template(("printf %s ", Reference("steps.first.stdout"))))
    order = place.order(Step(name="c", action=command), facts=facts)
    done = subprocess.run(order.argv, capture_output=True, text=True, check=True)
    assert done.stdout == "it's $(text)"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"a": ref("steps.first.stdout")}, "did not run"),
        ({"a": ref("steps.other.stdout")}, "no such step has ended"),
        ({"a": ref("steps.first.metrics.loss")}, "step 'first' left no metric 'loss' (it left: none)"),
        ({"a": ref("secrets.NONE")}, "NOT_SET is not set"),
        ({"a": ref("secrets.OTHER")}, "no secret 'OTHER'"),
        ({"a": Template(("x", Reference("run.scheduled_for:%Y")))}, "no schedule began this run"),
    ],
)
def test_a_reference_that_stands_for_nothing_is_told(place: Place, arguments: dict[str, Value], reason: str) -> None:
    facts = Facts(steps={"first": {"attempt": None, "metrics": {}}})
    assert reason in place.refusal(show(arguments=arguments), facts=facts)


def test_an_output_that_is_too_long_is_told(place: Place) -> None:
    place.write_log(AttemptKey(7, "first", 1, 1), "x" * 1_000_002)
    facts = Facts(steps={"first": {"attempt": "7/first/1/1"}})
    assert "longer than 1 MB" in place.refusal(show(arguments={"a": ref("steps.first.stdout")}), facts=facts)


def test_the_record_bears_references_where_the_process_gets_secrets(place: Place) -> None:
    step = show(arguments={"token": ref("secrets.TOKEN")}, env={"KEY": ref("secrets.TOKEN"), "N": 3})
    order = place.order(step)
    told = started(order)
    assert told["argv"] == [f"--token={TOKEN}"]
    assert told["env"]["KEY"] == TOKEN
    assert TOKEN in order.masks
    recorded = repr((order.record_argv, order.record_env, order.record_resolved))
    assert TOKEN not in recorded
    assert order.record_argv[2] == "--token=${secrets.TOKEN}"
    assert order.record_env is not None
    assert (order.record_env["KEY"], order.record_env["N"]) == ("${secrets.TOKEN}", "3")


def test_a_secret_in_the_environment_is_masked_even_if_the_step_does_not_name_it(place: Place) -> None:
    assert TOKEN in place.order(show()).masks


def test_every_step_is_told_about_its_run(place: Place) -> None:
    env = started(place.order(show()))["env"]
    told = {name: value for name, value in env.items() if name.startswith("CRUDE_LINK_")}
    steps = place.project / "runs/7/steps/show"
    assert told == {
        "CRUDE_LINK_RUN": "7",
        "CRUDE_LINK_RUN_DIR": f"{place.project}/runs/7/files",
        "CRUDE_LINK_STEP": "show",
        "CRUDE_LINK_TASK": "1",
        "CRUDE_LINK_ATTEMPT": "2",
        "CRUDE_LINK_METRICS": f"{steps}/2.metrics",
    } | {name: value for name, value in os.environ.items() if name == "CRUDE_LINK_HOME"}
    assert env["PYTHONUNBUFFERED"] == "1"


def test_a_scheduled_run_tells_its_slot_time(place: Place) -> None:
    order = place.order(show(), run=replace(RUN, slot_time=datetime(2026, 1, 2, tzinfo=timezone.utc)))
    assert order.env["CRUDE_LINK_SCHEDULED_FOR"] == "2026-01-02T00:00:00+00:00"


def test_the_config_wins_over_the_env_file_and_what_is_in_it_is_not_recorded(place: Place) -> None:
    (place.project / ".env").write_text("A=file\nB='from file'\nHOME=/other\n")
    order = place.order(show(env_file=".env", env={"A": "config", "GONE": None}))
    assert (order.env["A"], order.env["B"], order.env["HOME"]) == ("config", "from file", "/other")
    assert "GONE" not in order.env
    assert order.record_env is not None
    assert (order.record_env["A"], order.record_env["B"]) == ("config", "(from .env)")


def test_command_text_goes_to_the_shell_with_quoted_arguments(place: Place) -> None:
    step = Step(name="c", action=Command(text="printf '%s\\n'\n"), arguments={"a": "x y", "b": True, "c": None})
    order = place.order(step)
    done = subprocess.run(order.argv, capture_output=True, text=True, check=True)
    assert done.stdout == "--a=x y\n--b=true\n"


def test_an_argv_list_meets_no_shell(place: Place) -> None:
    step = Step(name="c", action=Command(argv=("echo", "$HOME", ref("run.id"), 1.5, True)), arguments={"a": "*"})
    assert place.order(step).argv == ("echo", "$HOME", "7", "1.5", "true", "--a=*")


def test_what_is_no_python_script_is_executed_itself(place: Place) -> None:
    script = place.project / "run.sh"
    script.write_text("#!/bin/sh\necho ran $1\n")
    step = Step(name="c", action=Script(path="run.sh"), arguments={"a": 1})
    assert "chmod +x run.sh" in place.refusal(step)
    script.chmod(0o755)
    order = place.order(step)
    assert order.argv == ("./run.sh", "--a=1")
    assert subprocess.run(order.argv, cwd=order.cwd, capture_output=True, check=True).stdout == b"ran --a=1\n"


def test_a_script_beside_the_config_file_is_pointed_at(place: Place) -> None:
    (place.project / "conf").mkdir()
    (place.project / "conf/other.py").write_text("")
    beside = Place(place.project, config_folder=place.project / "conf")
    reason = beside.refusal(Step(name="c", action=Script(path="other.py")))
    assert f"beside the config file: {place.project}/conf/other.py" in reason


def test_a_missing_input_is_named(place: Place) -> None:
    assert "the declared input 'data.csv' is not there" in place.refusal(show(inputs=("data.csv",)))


@pytest.mark.parametrize("python", ["python3", "env/bin/python", "env"])
def test_an_interpreter_is_a_name_a_path_or_the_folder_of_an_environment(place: Place, python: str) -> None:
    (place.project / "env/bin").mkdir(parents=True)
    (place.project / "env/bin/python").symlink_to(sys.executable)
    order = place.order(Step(name="c", action=Script(path="show.py", python=python)))
    assert order.argv[0].startswith("/")
    assert started(order)["argv"] == []


def test_an_interpreter_that_is_not_there_is_named(place: Place) -> None:
    step = Step(name="c", action=Script(path="show.py", python="python9"))
    assert "no Python 'python9' in PATH" in place.refusal(step)
