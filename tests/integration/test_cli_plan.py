"""`crude-link plan`: what would be done, why, and how each step would be started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crude_link.cli import main


class Planned:
    """Plans a config in a directory of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def of(self, config: str, *options: str) -> Mapping[str, Mapping[str, Any]]:
        """Return what is planned for each step."""
        (self.folder / "config.yaml").write_text(f"name: demo\n{config}")
        assert main(["plan", "--json", *options]) == 0
        return {line["step"]: line for line in json.loads(self._capsys.readouterr().out)["demo"]}

    def fates(self, config: str, *options: str) -> dict[str, str]:
        return {name: line["does"] for name, line in self.of(config, *options).items()}


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Planned:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRUDE_LINK_HOME", raising=False)
    monkeypatch.setenv("TOKEN", "a-long-secret")
    return Planned(tmp_path, capsys)


def test_a_step_is_shown_as_it_will_be_started_with_late_references_as_they_are_written(planned: Planned) -> None:
    (planned.folder / "train.py").write_text("import fire\ndef main(lr, note, out): ...\nfire.Fire(main)\n")
    steps = planned.of(
        "params: {lr: 0.1}\nsecrets: [TOKEN]\n"
        "steps:\n"
        "  - {script: train.py, arguments: {lr: '${params.lr}', note: a b, out: '${run.dir}/m'}}\n"
        "  - {name: list, command: [echo, '${params.lr}', 'a b']}\n"
        "  - {name: text, command: 'curl -H $KEY | cat', arguments: {acc: '${steps.list.metrics.x}'},"
        " env: {KEY: '${secrets.TOKEN}'}}\n"
    )
    assert steps["train"]["command"].endswith(" train.py --lr=0.1 '--note=a b' --out=${run.dir}/m")
    assert steps["list"]["command"] == "echo 0.1 'a b'"
    assert steps["text"]["command"] == "curl -H $KEY | cat --acc=${steps.list.metrics.x}"


def test_a_secret_is_never_shown(planned: Planned, capsys: pytest.CaptureFixture[str]) -> None:
    (planned.folder / "config.yaml").write_text(
        "secrets: [TOKEN]\nsteps: [{name: a, command: [curl, '${secrets.TOKEN}']}]\n"
    )
    assert main(["plan"]) == 0
    told = capsys.readouterr()
    assert "curl ${secrets.TOKEN}" in told.out
    assert "a-long-secret" not in told.out + told.err


def test_a_false_condition_skips_the_step_and_what_needs_it_and_says_what_it_saw(planned: Planned) -> None:
    steps = planned.of(
        "params: {deploy: false}\nsteps:\n"
        "  - {name: a, command: echo, when: params.deploy}\n"
        "  - {name: b, command: echo}\n"
        "  - {name: c, command: echo, when: always}\n"
        "  - {name: d, command: echo}\n"
    )
    assert [line["does"] for line in steps.values()] == ["skip", "skip", "run", "run"]
    assert steps["a"]["why"] == "when: params.deploy is false (params.deploy = False)"
    assert steps["b"]["why"] == "needs a, which is skipped"


def test_what_only_the_run_can_tell_makes_a_maybe_of_the_step_and_of_what_needs_it(planned: Planned) -> None:
    config = (
        "steps:\n"
        "  - {name: a, command: echo}\n"
        "  - {name: b, command: echo, when: steps.a.metrics.x > 1}\n"
        "  - {name: c, command: echo}\n"
        "  - {name: d, command: echo, when: failed}\n"
        "  - {name: e, command: echo, needs: [a, d]}\n"
    )
    assert planned.fates(config) == {"a": "run", "b": "maybe", "c": "maybe", "d": "maybe", "e": "run"}
    assert planned.fates(config, "--from", "c") == {"a": "skip", "b": "skip", "c": "run", "d": "maybe", "e": "run"}


def test_a_step_may_stand_before_what_it_needs(planned: Planned) -> None:
    config = (
        "params: {go: false}\nsteps:\n"
        "  - {name: a, command: echo, needs: [b]}\n"
        "  - {name: b, command: echo, needs: [], when: params.go}\n"
    )
    assert planned.fates(config) == {"a": "skip", "b": "skip"}


def test_a_fan_out_says_how_many_inputs_it_has_as_far_as_that_is_known(
    planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    (planned.folder / "urls.txt").write_text("a\n\nb\n")
    steps = planned.of(
        "steps:\n"
        "  - {name: plain, command: 'true'}\n"
        "  - {name: few, command: 'echo {item}', foreach: [a, b, c], parallel: 2}\n"
        "  - {name: lines, command: 'echo {item}', foreach: {lines: urls.txt}, parallel: 3}\n"
        "  - {name: many, command: 'echo {item}', foreach: {range: 1000000}, parallel: 4}\n"
        "  - {name: later, command: 'echo {item}', foreach: {step: plain}, parallel: 5}\n"
    )
    found = {name: (step["inputs"], step["slots"]) for name, step in steps.items()}
    assert found == {
        "few": (3, 2), "lines": (2, 3), "many": (1_000_000, 4), "later": (None, 5), "plain": (None, None),
    }  # fmt: skip
    assert main(["plan"]) == 0
    shown = capsys.readouterr().out
    assert "after plain; 3 inputs in 2 slots" in shown
    assert "about 1,000,000 inputs in 4 slots" in shown
    assert "for each line of what was written by plain in 5 slots" in shown
