"""What an attempt left behind decides, with its exit, whether it succeeded."""

from __future__ import annotations

import errno
import hashlib
import math
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from crude_link.model.order import LogPlace, Order
from crude_link.model.run import AttemptKey, Ending, Findings, Outcome
from crude_link.steps.evidence import StepEvidence, file_stamp

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
WELL = Outcome(ending=Ending.EXITED, exit_status=0, ended=NOW, wall=timedelta(seconds=1))
BADLY = Outcome(ending=Ending.EXITED, exit_status=3, ended=NOW, reason="exit 3")


def order_in(project: Path, *, outputs: tuple[str, ...] = (), metrics: str | None = None) -> Order:
    metrics_file = project / metrics if metrics else None
    return Order(
        key=AttemptKey(1, "train", 1, 1),
        argv=("true",),
        env={},
        cwd=project,
        log=LogPlace(stdout=project / "1.stdout", stderr=project / "1.stderr", index=project / "1.index"),
        metrics_lines=project / "1.metrics",
        metrics_file=metrics_file,
        metrics_before=file_stamp(metrics_file) if metrics_file else None,
        outputs=tuple(project / output for output in outputs),
    )


def collected(project: Path, order: Order, outcome: Outcome = WELL) -> tuple[Outcome, Findings]:
    return StepEvidence(project).collect(order, outcome)


def reason_of(project: Path, order: Order) -> str:
    outcome, _ = collected(project, order)
    assert outcome.ending is Ending.WITHOUT_RESULT
    return outcome.reason


def test_what_promises_nothing_needs_to_leave_nothing(tmp_path: Path) -> None:
    assert collected(tmp_path, order_in(tmp_path)) == (WELL, Findings())


def test_outputs_are_recorded_with_size_and_checksum(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a").write_bytes(b"123")
    outcome, findings = collected(tmp_path, order_in(tmp_path, outputs=("model.pt", "folder")))
    assert outcome == WELL
    assert [(one.path, one.size) for one in findings.outputs] == [("model.pt", 7), ("folder", 3)]
    assert [one.digest for one in findings.outputs] == [hashlib.sha256(b"weights").hexdigest(), None]


def test_a_missing_output_is_named_and_the_others_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    outcome, findings = collected(tmp_path, order_in(tmp_path, outputs=("a", "b", "c")))
    assert outcome.ending is Ending.WITHOUT_RESULT
    assert outcome.reason == "it ended well but did not make b, c"
    assert [one.path for one in findings.outputs] == ["a"]


def test_metrics_come_from_the_file_under_dotted_names(tmp_path: Path) -> None:
    order = order_in(tmp_path, metrics="m.json")
    (tmp_path / "m.json").write_text('{"loss": 0.5, "val": {"acc": NaN, "ok": true, "at": [1, 2]}, "name": "x"}')
    outcome, findings = collected(tmp_path, order)
    assert outcome == WELL
    assert math.isnan(float(str(findings.metrics["val.acc"])))
    others = {name: value for name, value in findings.metrics.items() if name != "val.acc"}
    assert others == {"loss": 0.5, "val.ok": True, "val.at.0": 1, "val.at.1": 2, "name": "x"}


def test_metrics_come_line_by_line_and_the_last_wins(tmp_path: Path) -> None:
    (tmp_path / "1.metrics").write_text(
        'loss=1\n\n{"loss": 0.5, "a": {"b": 1}}\nloss 0.25\nstate = very good\nok=true\n'
    )
    _, findings = collected(tmp_path, order_in(tmp_path))
    assert findings.metrics == {"loss": 0.25, "a.b": 1, "state": "very good", "ok": True}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "wrote no metrics file m.json"),
        ("not json", "m.json is not JSON"),
        ("[1]", "holds no JSON object"),
        ('"\\ud800', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_metrics_file_that_cannot_be_used_is_told(tmp_path: Path, text: str | None, reason: str) -> None:
    order = order_in(tmp_path, metrics="m.json")
    if text is not None:
        (tmp_path / "m.json").write_text(text)
    assert reason in reason_of(tmp_path, order)


def test_a_metrics_file_left_from_before_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"loss": 1}')
    order = order_in(tmp_path, metrics="m.json")
    assert "older than this attempt" in reason_of(tmp_path, order)


def test_a_metrics_file_that_is_written_anew_with_an_old_time_is_new(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"loss": 1}')
    order = order_in(tmp_path, metrics="m.json")
    (tmp_path / "m.json").write_text('{"loss": 0.5}')
    os.utime(tmp_path / "m.json", (0, 0))
    assert collected(tmp_path, order)[1].metrics == {"loss": 0.5}


@pytest.mark.parametrize("line", ["loss", "{broken", "=3"])
def test_a_line_that_is_no_metric_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "1.metrics").write_text(f"a=1\n{line}\n")
    assert "line 2 of $CRUDE_LINK_METRICS" in reason_of(tmp_path, order_in(tmp_path))


def test_a_failed_attempt_keeps_its_reason_and_its_metrics(tmp_path: Path) -> None:
    order = order_in(tmp_path, metrics="m.json", outputs=("gone",))
    (tmp_path / "1.metrics").write_text("loss=3\n")
    assert collected(tmp_path, order, BADLY) == (BADLY, Findings(metrics={"loss": 3}))


def test_outputs_outside_the_project_keep_their_whole_path(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "out").write_text("x")
    order = replace(order_in(tmp_path / "project"), outputs=(tmp_path / "out",))
    assert [one.path for one in collected(tmp_path / "project", order)[1].outputs] == [str(tmp_path / "out")]


def test_an_output_whose_name_no_file_system_takes_fails_the_step_in_words(tmp_path: Path) -> None:
    name = "x" * 300
    assert reason_of(tmp_path, order_in(tmp_path, outputs=(name,))) == (
        f"its output {name} cannot be read: {os.strerror(errno.ENAMETOOLONG)}"
    )
