"""From a step with `foreach` to its tasks: inputs, environment, argv, record; tasks are really started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from making import once_made

from crude_link.errors import CannotStart
from crude_link.interfaces import FanWork
from crude_link.model.condition import Facts
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Command, Pipeline, Script, Secret, Step
from crude_link.model.run import AttemptKey, Origin, Run
from crude_link.model.status import Status
from crude_link.model.task import TaskOrder
from crude_link.model.value import Placeholder, Reference, Template, Value
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
NO_FACTS = Facts()
TOKEN = "s3cr3t/t?ken"
ITEM = Template((Placeholder("item"),))
ECHO = Command(text=Template(("echo ", Placeholder("item"))))
SHOW = "import json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n"


@dataclass
class Place:
    """A project in which the tasks of a step can be started."""

    project: Path

    def fan(self, step: Step, facts: Facts = NO_FACTS) -> FanWork:
        declared = (Secret(name="TOKEN", env="MY_TOKEN"),)
        environment = {**os.environ, "MY_TOKEN": TOKEN, "CRUDE_LINK_ITEM": "left over"}
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
        )
        return once_made(lambda: orders.fan_for(RUN, step, AttemptKey(RUN.id, step.name, 0, 2), facts))

    def refusal(self, step: Step) -> str:
        with pytest.raises(CannotStart) as caught:
            self.fan(step)
        return str(caught.value)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "show.py").write_text(SHOW)
    return Place(tmp_path)


def step_of(source: str, value: Value, **more: Any) -> Step:
    said: dict[str, Any] = {"action": ECHO, **more}
    return Step(name="each", foreach=ForEach(source=source, value=value), **said)


def tasks_of(fan: FanWork) -> list[TaskOrder]:
    return [fan.task(item, position, 1) for position, item in fan.inputs(0)]


def output_of(fan: FanWork, task: TaskOrder) -> bytes:
    whole = fan.order.whole
    env = {**whole.env, **task.env}
    return subprocess.run(task.argv, env=env, cwd=whole.cwd, capture_output=True, check=True, timeout=20).stdout


def test_each_input_becomes_a_task(place: Place) -> None:
    fan = place.fan(step_of("items", ["a b", 3, True]))
    tasks = tasks_of(fan)
    assert [(task.task, task.number, output_of(fan, task)) for task in tasks] == [
        (1, 1, b"a b\n"),
        (2, 1, b"3\n"),
        (3, 1, b"true\n"),
    ]
    assert len({task.digest for task in tasks}) == 3
    assert fan.source
    assert fan.share_read() == 1


def test_a_script_is_given_arguments_and_its_input_in_the_environment(place: Place) -> None:
    arguments: dict[str, Value] = {"image": ITEM, "out": Template((Reference("run.dir"), "/", Placeholder("stem")))}
    env: dict[str, Value] = {"OWN": Template(("x", Placeholder("index"))), "SHARED": 3}
    step = step_of("items", ["a/b.png"], action=Script(path="show.py"), arguments=arguments, env=env)
    fan = place.fan(step)
    (task,) = tasks_of(fan)
    argv, seen = json.loads(output_of(fan, task))
    run_dir = place.project / "runs" / "7" / "files"
    assert argv == ["--image=a/b.png", f"--out={run_dir}/b"]
    expected = {
        "CRUDE_LINK_TASK": "1",
        "CRUDE_LINK_ATTEMPT": "1",
        "CRUDE_LINK_ITEM": "a/b.png",
        "CRUDE_LINK_ITEM_JSON": '"a/b.png"',
        "CRUDE_LINK_RUN": "7",
        "CRUDE_LINK_STEP": "each",
        "OWN": "x1",
        "SHARED": "3",
    }
    assert expected.items() <= seen.items()
    assert set(task.env) == {
        "CRUDE_LINK_TASK",
        "CRUDE_LINK_ATTEMPT",
        "CRUDE_LINK_ITEM",
        "CRUDE_LINK_ITEM_JSON",
        "OWN",
    }


def test_the_whole_keeps_what_all_tasks_share(place: Place) -> None:
    step = step_of(
        "range",
        3,
        action=Script(path="show.py"),
        arguments={"n": ITEM},
        env={"OWN": ITEM, "TOKEN": Template((Reference("secrets.TOKEN"),))},
        timeout=timedelta(seconds=5),
        outputs=("made",),
        parallel=3,
    )
    order = place.fan(step).order
    whole = order.whole
    assert (order.slots, whole.timeout, whole.outputs) == (3, timedelta(seconds=5), (place.project / "made",))
    assert order.folder == place.project / "runs" / "7" / "steps" / "each" / "tasks"
    assert order.folder.is_dir()
    assert whole.record_argv == (sys.executable, "show.py", "--n={item}")
    assert whole.script_digest
    assert whole.record_env is not None
    assert whole.record_env["OWN"] == "{item}"
    assert whole.record_env["TOKEN"] == "${secrets.TOKEN}"
    assert TOKEN in whole.masks
    assert "OWN" not in whole.env


def test_a_secret_that_only_tasks_are_given_is_masked(place: Place) -> None:
    text = Template(("echo ", Placeholder("item"), " ", Reference("secrets.TOKEN")))
    step = step_of("items", ["a"], action=Command(text=text), env={})
    fan = place.fan(step)
    assert TOKEN in fan.order.whole.masks
    assert TOKEN in tasks_of(fan)[0].argv[-1]
    assert fan.order.whole.record_argv == ("sh", "-e", "-c", "echo {item} '${secrets.TOKEN}'")


def test_the_slots_are_the_cores_unless_said_otherwise(place: Place) -> None:
    assert place.fan(step_of("range", 3)).order.slots == len(os.sched_getaffinity(0))


def test_bytes_that_are_no_text_arrive_as_they_are(place: Place) -> None:
    (place.project / "in.txt").write_bytes(b"\xff\xfe a\n")
    fan = place.fan(step_of("lines", "in.txt"))
    assert output_of(fan, tasks_of(fan)[0]) == b"\xff\xfe a\n"


def test_an_input_that_no_environment_can_hold_is_left_out_of_it(place: Place) -> None:
    step = step_of(
        "items",
        [{"id": 1, "text": "x" * 200_000}],
        action=Command(argv=("echo", Template((Placeholder("item.id"),)))),
    )
    fan = place.fan(step)
    (task,) = tasks_of(fan)
    assert task.argv == ("echo", "1")
    assert "CRUDE_LINK_ITEM" not in {**fan.order.whole.env, **task.env}


def test_null_is_a_word_of_a_command_and_no_variable(place: Place) -> None:
    fan = place.fan(step_of("items", [None, False], action=Command(argv=("echo", ITEM)), env={"A": ITEM}))
    first, second = tasks_of(fan)
    assert (first.argv, "A" in first.env) == (("echo", "null"), False)
    assert (second.argv, second.env["A"]) == (("echo", "false"), "false")


def test_what_finds_the_inputs_leaves_nothing_behind(place: Place) -> None:
    (place.project / "scans").mkdir()
    (place.project / "scans" / "a b#.tif").touch()
    found = place.fan(step_of("glob", f"file://{place.project}/sc*/*.tif"))
    assert [item for _, item in found.inputs(0)] == [f"file://{place.project}/scans/a b#.tif"]
    assert [item for _, item in place.fan(step_of("command", "echo hello")).inputs(0)] == ["hello"]
    assert not [path for path in place.project.rglob("tasks/*") if path.is_file()]


def test_a_store_that_cannot_be_listed_is_told_in_one_sentence(place: Place) -> None:
    step = step_of("glob", "gone://bucket/*")
    assert place.refusal(step) == (
        "its inputs cannot be listed: gone://bucket: there is no store with the scheme gone:// here"
    )


def test_a_command_gives_the_inputs_and_its_failure_is_told(place: Place) -> None:
    step = step_of("command", Template(("seq 3; echo ", Reference("run.id"))))
    assert [task.argv[-1] for task in tasks_of(place.fan(step))] == ["echo 1", "echo 2", "echo 3", "echo 7"]
    with pytest.raises(Exception, match="ended with exit 3: broken"):
        place.fan(step_of("command", "echo a; echo broken >&2; exit 3"))


def test_a_step_gives_the_lines_of_its_output(place: Place) -> None:
    key = AttemptKey(7, "first", 1, 1)
    log = FileLogs(RunFiles(place.project / "runs")).place(key)
    log.stdout.write_text("a\n\nb\n")
    facts = replace(NO_FACTS, steps={"first": {"attempt": str(key)}})
    fan = place.fan(step_of("step", "first"), facts)
    assert [item for _, item in fan.inputs(0)] == ["a", "b"]
    assert "did not run" in place.refusal(step_of("step", "first"))


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (step_of("lines", "gone.txt"), "the file with the inputs 'gone.txt' is not there"),
        (step_of("range", 3, action=Script(path="gone.py")), "the script 'gone.py' is not there"),
        (step_of("range", 3, cwd="gone"), "the directory `cwd` 'gone' is not there"),
    ],
)
def test_what_no_task_could_be_started_without_is_told(place: Place, step: Step, told: str) -> None:
    assert told in place.refusal(step)


def test_a_task_whose_arguments_cannot_be_given_is_refused_alone(place: Place) -> None:
    fan = place.fan(step_of("items", ["a", "b\0c"]))
    assert fan.task("a", 1, 1).argv[-1] == "echo a"
    with pytest.raises(CannotStart):
        fan.task("b\0c", 2, 1)
