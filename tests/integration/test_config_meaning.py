"""What a config file means: names, several pipelines, merging, `--set`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from crude_link.config.load import Source, build, load
from crude_link.model.pipeline import ArgumentStyle, Command, Pipeline, Script, Secret, Stdin
from crude_link.model.policy import FailureKind, Retention, RetryPolicy
from crude_link.model.schedule import Schedule
from crude_link.model.value import Reference, Template

EXAMPLE = """\
cron:
  day_of_week: 'thu'
  hour: '*'
  minute: '*'
  second: '*/10'

configs:
  - preproccess: &preproccess
      script: tasks/preproccess.py
      arguments:
        input_file: data/dummy.data
        nr_images: 500
        filters: True
  - training: &training
      script: tasks/train.py
  - validation: &validation
      script: tasks/validate.py
      arguments:
        input_file: data/dummy.data
  - deployment: &deployment
      script: tasks/deploy.py

steps:
  - <<: *preproccess
  - <<: *training
  - <<: *validation
  - <<: *deployment
"""
NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def load_all(
    folder: Path,
    text: str,
    *settings: str,
    environment: Mapping[str, str] | None = None,
    name: str = "config.yaml",
) -> tuple[Pipeline, ...]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load(
        Source(
            path=path,
            project=folder,
            settings=settings,
            now=NOW,
            environment=environment or {},
            run_exec=lambda command: f"<{command}>\n",
        )
    )


def load_one(folder: Path, text: str, *settings: str, **more: Any) -> Pipeline:
    (pipeline,) = load_all(folder, text, *settings, **more)
    return pipeline


def names_of(folder: Path, text: str) -> list[str]:
    return [step.name for step in load_one(folder, text).steps]


def without_file(pipeline: Pipeline) -> Pipeline:
    """What a record can know of a pipeline: all but places, warnings and what early references became."""
    steps = tuple(replace(step, position=None) for step in pipeline.steps)
    return replace(pipeline, steps=steps, resolved={}, warnings=())


# --- the example of the crude-link document -------------------------------------------------------------


def test_the_example_of_the_document_works_as_it_is(tmp_path: Path) -> None:
    pipeline = load_one(tmp_path, EXAMPLE)
    assert [step.name for step in pipeline.steps] == ["preproccess", "training", "validation", "deployment"]
    assert pipeline.step("preproccess").action == Script(path="tasks/preproccess.py")
    assert pipeline.step("preproccess").arguments == {
        "input_file": "data/dummy.data",
        "nr_images": 500,
        "filters": True,
    }
    assert [step.needs for step in pipeline.steps] == [(), ("preproccess",), ("training",), ("validation",)]
    assert pipeline.schedules == (
        Schedule(fields={"day_of_week": "thu", "hour": "*", "minute": "*", "second": "*/10"}),
    )
    assert pipeline.step("training").position == (25, 5)
    assert pipeline.warnings == ()


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("configs: {a: &a {script: x.py}, b: &b {script: x.py}}\nsteps: [<<: *b, <<: *a]\n", ["b", "a"]),
        ("configs: {a: &a {script: x.py}}\nsteps:\n - <<: *a\n   script: y.py\n", ["a"]),
        ("configs: {a: &a {script: x.py}}\nsteps: [*a, a, <<: *a]\n", ["a", "a-2", "a-3"]),
        ("configs: {a: &a {script: x.py}, b: &b {timeout: 5m}}\nsteps: [<<: [*b, *a]]\n", ["b"]),
        ("configs: {a: &a {script: x.py}, b: &b {<<: *a, timeout: 5m}}\nsteps: [<<: *b]\n", ["b"]),
        ("x-a: &a {script: x.py}\nsteps: [<<: *a, *a]\n", ["x", "x-2"]),
        ("steps: [script: t/train it.py, {script: 01.py}, ls -l, {name: z, script: x.py}]\n",
         ["train-it", "step-2", "step-3", "z"]),
        ("steps: [{script: a.py}, {name: a, script: b.py}]\n", ["a-2", "a"]),
        ("steps: [{name: &n one, script: a.py}]\n", ["one"]),
    ],
)  # fmt: skip
def test_steps_get_the_names_that_a_reader_would_give_them(tmp_path: Path, text: str, names: list[str]) -> None:
    assert names_of(tmp_path, text) == names


def test_a_pipeline_is_named_by_its_folder_and_file(tmp_path: Path) -> None:
    folder = tmp_path / "My project"
    folder.mkdir()
    assert load_one(folder, "steps: [ls -l]\n").name == "My-project"
    assert load_one(folder, "steps: [ls -l]\n", name="config.yml").name == "My-project"
    assert load_one(folder, "steps: [ls -l]\n", name="nightly.yaml").name == "My-project-nightly"
    assert load_one(folder, "name: other\nsteps: [ls -l]\n", name="nightly.yaml").name == "other"
    numbers = tmp_path / "2024"
    numbers.mkdir()
    assert load_one(numbers, "steps: [ls -l]\n").name == "pipeline-2024"


@pytest.mark.parametrize("key", ["pipelines", "jobs"])
def test_several_pipelines_share_the_other_keys(tmp_path: Path, key: str) -> None:
    text = f"""\
