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
from crude_link.model.pipeline import Schedule
from crude_link.triggers.cron import schedule_problem, schedule_warning


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

#: File, place of the one problem, words in its message.
CASES = [
    # the file as a whole
    ("", "", "the file is empty"),
    ("# nothing\n", "", "the file is empty"),
    ("- a\n- b\n", ":1:1", "not a list; put these lines under `steps:`"),
    ("hello\n", ":1:1", "a mapping with at least `steps:`"),
    ("name: x\n", ":1:1", "there is no `steps`"),
    ("name: x\nsteps:\n", ":2:7", "`steps` is empty"),
    ("steps: []\n", ":1:8", "`steps` is empty"),
    ("steps: {a: {script: b}}\n", ":1:8", "`steps` is a list"),
    ("a: 1\n---\nb: 2\n", ":2:1", "a second document begins here"),
    (b"name: caf\xe9\n", ":1:10", "0xe9 is not UTF-8"),
    ("a: \x01\n", ":1:4", "cannot stand in YAML"),
    ("name: x\n\tsteps: []\n", ":2:1", "a tab: YAML indents with spaces only"),
    ("x: 'abc\ny: 1\n", ":2:5", "opened in line 1 is never closed"),
    ("x: @foo\n", ":1:4", "must be quoted: '@foo'"),
    ("a: b: c\n", ":1:5", "a colon here is one too many"),
    # keys
    (f"timout: 5m\n{STEP}}}\n", ":1:1", "`timout` is no key of the file (did you mean 'timeout'?)"),
    (f"cofigs: []\n{STEP}}}\n", ":1:1", "did you mean 'configs'"),
    (f"scheduler: {{hour: 2}}\n{STEP}}}\n", ":1:1", "`scheduler` is no key of the file; here it is called `cron`"),
    (f"{STEP}, depends_on: [x]}}\n", ":2:29", "here it is called `needs`"),
    (f"script: a.py\n{STEP}}}\n", ":1:1", "`script` is a key of a step"),
    ("steps:\n  - scirpt: a.py\n", ":2:5", "step 'step-1': `scirpt` is no key of a step (did you mean 'script'?)"),
    (f"{STEP}, timezone: UTC}}\n", ":2:29", "`timezone` is a key of the file"),
    ("steps:\n  - script: a.py\n    script: b.py\n", ":3:5", "`script` stands here a second time (first in line 2)"),
    (f"{STEP}, foreach: {{glob: x}}}}\n", ":2:29", "`foreach` comes with fan-out"),
    (f"{STEP}, docker: python}}\n", ":2:29", "`docker` comes with SSH hosts"),
    (f"{STEP}, runs_on: gpu1}}\n", ":2:38", "`runs_on: gpu1` comes with SSH hosts"),
    (f"schedule: []\n{STEP}}}\n", ":1:1", "`schedule` comes with schedules"),
    (f"download: []\n{STEP}}}\n", ":1:1", "`download` comes with bucket folders"),
    (f"matrix: {{}}\n{STEP}}}\n", ":1:1", "`matrix` comes with experiments"),
    (f"defaults: {{script: b.py}}\n{STEP}}}\n", ":1:12", "`script` cannot be a default"),
    (f"defaults: 5\n{STEP}}}\n", ":1:11", "`defaults` is a mapping"),
    # steps, configs, names
    ("steps:\n  - arguments: {a: 1}\n", ":2:5", "a step has a `script` or a `command`"),
    (f"{STEP}, command: ls}}\n", ":2:5", "`script` and `command` exclude each other"),
    ("steps:\n  - {command: [ls], shell: bash}\n", ":2:28", "`shell` has no meaning with a list"),
    ("steps:\n  - [a, b]\n", ":2:5", "a step is a mapping"),
    (
        "configs: {training: {script: a.py}}\nsteps:\n  - trainig\n",
        ":3:5",
        "there is no config 'trainig' (did you mean 'training'?)",
    ),
    ("steps:\n  - train.py\n", ":2:5", "to run a file write `script: train.py`"),
    ("configs: [a]\nsteps: [ls -l]\n", ":1:11", "`configs` holds names with mappings"),
    ("configs: {a: train.py}\nsteps: [ls -l]\n", ":1:11", "config 'a' is a mapping"),
    ("configs: {a: {scrit: x}}\nsteps: [ls -l]\n", ":1:15", "config 'a': `scrit` is no key of a step"),
    ("configs:\n - a: {script: x}\n - a: {script: y}\nsteps: [a]\n", ":3:4", "two configs of the name 'a'"),
    ("steps:\n  - <<: *trainig\n", ":2:9", "no anchor `&trainig` is defined"),
    (
        "steps:\n  - <<: *t\nconfigs:\n  - training: &t\n      script: a.py\n",
        ":2:9",
        "`*t` stands before its definition `&t` (line 4)",
    ),
    ("steps:\n  - <<: [5]\n    script: a.py\n", ":2:10", "`<<` merges mappings"),
    (f"{STEP}}}\n  - {{name: s, script: b.py}}\n", ":3:12", "two steps of the name 's'"),
    ("steps:\n  - {name: 5, script: a.py}\n", ":2:12", "bare numbers and `last` stand for runs"),
    ("steps:\n  - {name: a b, script: a.py}\n", ":2:12", "'a b' cannot be a name"),
    (f"name: last\n{STEP}}}\n", ":1:7", "'last' cannot be a name"),
    # values
    (f"{STEP}, timeout: 90}}\n", ":2:38", "`timeout`: a duration has a unit: say '90s'"),
    (f"{STEP}, retries: {{max: 1, dely: 3s}}}}\n", ":2:47", "`dely` is no key of `retries` (did you mean 'delay'?)"),
    (f"{STEP}, retries: {{delay: 3s}}}}\n", ":2:29", "`max` is missing"),
    (f"{STEP}, retries: many}}\n", ":2:38", "`retries` is a number from 0 on, or a mapping"),
    (f"{STEP}, retries: {{max: 1, only: [boom]}}}}\n", ":2:54", "exit codes (1-255), signal, timeout and lost"),
    (f"{STEP}, env: {{X: no}}}}\n", ":2:38", "YAML reads this as false; quote the word"),
    (f"{STEP}, env: {{X: [1]}}}}\n", ":2:38", "an environment variable is text or a number"),
    (f"{STEP}, arguments: 5}}\n", ":2:40", "`arguments` is a mapping, not 5"),
    (f"{STEP}, argument_style: fir}}\n", ":2:45", "`argument_style` is auto or fire or argparse or plain, not 'fir'"),
    (f"{STEP}, stdin: tty}}\n", ":2:36", "`stdin` is nothing or terminal"),
    (f"{STEP}, continue_on_failure: 1}}\n", ":2:50", "is true or false, not 1"),
    (f"{STEP}, inputs: 5}}\n", ":2:37", "`inputs` is a list, not 5"),
    (f"{STEP}, cwd: 5}}\n", ":2:34", "`cwd` is text, not 5; quote it"),
    (f"{STEP}, shell: fish}}\n", ":2:36", "`shell` is sh, bash or a list"),
    (f"retention: {{size: 40}}\n{STEP}}}\n", ":1:19", "say '40GB'"),
    (f"retention: {{run: 4}}\n{STEP}}}\n", ":1:13", "`run` is no key of `retention` (did you mean 'runs'?)"),
    (f"secrets: {{A: {{fil: x}}}}\n{STEP}}}\n", ":1:10", "secret 'A' has one source"),
    (f"{STEP}, arguments: {{x: !thing y}}}}\n", ":2:44", "the tag !thing is not known here"),
    # beginners' traps
    (f"cron:\n  minute: */10\n{STEP}}}\n", ":2:11", "quote the text: '*/10'"),
    ("steps:\n  - script: a.py\n    arguments:\n      glob: *.png\n", ":4:13", "quote the text: '*.png'"),
    ("steps:\n  - script: a.py\n    arguments:\n      image: {item}\n", ":4:14", "quote it: '{item}'"),
    (f'env: {{A: {{{{ Exec "id -u" }}}}}}\n{STEP}}}\n', ":1:10", "write `${exec:id -u}`"),
    ("steps:\n  - script: a.py\n    cwd: '{{ Env \"X\" }}'\n", ":3:10", "write `${oc.env:X}`"),
    ("steps:\n  - script: a.py\n    python: 3.10\n", ":3:13", "a path or a program, not a version"),
    ("steps:\n  - script: train.py --lr 3\n", ":2:13", "`script` is a file only: `script: train.py`, and `--lr 3`"),
    ("steps:\n  - script: a.py\n    on: gpu\n", ":3:5", "`runs_on`"),
    ("steps:\n  - script: a.py\n    when: 'a' == b\n", ":3:15", "quote the whole value of `when`"),
    # needs and when
    (f"{STEP}, needs: [t]}}\n  - {{name: tt, script: b.py}}\n", ":2:37", "there is no step 't' (did you mean 'tt'?)"),
    (f"{STEP}, needs: [{{a: 1}}]}}\n", ":2:37", "`needs.0` is text, not a mapping"),
    (f"{STEP}, when: 9{'9' * 5000} > 1}}\n", ":2:35", "digits"),
    (f"{STEP}, needs: s}}\n", ":2:36", "it needs itself"),
    (f"{STEP}, needs: [t]}}\n  - {{name: t, script: b.py}}\n", ":2:36", "in a circle: s needs t needs s"),
    (f"{STEP}, when: params.x > 1}}\n", ":2:35", "`when`: there is no param 'x'"),
    (f"{STEP}, when: x > 1}}\n", ":2:35", "'x' is no name it knows"),
    (f"{STEP}, when: steps.s.status == 'failed'}}\n", ":2:35", "step 's' does not come earlier"),
    (f"{STEP}, when: true}}\n", ":2:35", "`when` is text"),
    # params
    (f"params: {{lr: {{min: 0}}}}\n{STEP}}}\n", ":1:14", "param 'lr' has no value; set it: --set lr=..."),
    (f"params:\n  lr: ???\n{STEP}}}\n", ":2:7", "set it: --set lr=..."),
    (f"params: {{lr: {{default: 5, max: 3}}}}\n{STEP}}}\n", ":1:24", "param 'lr' is 5, but must be at most 3"),
    (f"params: {{m: {{default: x, choices: [a, b]}}}}\n{STEP}}}\n", ":1:23", "must be one of a, b"),
    (f"params: {{m: {{defalt: x, default: 1}}}}\n{STEP}}}\n", ":1:14", "did you mean 'default'"),
    (f"params: {{m: [1]}}\n{STEP}}}\n", ":1:13", "a single value"),
    # references
    (f"{STEP}, cwd: '${{param.lr}}'}}\n", ":2:34", "`${param.lr}` is no reference (did you mean 'params'?)"),
    (f"params: {{lr: 1}}\n{STEP}, cwd: '${{params.l}}'}}\n", ":3:34", "params has no 'l' (did you mean 'lr'?)"),
    (f"{STEP}, cwd: '${{HOME}}'}}\n", ":2:34", "for the text itself write `\\${HOME}`"),
    (f"{STEP}, cwd: '${{steps.b.stdout}}'}}\n", ":2:34", "there is no step 'b'"),
    (f"{STEP}, cwd: '${{steps.s.stdout}}'}}\n", ":2:34", "step 's' does not come earlier"),
    (f"{STEP}, cwd: '${{run.dirr}}'}}\n", ":2:34", "a run has no 'dirr' (did you mean 'dir'?)"),
    (f"{STEP}, cwd: '${{run.id:%Y}}'}}\n", ":2:34", "only `run.started` takes a format"),
    (f"{STEP}, cwd: '${{secrets.T}}'}}\n", ":2:34", "there is no secret 'T'"),
    (f"{STEP}, cwd: '${{oc.env:NOPE}}'}}\n", ":2:34", "the environment variable NOPE is not set"),
    (f"{STEP}, cwd: '${{exec:false}}'}}\n", ":2:34", "`${exec:false}`: false: exit 127"),
    (f"{STEP}, cwd: '${{exce:false}}'}}\n", ":2:34", "there is no 'exce' (did you mean 'exec'?)"),
    (f"{STEP}, cwd: '${{file:gone.txt}}'}}\n", ":2:34", "No such file"),
    (f"{STEP}, cwd: '${{params.x'}}\n", ":2:34", "has no closing brace"),
    (f"{STEP}, cwd: '${{.....x}}'}}\n", ":2:34", "more dots than there are levels"),
    (f"{STEP}, cwd: '${{.cwd}}'}}\n", ":2:34", "leads back to itself"),
    ("steps:\n  - command: echo ${param.lr} ${HOME}\n", ":2:14", "`${param.lr}` is no reference"),
    (f"params: {{a: '${{run.id}}'}}\n{STEP}}}\n", ":1:13", "cannot stand in `params`"),
    # cron
    (f"cron:\n{STEP}}}\n", ":1:1", "would fire every second"),
    (f"cron: {{}}\n{STEP}}}\n", ":1:1", "would fire every second"),
    (f"cron: {{minut: 5}}\n{STEP}}}\n", ":1:15", "unknown field `minut`. Did you mean `minute`?"),
    (f"cron: {{hour: 25}}\n{STEP}}}\n", ":1:14", "25 is not between 0 and 23"),
    (f"cron: {{day_of_week: sun-mon}}\n{STEP}}}\n", ":1:21", "runs backwards"),
    (f"cron: {{day_of_week: thur}}\n{STEP}}}\n", ":1:21", "did you mean `thu`"),
    (f"cron: {{day: 30, month: 2}}\n{STEP}}}\n", ":1:1", "never comes"),
    (f"cron: {{hour: 2, timezone: Mars/Olympus}}\n{STEP}}}\n", ":1:27", "no time zone"),
    (f"cron: '0 25 * * *'\n{STEP}}}\n", ":1:7", "25 is not between 0 and 23"),
    (f"cron: '0 2 30 2 *'\n{STEP}}}\n", ":1:7", "never comes"),
    (f"cron: '@dayly'\n{STEP}}}\n", ":1:7", "did you mean `@daily`?"),
    (f"timezone: Mars/Olympus\ncron: '@daily'\n{STEP}}}\n", ":1:11", "no time zone"),
    # several pipelines
    ("pipelines: {a: 5}\n", ":1:16", "pipeline 'a' is a mapping with `steps`"),
    ("pipelines: []\n", ":1:12", "`pipelines` is a mapping"),
]


@pytest.mark.parametrize(("text", "place", "words"), CASES)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, text: str | bytes, place: str, words: str) -> None:
    problems = problems_of(tmp_path, text)
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"config.yaml{place}: ")
    assert words in problems[0]


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
