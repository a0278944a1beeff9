"""What references become, the document that a record keeps, the JSON Schema and the starter."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf.basecontainer import BaseContainer

from crude_link.config.load import Source, build, json_schema, load
from crude_link.config.starter import starter_config
from crude_link.model.pipeline import Command, Pipeline
from crude_link.model.value import Reference, Template

LISTED = """\
configs:
  - training: &training
      script: tasks/train.py
      arguments: {filters: True}
steps:
  - <<: *training
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


def without_file(pipeline: Pipeline) -> Pipeline:
    """What a record can know of a pipeline: all but places, warnings and what early references became."""
    steps = tuple(replace(step, position=None) for step in pipeline.steps)
    return replace(pipeline, steps=steps, resolved={}, warnings=())


# --- references -----------------------------------------------------------------------------------------


def argument(folder: Path, text: str, **more: Any) -> Any:
    """Return what `text` becomes as an argument of a step with params, a config and an earlier step around it."""
    document = {
        "params": {
            "x": 1,
            "deep": "${params.x}",
            "late": "${.x}",
            "flag": True,
            "words": "a b",
            "which": "x",
            "declared": {"default": "${..x}", "min": 0},
        },
        "configs": {
            "c": {
                "script": "c.py",
                "arguments": {"list": [1, 2], "map": {"k": "v"}, "late": ["${params.x}${run.dir}"], "missing": "???"},
            }
        },
        "secrets": ["TOKEN"],
        "steps": [
            {"name": "first", "script": "f.py"},
            {"name": "s", "script": "a.py", "arguments": {"near": 5, "which": "x", "value": text}},
        ],
    }
    return load_one(folder, json.dumps(document), **more).step("s").arguments["value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${params.x}", 1),
        ("${params.deep}", 1),
        ("${params.late}", 1),
        ("${params.${params.which}}", 1),
        ("a${params.x}${params.flag}", "a1true"),
        ("${.near}", 5),
        ("${..script}", "a.py"),
        ("${configs.c.arguments.list}", [1, 2]),
        ("${configs.c.arguments.list[1]}", 2),
        ("${configs.c.arguments.map}", {"k": "v"}),
        ("${oc.env:HOME}", "/home/u"),
        ("${oc.env:GONE,fallback}", "fallback"),
        ("${oc.env:GONE,'a, b'}", "a, b"),
        ("${oc.env:GONE,null}", None),
        ("${oc.env:GONE,${params.x}}", "1"),
        ("${oc.env:GONE,http://h:80/?a=1&b}", "http://h:80/?a=1&b"),
        ("${oc.decode:'[1, 2]'}", [1, 2]),
        ("${oc.decode:'[${params.x}, 2]'}", [1, 2]),
        ("${oc.select:params.gone,7}", 7),
        ("${oc.dict.keys:configs.c.arguments}", ["list", "map", "late", "missing"]),
        ("${params.${.which}}", 1),
        ("${params.declared}", 1),
        ("${...[0].script}", "f.py"),
        ("${....params.x}", 1),
        ("${configs.c.arguments.late}", [Template(("1", Reference("run.dir")))]),
        ("${configs.c.arguments.missing}", "???"),
        ("${oc.env:UNKNOWN}", "???"),
        ("${exec:git rev-parse HEAD}", "<git rev-parse HEAD>"),
        ("${exec:echo ${params.words} ${HOME}}", "<echo 'a b' ${HOME}>"),
        ("${now:%Y-%m}", "2026-03"),
        ("${file:words.txt}", "from a file"),
        (r"\${params.x}", "${params.x}"),
        (r"\${run.id}", "${run.id}"),
        (r"\\${params.x}", "\\1"),
        ("${oc.env:EVIL}", "${run.id} ${params.x}"),
        ("$5 {x} %", "$5 {x} %"),
    ],
)
def test_an_early_reference_becomes_its_value(tmp_path: Path, text: str, value: object) -> None:
    (tmp_path / "words.txt").write_text("from a file\n")
    environment = {"HOME": "/home/u", "UNKNOWN": "???", "EVIL": "${run.id} ${params.x}"}
    assert argument(tmp_path, text, environment=environment) == value


