"""What is wrong with a config file is told at its place, by name, all at once."""

from __future__ import annotations

import contextlib
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crude_link.config.load import Source, build, load
from crude_link.errors import ConfigError, CrudeLinkError
from crude_link.model.schedule import Schedule
from crude_link.triggers.schedules import schedule_problem, schedule_warning


def _no_programs(text: str) -> str:
    raise CrudeLinkError(f"{text}: exit 127")


def source_of(folder: Path, text: str | bytes, name: str = "config.yaml", settings: tuple[str, ...] = ()) -> Source:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Source(
        path=path,
        project=folder,
        settings=settings,
        now=datetime(2026, 3, 1, 12, tzinfo=timezone.utc),
        environment={},
        run_exec=_no_programs,
        check_schedule=schedule_problem,
        advise_schedule=schedule_warning,
    )


def problems_of(folder: Path, text: str | bytes, *settings: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(source_of(folder, text, settings=settings))
    assert error.value.exit_status == 2
    return [str(problem) for problem in error.value.problems]


STEP = "steps:\n  - {name: s, script: a.py"


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        """\
timout: 5m
params: {lr: {default: 5, max: 3}}
configs:
  training: {script: train.py, arguments: {x: "${params.l}"}}
steps:
  - {script: a.py, timeout: 5, needs: [nobody]}
  - training
  - nothing
  - {command: ls, env: {A: true}, when: a b}
""",
        "lrr=3",
    )
    assert [problem.split(" ")[0] for problem in problems] == [
        "config.yaml:", "config.yaml:1:1:", "config.yaml:2:24:", "config.yaml:4:47:", "config.yaml:6:29:",
        "config.yaml:6:40:", "config.yaml:8:5:", "config.yaml:9:28:", "config.yaml:9:41:",
    ]  # fmt: skip


def test_a_mistake_in_a_config_is_told_once_however_many_steps_use_it(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "configs: {a: {script: a.py, timeout: 5}}\nsteps: [a, a, a]\n")
    assert problems == ["config.yaml:1:38: step 'a': `timeout`: a duration has a unit: say '5s'"]


def test_the_references_of_a_config_that_no_step_uses_are_not_followed(tmp_path: Path) -> None:
    unused = "a: {script: '${exec:false}', timeout: '${params.t}', cwd: '${oc.env:GONE}'}"
    assert load(source_of(tmp_path, f"configs: {{{unused}}}\n{STEP}}}\n"))


def test_a_config_whose_body_is_not_indented_is_explained(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "configs:\n  - training: &t\n    script: a.py\nsteps: [ls -l]\n")
    assert "its keys must be indented further than its name" in problems[0]


def test_two_pipelines_of_one_name_are_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "pipelines: {a: {steps: [ls -l], name: b}, b: {steps: [ls -l]}}\n")
    assert problems[0].endswith("there are two pipelines of the name 'b'")


def test_params_that_lead_to_each_other_are_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "params: {a: '${params.b}', b: '${params.a}'}\nsteps: [ls -l]\n")
    assert len(problems) == 1
    assert "leads back to itself" in problems[0]


def test_an_alias_that_contains_itself_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "steps:\n  - {script: a.py, arguments: &a {x: *a}}\n")
    assert problems == ["config.yaml:2:31: this alias contains itself"]


@pytest.mark.parametrize(
    "value", ["x: " + "[" * 3000 + "]" * 3000, "when: " + "(" * 3000 + "1" + ")" * 3000, "x: " + "9" * 5000]
)
def test_what_no_machine_can_read_is_refused_and_not_crashed_on(tmp_path: Path, value: str) -> None:
    key = "arguments: {" + value + "}" if value.startswith("x") else value
    assert problems_of(tmp_path, f"{STEP}, {key}}}\n")


def test_what_yaml_makes_of_numbers_is_warned_of(tmp_path: Path) -> None:
    (pipeline,) = load(source_of(tmp_path, f"{STEP}, arguments: {{mode: 010, at: 12:30, t: '010'}}}}\n"))
    assert pipeline.step("s").arguments == {"mode": 8, "at": 750, "t": "010"}
    assert pipeline.warnings == (
        "config.yaml:2:47: YAML reads 010 as the number 8; quote it to mean text",
        "config.yaml:2:56: YAML reads 12:30 as the number 750; quote it to mean text",
    )


@pytest.mark.parametrize(
    ("command", "warns"),
    [
        ("cat x | grep y", True),
        ("cat x || true", False),
        ("echo 'a|b' \"c|d\" >| e", False),
        ("cat x |& tee y", True),
        ("echo a \\| b", False),
    ],
)
def test_a_pipe_under_sh_is_warned_of(tmp_path: Path, command: str, warns: bool) -> None:
    (pipeline,) = load(source_of(tmp_path, f"steps:\n  - command: >\n      {command}\n"))
    assert bool(pipeline.warnings) == warns


