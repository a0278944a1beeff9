"""Each mistake that a config file can have is told at its place, by name."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from crude_link.config.load import Source, load
from crude_link.errors import ConfigError, CrudeLinkError
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
    ("a: b: c\n", ":1:5", "for the end of a key; quote the whole text: 'b: c'"),
    ('steps:\n  - command: echo "a: b"\n', ":2:21", "quote the whole text: 'echo \"a: b\"'"),
    ('steps:\n  - echo "a: b"\n', ":2:5", "quote the whole line if it is a command"),
    ("steps:\n- name: a\n  command: b\n    cwd: c\n", ":4:8", "`cwd` is indented further than the line above"),
    ("steps:\n  - name: a\n   command: b\n", ":3:4", "the indentation of `command` fits nothing above"),
    ("steps:\n  - name: a\n  command: b\n", ":3:3", "the indentation of `command` fits nothing above"),
    ("a:\n  b: 1\n c: 2\n", ":3:2", "the indentation of `c` fits nothing above"),
    ("a: [1, 2\nb: 3\n", ":2:2", "opened in line 1 is not closed before this"),
    ("a: b\nfoo\nc: d\n", ":3:1", "line 2 is no `key: value`"),
    ("a: &x 1\nb: &x 2\n", ":2:4", "the anchor `&x` is defined a second time (first in line 1)"),
    # keys
    (f"timout: 5m\n{STEP}}}\n", ":1:1", "`timout` is no key of the file (did you mean 'timeout'?)"),
    (f"cofigs: []\n{STEP}}}\n", ":1:1", "did you mean 'configs'"),
    (f"scheduler: {{hour: 2}}\n{STEP}}}\n", ":1:1", "`scheduler` is no key of the file; here it is called `cron`"),
    (f"{STEP}, depends_on: [x]}}\n", ":2:29", "here it is called `needs`"),
    (f"script: a.py\n{STEP}}}\n", ":1:1", "`script` is a key of a step"),
    ("steps:\n  - scirpt: a.py\n", ":2:5", "step 'step-1': `scirpt` is no key of a step (did you mean 'script'?)"),
    (f"{STEP}, timezone: UTC}}\n", ":2:29", "`timezone` is a key of the file"),
    ("steps:\n  - script: a.py\n    script: b.py\n", ":3:5", "`script` stands here a second time (first in line 2)"),
    (f"{STEP}, docker: python}}\n", ":2:29", "`docker` comes with SSH hosts"),
    (f"{STEP}, runs_on: gpu1}}\n", ":2:38", "`runs_on: gpu1` comes with SSH hosts"),
    (f"download: {{from: 's4://b/x', to: x}}\n{STEP}}}\n", ":1:18", "'s4://' is no kind of store"),
    (f"matrix: {{}}\n{STEP}}}\n", ":1:1", "`matrix` comes with experiments"),
    (f"defaults: {{script: b.py}}\n{STEP}}}\n", ":1:12", "`script` cannot be a default"),
    (f"defaults: 5\n{STEP}}}\n", ":1:11", "`defaults` is a mapping"),
    # steps, configs, names
    ("steps:\n  - arguments: {a: 1}\n", ":2:5", "a step has a `script`, a `command` or a `function`"),
    ("steps:\n  - {name: a, runs_on: local}\n", ":2:5", "a step has a `script`, a `command` or a `function`"),
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
    (f"{STEP}, arguments: 5}}\n", ":2:40", "`arguments` is a mapping such as {rate: 0.1}, not 5"),
    (f"{STEP}, argument_style: fir}}\n", ":2:45", "`argument_style` is auto or fire or argparse or plain, not 'fir'"),
    (f"{STEP}, stdin: tty}}\n", ":2:36", "`stdin` is nothing or terminal"),
    (f"{STEP}, continue_on_failure: 1}}\n", ":2:50", "is true or false, not 1"),
    (f"{STEP}, inputs: 5}}\n", ":2:37", "`inputs` is a list, not 5"),
    (f"{STEP}, cwd: 5}}\n", ":2:34", "`cwd` is a path, not 5; quote it"),
    (f"{STEP}, shell: fish}}\n", ":2:36", "`shell` is sh, bash or a list"),
    (f"retention: {{size: 40}}\n{STEP}}}\n", ":1:19", "say '40GB'"),
    (f"retention: {{run: 4}}\n{STEP}}}\n", ":1:13", "`run` is no key of `retention` (did you mean 'runs'?)"),
    (f"secrets: {{A: {{fil: x}}}}\n{STEP}}}\n", ":1:14", "`secrets.A`: a secret has one source"),
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
    (f"{STEP}, cwd: '${{oc.nope:1}}'}}\n", ":2:34", "`${oc.nope:1}`: Unsupported interpolation type oc.nope"),
    (f"{STEP}, cwd: '${{oc.select:a b[}}'}}\n", ":2:34", "this is not written as a reference is"),
    (
        f"{STEP}, cwd: '${{oc.select:${{run.id}}}}'}}\n",
        ":2:34",
        "`${run.id}`: a reference within a reference must be",
    ),
    (f"params: {{x: 1}}\n{STEP}, cwd: '${{params.x.y}}'}}\n", ":3:34", "params.x has no 'y'"),
    (f"{STEP}, cwd: '${{file:gone.txt}}'}}\n", ":2:34", "No such file"),
    (f"{STEP}, cwd: '${{params.x'}}\n", ":2:34", "has no closing brace"),
    (f"{STEP}, cwd: '${{.....x}}'}}\n", ":2:34", "more dots than there are levels"),
    (f"{STEP}, cwd: '${{.cwd}}'}}\n", ":2:34", "leads back to itself"),
    ("steps:\n  - command: echo ${param.lr} ${HOME}\n", ":2:14", "`${param.lr}` is no reference"),
    (f"params: {{a: '${{run.id}}'}}\n{STEP}}}\n", ":1:13", "cannot stand in `params`"),
    # values
    (f"timeout: 0s\n{STEP}}}\n", ":1:10", "`timeout` is longer than nothing"),
    (f"{STEP}, timeout: 0}}\n", ":2:38", "`timeout` is longer than nothing"),
    (f"{STEP}, python: 3.12.1}}\n", ":2:37", "not a version: write python3.12"),
    (f"{STEP}, python: python3 -u}}\n", ":2:37", "use `command: python3 -u SCRIPT`"),
    (f"secrets: {{A: file}}\n{STEP}}}\n", ":1:14", "`env` (the variable of its own name)"),
    (f"secrets: {{A: {{file: ''}}}}\n{STEP}}}\n", ":1:14", "a secret has one source"),
    (f"secrets: [A, 5]\n{STEP}}}\n", ":1:14", "5 is no name of an environment variable"),
    (f"params: {{n: {{a: 1}}}}\n{STEP}}}\n", ":1:14", "`a` is no key of a param"),
    ("configs: {train: {script: a.py}}\nsteps: [train --lr 3]\n", ":2:9", "write `command: train --lr 3`"),
    (f"params: {{x: {{default: a, choices: a}}}}\n{STEP}}}\n", ":1:35", "is a list of the values that are allowed"),
    (f"{STEP}, env: {{CRUDE_LINK_STEP: a}}}}\n", ":2:35", "crude-link itself sets this variable"),
    (f"{STEP}, outputs: ''}}\n", ":2:38", "`outputs` is a path, not empty; leave it out"),
    (f"{STEP}, retries: {{max: 1, only: []}}}}\n", ":2:53", "`retries.only` is empty"),
    ("steps:\n  - script: python a.py\n", ":2:13", "without the program that runs it (or `command: python a.py`)"),
    ("steps:\n  - script: a.sh -x\n", ":2:13", "(or `command: a.sh -x`)"),
    ("steps:\n  - script: [a.py, x]\n", ":2:13", "step 'step-1': `script` is the path of a file"),
    (f"steps:\n  - {{name: {'a' * 101}, script: a.py}}\n", ":2:12", "take at most 100"),
    (f"cron: {{hour: 12:30}}\n{STEP}}}\n", ":1:14", "YAML reads 12:30 as the number 750"),
    (f"{STEP}, when: 'a' == b}}\n", ":2:39", "quote the whole value of `when`"),
    (f"a: &a {{script: b.py}}\n{STEP}}}\n", ":1:1", "a key that only holds anchors begins with `x-`"),
    ("pipelines:\n  a: {configs: {t: {script: a.py}}, steps: [t]}\n  b: {steps: [t]}\n", ":3:15", "no config 't'"),
    # conditions in other words
    (f"{STEP}, when: 1 == 1 && true}}\n", ":2:35", "`&&` is not known here; write `and`"),
    (f"{STEP}, when: 1 == 1 || true}}\n", ":2:35", "`||` is not known here; write `or`"),
    (f"{STEP}, when: run.origin = 'x'}}\n", ":2:35", "`=` is not known here; to compare write `==`"),
    (f"{STEP}, when: run.origin === 'x'}}\n", ":2:35", "write `==`"),
    (f"{STEP}, when: '!run.id'}}\n", ":2:35", "`!` is not known here; write `not`"),
    (f"{STEP}, when: run.id is null}}\n", ":2:35", "`is` is not known here; write `==`"),
    (f"{STEP}, when: failure}}\n", ":2:35", "write `when: failed`"),
    (f"{STEP}, when: always()}}\n", ":2:35", "write `when: always`"),
    (f"{STEP}, when: success}}\n", ":2:35", "leave `when` out"),
    (f"{STEP}, when: alway}}\n", ":2:35", "did you mean 'always'"),
    (f"params: {{lr: 1}}\n{STEP}, when: lr > 1}}\n", ":3:35", "a param is written `params.lr`"),
    # placeholders
    (
        f"{STEP}, cwd: 'a/{{item}}'}}\n",
        ":2:34",
        "`{item}` stands for an input of `foreach`, which this step does not",
    ),
    (f"{STEP}, arguments: {{x: '{{itme}}'}}}}\n", ":2:44", "`{itme}` (did you mean `{item}`?) stands for"),
    (f"{STEP}, env: {{X: '{{item.name}}'}}}}\n", ":2:38", "write it into a param"),
    # cron
    (f"cron:\n{STEP}}}\n", ":1:1", "would fire every second"),
    (f"cron: {{}}\n{STEP}}}\n", ":1:1", "would fire every second"),
    (f"cron: ''\n{STEP}}}\n", ":1:7", "it is empty; write five fields such as"),
    (f"cron: {{day_of_week: 7, day: 3}}\n{STEP}}}\n", ":1:21", "7 is not between 0 and 6"),
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
    ("pipelines: {a: {steps: [ls -l], jobs: {}}}\n", ":1:33", "`jobs` cannot stand within a pipeline"),
    (
        "steps: [ls -l]\npipelines: {a: {steps: [ls -l]}}\n",
        ":1:1",
        "`steps` does nothing here, for the pipeline 'a' has its own; remove it, or move it into a pipeline",
    ),
    (
        "pipelines:\n  a: {steps: [ls -l], cron: '@daily'}\n  b: {steps: [ls -l], cron: '@daily'}\ncron: '@hourly'\n",
        ":4:1",
        "`cron` does nothing here, for each pipeline has its own",
    ),
]


@pytest.mark.parametrize(("text", "place", "words"), CASES)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, text: str | bytes, place: str, words: str) -> None:
    problems = problems_of(tmp_path, text)
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"config.yaml{place}: ")
    assert words in problems[0]