def test_a_load_leaves_no_resolver_behind_in_omegaconf(tmp_path: Path) -> None:
    before = set(BaseContainer._resolvers)
    assert argument(tmp_path, "${exec:date} ${params.x}") == "<date> 1"
    assert set(BaseContainer._resolvers) == before


def test_late_references_stay_until_the_step_starts(tmp_path: Path) -> None:
    assert argument(tmp_path, "${run.dir}/m-${params.x}-${run.started:%Y-%m-%d}") == Template(
        (Reference("run.dir"), "/m-1-", Reference("run.started:%Y-%m-%d"))
    )
    assert argument(tmp_path, "${steps.first.metrics.loss}") == Template((Reference("steps.first.metrics.loss"),))
    assert argument(tmp_path, "${secrets.TOKEN}") == Template((Reference("secrets.TOKEN"),))


def test_what_is_put_into_a_command_is_quoted_and_the_shells_own_stays(tmp_path: Path) -> None:
    text = r"""
params: {words: "it's $5", n: 3, flag: true}
configs: {c: {script: c.py, inputs: [a b, c]}}
steps:
  - command: >-
      run ${params.words} ${params.n} ${params.flag} ${configs.c.inputs}
      "${HOME}" ${x:-y} \${params.n} ${run.id}
  - command: ${params.words}
  - command: [echo, "${params.words}", "${HOME}"]
  - command: env
    env: {A: "${HOME}/${params.n}", B: '\${params.n}', C: '${params.words}'}
"""
    pipeline = load_one(tmp_path, text)
    first, second, third, fourth = pipeline.steps
    assert isinstance(first.action, Command)
    assert str(first.action.text) == (
        "run 'it'\"'\"'s $5' 3 true 'a b' c \"${HOME}\" ${x:-y} \\${params.n} ${run.id}"
    )
    assert second.action == Command(text="it's $5")
    assert third.action == Command(argv=("echo", "it's $5", "${HOME}"))
    assert fourth.env == {"A": "${HOME}/3", "B": "${params.n}", "C": "it's $5"}
    assert without_file(build(pipeline.document)) == without_file(pipeline)


def test_a_value_is_escaped_for_its_place_in_a_command(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("params: {x: a b}\nsteps: ['echo \"${params.x} ${params.x}\" ${run.id} ${params.x}']\n")
    told: list[str] = []

    def in_shell(before: str, value: str) -> str:
        told.append(before)
        return f"<{value}>"

    source = Source(path=path, project=tmp_path, now=NOW, environment={}, run_exec=str, in_shell=in_shell)
    (pipeline,) = load(source)
    action = pipeline.steps[0].action
    assert isinstance(action, Command)
    assert str(action.text) == 'echo "<a b> <a b>" ${run.id} <a b>'
    assert told == ['echo "', 'echo "<a b> ', 'echo "<a b> <a b>" x ']


def test_what_early_references_became_is_kept(tmp_path: Path) -> None:
    text = "params: {a: 1}\nsteps: [{script: a.py, cwd: 'x${params.a}', arguments: {n: '${now:%Y}'}}]\n"
    assert load_one(tmp_path, text).resolved == {"${params.a}": 1, "${now:%Y}": "2026"}


def test_a_program_that_several_references_ask_for_runs_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def run_exec(text: str) -> str:
        asked.append(text)
        return "v"

    path = tmp_path / "config.yaml"
    path.write_text("steps: [{script: a.py, cwd: '${exec:date}', arguments: {x: '${exec:date}'}}]\n")
    load(Source(path=path, project=tmp_path, now=NOW, environment={}, run_exec=run_exec))
    assert asked == ["date"]


# --- the document ---------------------------------------------------------------------------------------


def test_a_document_is_plain_data_that_a_person_can_read(tmp_path: Path) -> None:
    text = """\
name: x
params: {lr: 1}
env: {A: 1}
steps:
  - arguments: {o: "${run.dir}/m", l: "${params.lr}"}
    script: a.py
"""
    assert load_one(tmp_path, text, "lr=2").document == {
        "name": "x",
        "params": {"lr": 2},
        "steps": [
            {"name": "a", "script": "a.py", "arguments": {"o": "${run.dir}/m", "l": 2}, "env": {"A": 1}},
        ],
    }


_TEXT = st.text(
    alphabet=st.one_of(st.sampled_from(list("\\${}.: ")), st.characters(codec="utf-8")),
    max_size=15,
).map(lambda text: text.replace("${", "\\${"))
_DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.text("abc_-", min_size=1, max_size=5), _DATA, max_size=4))
def test_a_document_gives_the_same_pipeline_again(tmp_path: Path, arguments: dict[str, Any]) -> None:
    config = {"secrets": ["T"], "steps": [{"script": "a.py", "arguments": {**arguments, "t": "${secrets.T}"}}]}
    pipeline = load_one(tmp_path, yaml.safe_dump(config, allow_unicode=False))
    stored = json.loads(json.dumps(pipeline.document))
    assert without_file(build(stored)) == without_file(pipeline)