def test_a_pipe_under_bash_is_not_warned_of(tmp_path: Path) -> None:
    (pipeline,) = load(source_of(tmp_path, "steps:\n  - {command: a | b, shell: bash}\n"))
    assert pipeline.warnings == ()


def test_a_schedule_that_may_mean_something_else_is_warned_of(tmp_path: Path) -> None:
    (pipeline,) = load(source_of(tmp_path, f"cron: {{day: 1, day_of_week: fri}}\n{STEP}}}\n"))
    assert "write `day: '1st fri'`" in pipeline.warnings[0]


def test_a_secret_in_arguments_is_warned_of_and_in_env_it_is_not(tmp_path: Path) -> None:
    text = f"secrets: [TOKEN]\n{STEP}, arguments: {{t: '${{secrets.TOKEN}}'}}, env: {{T: '${{secrets.TOKEN}}'}}}}\n"
    (pipeline,) = load(source_of(tmp_path, text))
    assert len(pipeline.warnings) == 1
    assert "visible to everyone in `ps`" in pipeline.warnings[0]


def test_a_missing_file_offers_the_near_one(tmp_path: Path) -> None:
    source = source_of(tmp_path, "steps: [ls -l]\n", name="config.yml")
    with pytest.raises(ConfigError, match=r"no such file \(did you mean 'config.yml'\?\)"):
        load(Source(
            path=tmp_path / "config.yaml", project=tmp_path, now=source.now, environment={}, run_exec=_no_programs
        ))  # fmt: skip
    with pytest.raises(ConfigError, match="this is a directory"):
        load(Source(path=tmp_path, project=tmp_path, now=source.now, environment={}, run_exec=_no_programs))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("lr", "write NAME=VALUE"),
        ("lrr=1", "there is no param 'lrr' (did you mean 'lr'?)"),
        ("params.lrr=1", "there is no param 'lrr' (did you mean 'lr'?)"),
        ("lr=fast", "'fast' is not a number"),
        ("count=1.5", "'1.5' is not a whole number"),
        ("quick=3", "'3' is not true or false"),
        ("lr=9", "param 'lr' is 9, but must be at most 1"),
        ("size=huge", "param 'size' is 'huge', but must be one of small, large"),
        ("configs.trainig.timeout=5m", "there is no config 'trainig' (did you mean 'training'?)"),
        ("configs.training.timeot=5m", "`timeot` is no key here (did you mean 'timeout'?)"),
        ("configs.training.arguments.epohcs=3", "there is no arguments.epohcs (did you mean 'epochs'?)"),
        ("configs.training=3", "name the place in full"),
        ("steps.tain.timeout=5m", "there is no step 'tain' (did you mean 'train'?)"),
        ("steps.train.timeout=5", "step 'train': `timeout`: a duration has a unit: say '5s'"),
        ("script=a.py", "`script` is a key of a step"),
        ("cwd.x=1", "there is no cwd.x"),
    ],
)
def test_a_setting_that_has_no_place_or_does_not_fit_is_refused(tmp_path: Path, setting: str, words: str) -> None:
    text = """\
cwd: here
params: {lr: {default: 0.1, max: 1}, count: 3, quick: true, size: {default: small, choices: [small, large]}}
configs: {training: {script: train.py, arguments: {epochs: 2}}}
steps: [training, {name: train, script: x.py}]
"""
    problems = problems_of(tmp_path, text, setting)
    assert len(problems) == 1
    assert words in problems[0]


def test_a_schedule_is_judged_by_its_trigger(tmp_path: Path) -> None:
    source = source_of(tmp_path, f"cron: {{year: 1999}}\n{STEP}}}\n")

    def judge(schedule: Schedule) -> str | None:
        return "it lies in the past" if schedule.fields == {"year": 1999} else None

    with pytest.raises(ConfigError, match=r"config\.yaml:1:14: `cron`: it lies in the past"):
        load(Source(
            path=source.path, project=tmp_path, now=source.now, environment={}, run_exec=_no_programs,
            check_schedule=judge,
        ))  # fmt: skip


def test_a_record_that_cannot_be_read_is_told_without_a_place() -> None:
    with pytest.raises(ConfigError) as error:
        build({"name": "x", "steps": [{"name": "a", "script": "a.py", "timeout": 5}]})
    assert str(error.value) == "step 'a': `timeout`: a duration has a unit: say '5s'"


def test_a_file_outside_of_the_project_is_named_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    source = source_of(tmp_path, "")
    with pytest.raises(ConfigError) as error:
        load(Source(
            path=source.path, project=tmp_path / "project", now=source.now, environment={}, run_exec=_no_programs
        ))  # fmt: skip
    assert str(error.value).startswith(f"{source.path}: ")


_PIECES = st.sampled_from(
    [
        "null",
        "5",
        "[]",
        "{}",
        "- x",
        "'",
        "*a",
        "&a ",
        "${",
        "}",
        "${run.id}",
        ": ",
        "\t",
        "<<: ",
        "name: ",
        "\\",
        "~",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 8), _PIECES), min_size=1, max_size=3))
