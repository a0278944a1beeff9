"""What a config says of pools, and of what the tasks of its steps hold and take."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from crude_link.app import escaped_in_shell
from crude_link.config.load import Source, build, load
from crude_link.errors import ConfigError
from crude_link.model.pipeline import Pipeline
from crude_link.model.resources import FOUND, GPU, Need, Pool, Scope


def loaded(folder: Path, text: str) -> Pipeline:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    source = Source(
        path=path, project=folder, now=now, environment={}, run_exec=lambda text: text, in_shell=escaped_in_shell
    )
    (pipeline,) = load(source)
    return pipeline


def needs_of(folder: Path, words: str) -> tuple[Need, ...]:
    text = f"resources: {{P: [a]}}\nsteps: [{{command: 'echo {{item}}', foreach: {{range: 3}}, {words}}}]"
    return loaded(folder, text).steps[0].holds


def test_pools_come_from_lists_files_ranges_and_commands(tmp_path: Path) -> None:
    pipeline = loaded(
        tmp_path,
        """
resources:
  A: [x, 2]
  B: {lines: b.txt, secret: true}
  C: {range: 4, quarantine: 3}
  D: {command: "printf '%s\\n' ${HOME} ${run.dir}"}
steps: [{command: "true"}]
""",
    )
    a, b, c, d, gpu = pipeline.pools
    assert (a, b) == (
        Pool(name="A", source="items", value=["x", 2]),
        Pool(name="B", source="lines", value="b.txt", is_secret=True),
    )
    assert c == Pool(name="C", source="range", value=4, quarantine=3)
    assert str(d.value) == "printf '%s\n' ${HOME} ${run.dir}"
    assert gpu == Pool(name=GPU, source=FOUND)
    assert build(pipeline.document).pools == pipeline.pools


def test_gpus_may_be_given_by_hand(tmp_path: Path) -> None:
    pipeline = loaded(tmp_path, "resources: {GPU: [0, 1]}\nsteps: [{command: 'true'}]")
    assert pipeline.pools == (Pool(name=GPU, source="items", value=[0, 1]),)


@pytest.mark.parametrize(
    ("words", "need"),
    [
        ("resources: {P: per slot}", Need(pool="P", scope=Scope.SLOT)),
        ("resources: {P: per worker}", Need(pool="P", scope=Scope.SLOT)),
        ("resources: {P: per task}", Need(pool="P", scope=Scope.TASK)),
        ("resources: {GPU: per slot}", Need(pool=GPU, scope=Scope.SLOT)),
        ("gpus: 1", Need(pool=GPU, scope=Scope.TASK)),
        ("gpus: 2", Need(pool=GPU, scope=Scope.TASK, pieces=2)),
        ("gpus: 0.25", Need(pool=GPU, scope=Scope.TASK, share=0.25)),
    ],
)
def test_a_step_says_what_its_slots_and_tasks_hold(tmp_path: Path, words: str, need: Need) -> None:
    assert needs_of(tmp_path, words) == (need,)


def test_cores_memory_and_disk_are_numbers(tmp_path: Path) -> None:
    text = "steps: [{command: 'echo {item}', foreach: {range: 3}, cpus: 0.5, memory: 2GB, disk: 3MB}]"
    (step,) = loaded(tmp_path, text).steps
    assert (step.cpus, step.memory, step.disk) == (0.5, 2_000_000_000, 3_000_000)


@pytest.mark.parametrize(
    ("pools", "words", "told"),
    [
        ("P: [a]", "resources: {Q: per slot}", "there is no pool 'Q'; pools: P"),
        ("PROXY: [a]", "resources: {PROXIE: per slot}", "did you mean 'PROXY'?"),
        ("P: [a]", "resources: {P: per run}", "is `per slot` or `per task`, not 'per run'"),
        ("P: [a]", "resources: P", "{PROXY: per slot}"),
        ("P: x.txt", "cpus: 1", "names where its items come from"),
        ("P: {}", "cpus: 1", "names no source of items; it is one of items, lines, range, command"),
        ("P: {items: [a], lines: x}", "cpus: 1", "`items` and `lines` are two sources of items"),
        ("P: {glob: '*'}", "cpus: 1", "`glob` is no key of a pool"),
        ("P-1: [a]", "cpus: 1", "'P-1' cannot be a pool"),
        ("P: [{a: 1}]", "cpus: 1", "an item is text or a number"),
        ("P: {items: [abcdefgh], secret: true}", "cpus: 1", "is secret, and the config is kept with each run"),
        ("P: {items: [a], quarantine: 0}", "cpus: 1", "is at least 1"),
        ("P: {lines: '${steps.s.stdout}'}", "cpus: 1", "a pool is the same for all steps, and knows none"),
        ("P: {lines: '${secrets.X}'}", "cpus: 1", "there is no secret 'X'"),
        ("P: [a]", "gpus: 1.5", "is a number of GPUs such as 1 or 2, or a share of one such as 0.5, not 1.5"),
        ("P: [a]", "gpus: 0", "is a number of GPUs"),
        ("P: [a]", "gpus: 1, resources: {GPU: per slot}", "are the same pool; keep one"),
        ("P: [a]", "cpus: 0", "is a number of cores"),
        ("P: [a]", "memory: 4", "a size has a unit"),
        ("P: [a]", "disk: 0GB", "is more than nothing"),
    ],
)
def test_what_is_wrong_with_resources_is_told(tmp_path: Path, pools: str, words: str, told: str) -> None:
    text = f"resources: {{{pools}}}\nsteps: [{{name: s, command: 'echo {{item}}', foreach: {{range: 3}}, {words}}}]"
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert told in str(caught.value)


def test_a_step_without_foreach_has_no_tasks_that_could_hold_anything(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="`gpus` is what the tasks of a `foreach` need, which this step does not have"
    ):
        loaded(tmp_path, "steps: [{command: 'true', gpus: 1}]")
