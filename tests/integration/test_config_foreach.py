"""What `foreach` and its fellows in a config file mean, and what is told of mistakes in them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from crude_link.app import escaped_in_shell
from crude_link.config.load import Source, build, json_schema, load
from crude_link.errors import ConfigError
from crude_link.model.foreach import ForEach, Share
from crude_link.model.pipeline import Command, Step
from crude_link.model.value import Placeholder, Reference, Template

ITEM = Template((Placeholder("item"),))


def steps_of(folder: Path, text: str) -> tuple[Step, ...]:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    source = Source(
        path=path, project=folder, now=now, environment={}, run_exec=lambda text: text, in_shell=escaped_in_shell
    )
    (pipeline,) = load(source)
    assert build(pipeline.document).steps == pipeline.steps  # what a run's record gives again
    return pipeline.steps


def step_of(folder: Path, line: str) -> Step:
    return steps_of(folder, f"params: {{word: '{{item}}', n: 3}}\nsteps:\n  - {{name: s, {line}}}\n")[0]


def problem_of(folder: Path, line: str) -> str:
    with pytest.raises(ConfigError) as caught:
        step_of(folder, line)
    assert len(caught.value.problems) == 1, caught.value
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "source", "value"),
    [
        ("{items: [1, a, {b: 2}]}", "items", [1, "a", {"b": 2}]),
        ("[1, 2]", "items", [1, 2]),
        ("{lines: in.txt}", "lines", "in.txt"),
        ("{file: {path: in.txt, format: eachLine}}", "lines", "in.txt"),
        ("{csv: in.csv}", "csv", "in.csv"),
        ("{jsonl: in.jsonl}", "jsonl", "in.jsonl"),
        ("{task_file: in.json}", "task_file", "in.json"),
        ("{glob: '*.png'}", "glob", "*.png"),
        ("{glob: ['*.png', 'b/**']}", "glob", ["*.png", "b/**"]),
        ("{range: 5}", "range", 5),
        ("{range: [1, '${params.n}', 2]}", "range", [1, 3, 2]),
        ("{command: 'seq ${params.n}'}", "command", "seq 3"),
        ("{lines: '${run.dir}/x'}", "lines", Template((Reference("run.dir"), "/x"))),
    ],
)
def test_each_source_of_inputs_is_read(tmp_path: Path, said: str, source: str, value: Any) -> None:
    step = step_of(tmp_path, f"script: a.py, arguments: {{i: '{{item}}'}}, foreach: {said}")
    assert step.foreach == ForEach(source=source, value=value)
    assert step.arguments == {"i": ITEM}


def test_a_matrix_has_the_names_as_fields(tmp_path: Path) -> None:
    line = "command: ['x', '{item.lr}'], foreach: {matrix: {lr: [0.1], seed: [1, 2]}}"
    assert step_of(tmp_path, line).foreach == ForEach(source="matrix", value={"lr": [0.1], "seed": [1, 2]})
    assert "have no field 'sed' (did you mean 'seed'?)" in problem_of(tmp_path, line.replace("item.lr", "item.sed"))


def test_the_refinements_of_a_fan_out_are_read(tmp_path: Path) -> None:
    step = step_of(
        tmp_path,
        "command: 'echo {item}', foreach: {jsonl: x, key: id, limit: 5, dedupe: true}, parallel: 8, "
        "allow_failed: 2%, stop_after_failed: 20",
    )
    assert step.foreach == ForEach(source="jsonl", value="x", options={"dedupe": True}, key="id", limit=5)
    assert (step.parallel, step.allow_failed) == (8, Share(number=0.02, is_share=True))
    assert step.stop_after_failed == Share(number=20, is_share=False)


def test_the_braces_of_the_shell_stay_the_shells(tmp_path: Path) -> None:
    step = step_of(tmp_path, """command: "echo {item} ${HOME} {a,b} '{print $4}' {{item}}", foreach: {range: 3}""")
    assert step.action == Command(text=Template(("echo ", Placeholder("item"), " ${HOME} {a,b} '{print $4}' {item}")))


def test_what_a_param_puts_in_is_text(tmp_path: Path) -> None:
    line = "command: 'echo ${params.word} {index}', arguments: {a: '${params.word}'}, foreach: {range: 3}"
    step = step_of(tmp_path, line)
    assert step.arguments == {"a": "{item}"}
    assert step.action == Command(text=Template(("echo '{item}' ", Placeholder("index"))))


def test_without_inputs_braces_are_no_placeholders(tmp_path: Path) -> None:
    step = step_of(tmp_path, "command: 'echo ${params.word} {x}', arguments: {a: '${params.word}'}, foreach: null")
    assert (step.foreach, step.action) == (None, Command(text="echo '{item}' {x}"))
    assert step.arguments == {"a": "{item}"}


def test_a_text_that_comes_from_a_config_has_its_placeholders(tmp_path: Path) -> None:
    text = (
        "configs: {base: {script: a.py, arguments: {out: '{stem}.npy'}}}\n"
        "steps: [{name: s, script: b.py, foreach: {lines: x}, arguments: {o: '${configs.base.arguments.out}'}}]"
    )
    (step,) = steps_of(tmp_path, text)
    assert step.arguments == {"o": Template((Placeholder("stem"), ".npy"))}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("command: echo hi, foreach: {range: 3}", "its input is used nowhere"),
        ("command: 'echo ${item}', foreach: {range: 3}", "`${item}` is a variable of the shell's"),
        ("command: 'echo {itme}', foreach: {range: 3}", "did you mean `{item}`?"),
        (
            "command: 'echo {item} {gpu}', foreach: {range: 3}",
            "hold no GPU; write `gpus: 1`",
        ),
        ("command: 'echo {slot}', foreach: {range: 3}", "its input is used nowhere"),
        ("command: 'echo {item} {resource}', foreach: {range: 3}", "write `{resource.NAME}`"),
        ("command: 'echo {item} {resource.PROXY}', foreach: {range: 3}", "this step holds nothing of 'PROXY'"),
        ("command: 'echo {item.a}', foreach: {lines: x}", "the inputs are no mappings and have no fields"),
        ("command: 'echo {item.a}', foreach: {items: [1]}", "the inputs are no mappings and have no fields"),
        ("command: 'echo {item.b}', foreach: {items: [{bb: 1}]}", "no field 'b' (did you mean 'bb'?)"),
        ("command: 'echo {item.id}', foreach: {task_file: x}", "have no field 'id'; they have task_id, data"),
        ("command: 'echo {stem}', foreach: {csv: x}", "this is a part of a path"),
        ("command: 'echo {item}', foreach: {range: 3}, cwd: 'a/{item}'", "`{item}` cannot stand in `cwd`"),
        ("command: 'echo {item}', foreach: {range: 3}, stdin: terminal", "there is one keyboard"),
        ("command: echo hi, timeout: 5x median", "`timeout: 5x median` is for the tasks of a `foreach`"),
        ("command: 'echo {item}', foreach: {range: 3}, timeout: 0.9x median", "half of all tasks take longer than"),
        ("command: 'echo {item}', foreach: {range: 3, once: 2}", "`foreach.once` is true or false, not 2"),
        ("command: 'echo {item}', foreach: {range: 3, keys: a}", "did you mean 'key'?"),
        ("command: 'echo {item}', foreach: {range: 3, lines: a}", "`range` and `lines` are two sources of inputs"),
        ("command: 'echo {item}', foreach: {limit: 3}", "names no source of inputs"),
        ("command: 'echo {item}', foreach: x.txt", "`foreach` is a source of inputs such as {lines: FILE}"),
        ("command: 'echo {item}', foreach: {range: [1, 2, 0]}", "the step is 0"),
        ("command: 'echo {item}', foreach: {range: 99999999999999999999}", "beyond all counting"),
        ("script: a.py, arguments: {a: '{item}'}, foreach: null", "which this step does not have"),
        ("command: 3, foreach: {range: 3}", "`command` is shell text or a list"),
        ("command: 'echo {item}', foreach: {range: 1.5}", "is a whole number"),
        ("command: 'echo {item}', foreach: {items: abc}", "the lines of a file are `lines: FILE`"),
        ("command: 'echo {item}', foreach: {range: 3}, allow_failed: 0.02", "for the share write 2%"),
        ("command: 'echo {item}', foreach: {range: 3}, stop_after_failed: 0", "to stop at the first failure write 1"),
        ("command: 'echo {item}', foreach: {range: 3}, parallel: 0", "`parallel` is at least 1"),
        ("command: 'echo {item}', foreach: {step: t}", "there is no step 't'"),
        ("script: a.py, arguments: {a: '{\"b\": 1}'}, foreach: {range: 3}", "for the text itself write"),
        ("script: a.py, arguments: {a: '{item'}, foreach: {range: 3}", "a brace is written twice"),
        ("script: a.py, arguments: {a: {item}}, foreach: {range: 3}", "quote it: '{item}'"),
        ("script: a.py, foreach: {glob: *.png}", "quote the text"),
        ("script: a.py, arguments: {a: '{item}'}", "stands for an input of `foreach`, which this step does not have"),
    ],
)
def test_a_mistake_in_a_fan_out_is_told(tmp_path: Path, line: str, told: str) -> None:
    assert told in problem_of(tmp_path, line)


def test_a_program_may_ask_the_environment_for_its_input(tmp_path: Path) -> None:
    assert step_of(tmp_path, "command: 'echo $CRUDE_LINK_ITEM', foreach: {range: 3}").foreach


def test_the_inputs_may_be_the_output_of_an_earlier_step_only(tmp_path: Path) -> None:
    two = "steps:\n  - {name: a, command: ls}\n  - {name: b, command: 'echo {item}', foreach: {step: a}%s}\n"
    assert steps_of(tmp_path, two % "")[1].foreach == ForEach(source="step", value="a")
    with pytest.raises(ConfigError, match="step 'a' does not come earlier"):
        steps_of(tmp_path, two % ", needs: []")
    with pytest.raises(ConfigError, match="has tasks of its own"):
        steps_of(tmp_path, two.replace("command: ls", "command: 'ls {item}', foreach: [1]") % "")


def test_keys_of_a_fan_out_without_foreach_do_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("steps: [{command: ls, parallel: 3}]")
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    (pipeline,) = load(Source(path=path, project=tmp_path, now=now, environment={}, run_exec=str))
    assert "`parallel` does nothing here" in pipeline.warnings[0]


def test_the_json_schema_knows_the_sources() -> None:
    step: Any = json_schema()["$defs"]
    choices = step["step"]["properties"]["foreach"]["anyOf"]
    assert any("task_file" in choice.get("properties", {}) for choice in choices)


def test_a_timeout_can_be_so_many_times_the_median_of_the_tasks(tmp_path: Path) -> None:
    step = step_of(tmp_path, "command: 'echo {item}', foreach: {range: 3}, timeout: 2.5x median")
    assert (step.timeout, step.timeout_medians) == (None, 2.5)
    step = step_of(tmp_path, "command: 'echo {item}', foreach: {range: 3}, timeout: 10s")
    assert (step.timeout, step.timeout_medians) == (timedelta(seconds=10), None)


def test_what_a_step_with_tasks_printed_cannot_be_referred_to(tmp_path: Path) -> None:
    text = (
        "steps:\n"
        "- {name: many, command: 'echo {item}', foreach: {range: 3}}\n"
        "- {name: one, command: 'echo ${steps.many.stdout}'}\n"
    )
    with pytest.raises(ConfigError, match=r"3:24: step 'one': `\$\{steps.many.stdout\}`: step 'many' has"):
        steps_of(tmp_path, text)


def test_only_steps_with_a_function_or_with_tasks_have_a_file_of_results(tmp_path: Path) -> None:
    text = (
        "steps:\n"
        "- {name: many, command: 'echo {item}', foreach: {range: 3}}\n"
        "- {name: one, command: 'cat ${steps.many.results_file}'}\n"
        "- {name: two, command: 'cat ${steps.one.results_file}'}\n"
    )
    with pytest.raises(
        ConfigError, match=r"4:24: step 'two': `\$\{steps.one.results_file\}`: step 'one' has neither"
    ):
        steps_of(tmp_path, text)
    assert steps_of(tmp_path, text.replace("steps.one.results_file", "steps.one.stdout"))


def test_a_file_of_results_is_no_fact_for_a_condition(tmp_path: Path) -> None:
    text = (
        "steps:\n"
        "- {name: many, command: 'echo {item}', foreach: {range: 3}}\n"
        "- {name: one, command: 'true', when: steps.many.results_file == 'x'}\n"
    )
    with pytest.raises(ConfigError, match="is a file, and tells a condition nothing"):
        steps_of(tmp_path, text)