def test_a_damaged_file_is_never_answered_with_a_traceback(
    tmp_path: Path, damages: list[tuple[int, int, str]]
) -> None:
    text = """\
params: {lr: 0.1, out: "${params.lr}/x"}
secrets: [TOKEN]
cron: {minute: '*/10'}
configs:
  - training: &training
      script: train.py
      arguments: {epochs: 3, model: "${run.dir}/m", near: "${.epochs}"}
steps:
  - <<: *training
    env: {T: "${secrets.TOKEN}"}
  - training
  - {name: last-one, needs: [training], when: params.lr < 1, command: "echo ${params.out} | cat"}
"""
    for at, length, piece in damages:
        text = text[:at] + piece + text[at + length :]
    with contextlib.suppress(ConfigError):
        for pipeline in load(source_of(tmp_path, text)):
            build(pipeline.document)


def test_every_wrong_reference_of_a_text_is_told(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "steps:\n  - command: echo ${param.lr} ${HOME} ${parms.x}\n")
    assert [problem.split("`")[1] for problem in problems] == ["${param.lr}", "${parms.x}"]


def test_braces_that_are_no_placeholder_are_text(tmp_path: Path) -> None:
    text = """\
params: {pattern: '{item}'}
steps:
  - name: s
    command: for item in a b; do echo ${item} {item}; done; find . -exec {} +; awk '{print}'
    arguments:
      json: '{"item": 1, "a": {"item": {}}}'
      double: '{{item}}'
      param: ${params.pattern}
      other: '{time} {temp} {a,b} {} {0}'
"""
    (pipeline,) = load(source_of(tmp_path, text))
    assert pipeline.warnings == ()


def test_a_fellow_of_the_item_placeholder_is_warned_of(tmp_path: Path) -> None:
    (pipeline,) = load(source_of(tmp_path, f"{STEP}, arguments: {{x: '{{name}}.png'}}}}\n"))
    (warning,) = pipeline.warnings
    assert "`{name}` stays as it is" in warning


@pytest.mark.parametrize(
    ("step", "key"),
    [
        ("{command: ls, python: python3}", "python"),
        ("{script: a.sh, python: python3}", "python"),
        ("{script: a.py, shell: bash}", "shell"),
    ],
)
def test_a_key_that_does_nothing_is_warned_of(tmp_path: Path, step: str, key: str) -> None:
    (pipeline,) = load(source_of(tmp_path, f"steps:\n  - {step}\n"))
    (warning,) = pipeline.warnings
    assert f"`{key}` does nothing here" in warning


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("params: {lr: 1, l: 2}\nsteps: [{command: 'echo ${params.lr}'}]", "param 'l' is used nowhere"),
        ("steps: [{command: ls, when: failed}]", "`when: failed` never holds here"),
        ("steps: [{command: ls, outputs: 'out/*.csv'}]", "patterns are not expanded"),
        ("steps: [{command: [ls, '|', wc]}]", "no shell sees a list"),
        ("timezone: UTC\nsteps: [{command: ls}]", "`timezone` does nothing without `cron`"),
        ("timezone: UTC\ncron: {hour: 1, timezone: UTC}\nsteps: [{command: ls}]", "for `cron` has its own"),
    ],
)
def test_what_is_allowed_and_probably_not_meant_is_warned_of(tmp_path: Path, text: str, words: str) -> None:
    (pipeline,) = load(source_of(tmp_path, text + "\n"))
    (warning,) = pipeline.warnings
    assert words in warning


def test_what_stands_at_the_top_for_every_step_is_not_warned_of(tmp_path: Path) -> None:
    text = "python: python3\ndefaults: {shell: bash}\nsteps:\n  - {command: ls}\n  - {script: a.sh}\n"
    (pipeline,) = load(source_of(tmp_path, text))
    assert pipeline.warnings == ()


def test_a_boolean_that_a_reference_puts_into_env_is_the_word_that_yaml_writes(tmp_path: Path) -> None:
    text = f"params: {{flag: true}}\n{STEP}, env: {{A: '${{params.flag}}', B: 'x${{params.flag}}'}}}}\n"
    (pipeline,) = load(source_of(tmp_path, text))
    assert pipeline.steps[0].env == {"A": "true", "B": "xtrue"}


@pytest.mark.parametrize(
    "text",
    [
        "params: {a: 1, b: '${.a}'}\nsteps: [{command: 'echo ${params.b}'}]",
        "params: {a: 1}\nsteps: [{command: ls, when: params.a == 1}]",
        "params: {a: 1}\nsteps: [{script: a.py, arguments: {all: '${params}'}}]",
        "params: {a: 1, which: a}\nsteps: [{command: 'echo ${params.${params.which}}'}]",
        "params: {a: 1}\nsteps: [{command: 'echo ${oc.select:params.a}'}]",
    ],
)
def test_a_param_that_is_used_in_any_way_is_not_warned_of(tmp_path: Path, text: str) -> None:
    (pipeline,) = load(source_of(tmp_path, text + "\n"))
    assert pipeline.warnings == ()