env: {{A: 1, B: 2}}
params: {{x: 1}}
configs: {{train: &train {{script: train.py, arguments: {{x: "${{params.x}}"}}}}}}
timeout: 1h
{key}:
  day: {{steps: [train], cron: '@daily', env: {{B: 3}}}}
  night: {{steps: [<<: *train, ls -l], timeout: 2h, params: {{x: 2}}}}
"""
    day, night = load_all(tmp_path, text, "configs.train.timeout=5m", "steps.step-2.timeout=7m")
    assert (day.name, night.name) == ("day", "night")
    assert day.steps[0].env == {"A": 1, "B": 3}
    assert night.steps[0].env == {"A": 1, "B": 2}
    assert (day.steps[0].arguments["x"], night.steps[0].arguments["x"]) == (1, 2)
    assert (day.timeout, night.timeout) == (timedelta(hours=1), timedelta(hours=2))
    assert day.schedules == (Schedule(crontab="@daily"),)
    assert night.schedules == ()
    assert [step.timeout for step in night.steps] == [timedelta(minutes=5), timedelta(minutes=7)]


# --- merging and all keys -------------------------------------------------------------------------------


def test_arguments_and_env_merge_by_key_and_the_rest_is_replaced(tmp_path: Path) -> None:
    text = """\
env: {A: 1, B: 1, C: 1}
cwd: here
defaults: {timeout: 1m, env: {B: 2}, inputs: [d]}
configs:
  base: &base {arguments: {a: 1, b: 1, c: 1}, inputs: [x, y], retries: {max: 2, delay: 5s}}
  train: &train
    <<: *base
    script: t.py
    arguments: {b: 2, c: null, n: null}
steps:
  - <<: *train
    arguments: {a: null, d: [1, {k: v}]}
    env: {A: null, D: x}
    inputs: [z]
    retries: 1
    timeout: null
  - ls -l
"""
    train, listing = load_one(tmp_path, text).steps
    assert train.arguments == {"b": 2, "n": None, "d": [1, {"k": "v"}]}
    assert train.env == {"B": 2, "C": 1, "D": "x"}
    assert train.inputs == ("z",)
    assert train.retries == RetryPolicy(max=1)
    assert train.timeout is None
    assert train.cwd == "here"
    assert listing.timeout == timedelta(minutes=1)
    assert listing.inputs == ("d",)


def test_every_key_reaches_the_model(tmp_path: Path) -> None:
    text = """\
name: all
params: {lr: {default: 0.1, min: 0, help: rate}, mode: fast}
secrets: {TOKEN: null, KEY: MY_KEY, F: {file: key.txt}, C: {command: pass show x}}
timeout: 1h
cron: {minute: '*/10'}
timezone: Europe/Berlin
retention: {runs: 10, days: 1.5, size: 40GB, failed_days: 90}
steps:
  - script: a.py
    python: .venv/bin/python
    arguments: {x: 1e-4}
    argument_style: fire
    env: {A: 1.5}
    env_file: .env
    cwd: work
    stdin: terminal
    stop_grace: 1m
    when: params.lr > 0.01
    timeout: 2d
    retries: {max: 3, delay: 10s, backoff: 2, jitter: 10%, longest_delay: 5m, only: [1, timeout]}
    continue_on_failure: true
    inputs: in.csv
    outputs: [out.csv, "${run.dir}/o"]
    metrics: m.json
    runs_on: local
  - {command: [echo, 1, true], needs: []}
  - {command: a | b, shell: bash}
  - {command: a, shell: [zsh, -c]}