# --- a large file, the starter, the schema --------------------------------------------------------------


def test_a_file_of_twenty_thousand_lines_is_read(tmp_path: Path) -> None:
    steps = "".join(
        f"  - <<: *base\n    name: s{n}\n    arguments: {{n: {n}}}\n    env:\n      N: {n}\n" for n in range(4000)
    )
    pipeline = load_one(tmp_path, f"configs:\n  base: &base {{script: a.py, arguments: {{x: 1}}}}\nsteps:\n{steps}")
    assert len(pipeline.steps) == 4000
    assert pipeline.steps[-1].arguments == {"x": 1, "n": 3999}
    assert pipeline.steps[-1].needs == ("s3998",)


def test_the_starter_is_a_valid_config(tmp_path: Path) -> None:
    pipeline = load_one(tmp_path, starter_config(), "rows=5")
    assert [step.name for step in pipeline.steps] == ["prepare", "count", "report"]
    assert str(pipeline.step("prepare").action.text) == "seq 5 > ${run.dir}/rows.txt"  # type: ignore[union-attr]  # a command
    assert pipeline.warnings == ()


def test_the_starter_is_valid_with_its_commented_example_too(tmp_path: Path) -> None:
    text = re.sub(r"^  # (?=- (training|<<)|    )", "  ", starter_config(), flags=re.MULTILINE)
    pipeline = load_one(tmp_path, text)
    assert [step.name for step in pipeline.steps] == ["prepare", "training", "count", "report"]


@pytest.mark.parametrize("text", [LISTED, starter_config(), "pipelines: {a: {steps: [ls -l]}}\n"])
def test_the_json_schema_accepts_what_loads(text: str) -> None:
    jsonschema.validate(yaml.safe_load(text), json_schema())


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{scirpt: a.py}]\n",
        "name: x\n",
        "steps: {}\n",
        "timout: 5\nsteps: [ls -l]\n",
        "steps: [{retries: x}]\n",
    ],
)
def test_the_json_schema_refuses_what_does_not(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json_schema())


def test_every_key_of_the_json_schema_allows_a_reference_and_says_what_it_means() -> None:
    schema: Any = json_schema()
    for place in (schema, schema["$defs"]["step"]):
        for key, described in place["properties"].items():
            assert described["description"], key
    values = {"timeout": "${params.t}", "continue_on_failure": "${params.c}", "stdin": "${params.s}"}
    jsonschema.validate({"steps": [{"script": "a.py", **values, "retries": {"max": "${params.m}"}}]}, schema)


def test_a_file_is_read_with_omegaconf_and_a_record_without(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(LISTED + "params: {x: 1}\ncwd: ${params.x}-${run.id}\n")
    program = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from crude_link.config.load import Source, build, load
heavy = lambda: sorted({"omegaconf", "pydantic", "apscheduler", "click"} & set(sys.modules))
build({"name": "x", "steps": [{"name": "s", "script": "a.py", "cwd": "${run.id}"}]})
folder, before = Path(sys.argv[1]), heavy()
now = datetime.now(timezone.utc)
load(Source(path=folder / "config.yaml", project=folder, now=now, environment={}, run_exec=str))
print(before, heavy())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout.strip() == "[] ['omegaconf']"