"""
    pipeline = load_one(tmp_path, text)
    step = pipeline.steps[0]
    assert pipeline.params == {"lr": 0.1, "mode": "fast"}
    assert pipeline.secrets == (
        Secret(name="TOKEN", env="TOKEN"),
        Secret(name="KEY", env="MY_KEY"),
        Secret(name="F", file="key.txt"),
        Secret(name="C", command="pass show x"),
    )
    assert pipeline.retention == Retention(runs=10, days=1.5, size_bytes=40 * 10**9, failed_days=90)
    assert pipeline.schedules == (Schedule(fields={"minute": "*/10"}, timezone="Europe/Berlin"),)
    assert step.action == Script(path="a.py", python=".venv/bin/python")
    assert step.arguments == {"x": 1e-4}
    assert (step.argument_style, step.stdin) == (ArgumentStyle.FIRE, Stdin.TERMINAL)
    assert (step.env, step.env_file, step.cwd, step.metrics) == ({"A": 1.5}, ".env", "work", "m.json")
    assert (step.stop_grace, step.timeout) == (timedelta(minutes=1), timedelta(days=2))
    assert step.when is not None
    assert step.when.names == ("params.lr",)
    assert step.retries == RetryPolicy(
        max=3, delay=timedelta(seconds=10), backoff=2, jitter=0.1, longest_delay=timedelta(minutes=5),
        only=(1, FailureKind.TIMEOUT),
    )  # fmt: skip
    assert step.continue_on_failure
    assert step.inputs == ("in.csv",)
    assert step.outputs == ("out.csv", Template((Reference("run.dir"), "/o")))
    assert pipeline.steps[1].action == Command(argv=("echo", 1, True))
    assert pipeline.steps[1].needs == ()
    assert pipeline.steps[2].action == Command(text="a | b", shell=("bash", "-eo", "pipefail", "-c"))
    assert pipeline.steps[3].action == Command(text="a", shell=("zsh", "-c"))
    assert without_file(build(pipeline.document)) == without_file(pipeline)


# --- --set ----------------------------------------------------------------------------------------------

SETTABLE = """\
params:
  lr: 0.1
  version: "1.9"
  size: {default: small, choices: [small, large]}
  seed: {min: 0}
  place: ${params.size}/x
configs:
  training: &training {script: t.py, arguments: {epochs: 2, lr: "${params.lr}"}, retries: {max: 1, delay: 5s}}
steps:
  - <<: *training
  - <<: *training
    arguments: {epochs: 5}
  - training
"""


def test_a_setting_on_a_config_reaches_every_step_made_from_it(tmp_path: Path) -> None:
    pipeline = load_one(tmp_path, SETTABLE, "seed=1", "configs.training.arguments.epochs=9")
    assert [step.arguments["epochs"] for step in pipeline.steps] == [9, 5, 9]


def test_a_setting_on_a_step_reaches_it_alone(tmp_path: Path) -> None:
    pipeline = load_one(
        tmp_path, SETTABLE, "seed=1", "steps.training-2.arguments.epochs=7", "steps.training-3.retries.max=4",
        "steps.training.timeout=5m", "steps.training.arguments.extra=[1, x]", "cwd=away",
    )  # fmt: skip
    assert [step.arguments["epochs"] for step in pipeline.steps] == [2, 7, 2]
    assert [step.retries.max for step in pipeline.steps] == [1, 1, 4]
    assert pipeline.steps[2].retries.delay == timedelta(seconds=5)
    assert pipeline.steps[0].timeout == timedelta(minutes=5)
    assert pipeline.steps[0].arguments["extra"] == [1, "x"]
    assert {step.cwd for step in pipeline.steps} == {"away"}


def test_a_bare_name_sets_a_param_with_the_type_that_it_has(tmp_path: Path) -> None:
    pipeline = load_one(tmp_path, SETTABLE, "lr=1e-3", "version=1.10", "size=large", "params.seed=7")
    assert pipeline.params == {"lr": 1e-3, "version": "1.10", "size": "large", "seed": 7, "place": "large/x"}
    assert pipeline.steps[0].arguments["lr"] == 1e-3
    assert pipeline.resolved["${params.lr}"] == 1e-3


def test_the_value_of_a_setting_may_hold_an_equals_sign_and_references(tmp_path: Path) -> None:
    pipeline = load_one(tmp_path, SETTABLE, "seed=1", "configs.training.arguments.q=a=b-${params.size}")
    assert pipeline.steps[0].arguments["q"] == "a=b-small"


def test_what_a_pipeline_does_not_say_itself_it_has_from_the_top(tmp_path: Path) -> None:
    text = "steps: [ls -l]\nsecrets: [A]\npipelines:\n  a: {timeout: 5m}\n  b: {steps: [ls -a], secrets: [B]}\n"
    first, second = load_all(tmp_path, text)
    assert [step.action for step in (*first.steps, *second.steps)] == [Command(text="ls -l"), Command(text="ls -a")]
    assert [secret.name for secret in second.secrets] == ["A", "B"]


def test_the_word_env_means_the_variable_of_the_secrets_own_name(tmp_path: Path) -> None:
    pipeline = load_one(tmp_path, "secrets: {TOKEN: env, KEY: {env: env}}\nsteps: [ls -l]\n")
    assert pipeline.secrets == (Secret(name="TOKEN", env="TOKEN"), Secret(name="KEY", env="env"))


def test_an_alias_of_another_pipelines_config_is_a_mapping_like_any(tmp_path: Path) -> None:
    text = """\
pipelines:
  a: {configs: {t: &t {script: a.py, timeout: 5m}}, steps: [t]}
  b: {steps: [{<<: *t, cwd: x}]}
"""
    first, second = load_all(tmp_path, text)
    assert first.steps[0].timeout == second.steps[0].timeout == timedelta(minutes=5)
    assert (first.steps[0].name, second.steps[0].name) == ("t", "a")
