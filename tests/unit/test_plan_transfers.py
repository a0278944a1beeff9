"""The pure question, about transfers: when they start, what holds them back, and what their finding nothing means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

import pytest

from crude_link.config.load import build
from crude_link.engine.plan import Finish, Plan, RunView, Start, next_moves
from crude_link.engine.transfers import has_had
from crude_link.model.run import (
    Attempt,
    AttemptKey,
    Decision,
    Ending,
    Findings,
    Origin,
    Outcome,
    Run,
    Selection,
    Verdict,
)
from crude_link.model.status import Status
from crude_link.model.transfer import NOTHING

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
FETCH = {"from": "s3://b/in", "to": "in"}
BRING = {"from": "out", "to": "s3://b/out", "stale": "upload"}


def document(*steps: Mapping[str, object], **keys: object) -> dict[str, object]:
    return {"name": "p", "download": FETCH, "upload": BRING, "steps": [{"command": "x", **s} for s in steps], **keys}


TWO = document({"name": "a"}, {"name": "b"})


def plan(
    said: dict[str, object],
    ended: Mapping[str, str],
    *,
    sitting: int = 1,
    nothing: Sequence[str] = (),
    skip: Sequence[str] = (),
    selection: Selection = Selection(),
) -> Plan:
    """Ask what is to be done where some steps have ended: `s`ucceeded or `f`ailed, in the first sitting."""
    pipeline = build(said)  # type: ignore[arg-type]  # what a document holds is plain data
    attempts: dict[str, list[Attempt]] = {}
    for name, letters in ended.items():
        for number, letter in enumerate(letters, start=1):
            outcome = Outcome(ending=Ending.EXITED, exit_status=0 if letter == "s" else 1, ended=NOON, reason="")
            key = AttemptKey(1, name, 1, number)
            attempts.setdefault(name, []).append(
                Attempt(key=key, sitting=1, began=NOON, host="thor", outcome=outcome)
            )
    view = RunView(
        run=Run(id=1, pipeline="p", origin=Origin.PERSON, status=Status.RUNNING, began=NOON, selection=selection),
        pipeline=pipeline,
        sitting=sitting,
        attempts=attempts,
        findings={
            each.key: Findings(metrics={NOTHING: True} if name in nothing else {})
            for name, some in attempts.items()
            for each in some
        },
        decisions=[Decision(verdict=Verdict.SKIP, at=NOON, by="ann", step=name) for name in skip],
    )
    return next_moves(view, NOON)


def starts(answer: Plan) -> list[str]:
    return [f"{move.step.name}#{move.number}" for move in answer.moves if isinstance(move, Start)]


def finish(answer: Plan) -> Finish:
    (move,) = answer.moves
    assert isinstance(move, Finish)
    return move


def reason(answer: Plan, name: str) -> str:
    return answer.standings[name].state.reason


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ({}, ["run.download#1"]),
        ({"run.download": "s"}, ["a#1"]),
        ({"run.download": "s", "a": "s"}, ["b#1"]),
        ({"run.download": "s", "a": "s", "b": "s"}, ["run.upload#1"]),
    ],
)
def test_transfers_come_before_all_steps_and_behind_them(ended: Mapping[str, str], expected: list[str]) -> None:
    assert starts(plan(TWO, ended)) == expected


def test_after_a_failed_upload_only_that_is_left_to_do() -> None:
    answer = plan(TWO, {"run.download": "s", "a": "s", "b": "s", "run.upload": "f"}, sitting=2)
    assert starts(answer) == ["run.upload#2"]


def test_a_failed_step_that_may_fail_keeps_the_upload_back_all_the_same() -> None:
    said = document({"name": "a", "continue_on_failure": True}, {"name": "b"})
    answer = plan(said, {"run.download": "s", "a": "f", "b": "s"})
    assert finish(answer).status is Status.FAILED
    assert reason(answer, "run.upload") == "not every step succeeded: a failed"


def test_an_upload_always_brings_what_failed_steps_have_left() -> None:
    said = document({"name": "a"}, upload={**BRING, "when": "always"})
    assert starts(plan(said, {"run.download": "s", "a": "f"})) == ["run.upload#1"]
    answer = plan(said, {"run.download": "f"})
    assert reason(answer, "run.upload") == "no step ran"


@pytest.mark.parametrize("selection", [Selection(only="run.upload"), Selection(start_at="run.upload")])
def test_a_run_that_begins_with_the_upload_brings_what_lies_there(selection: Selection) -> None:
    answer = plan(TWO, {}, selection=selection)
    assert starts(answer) == ["run.upload#1"]


def test_where_no_step_that_the_run_was_asked_for_ran_nothing_is_brought() -> None:
    said = document({"name": "a"}, {"name": "b", "when": "run.id == 2"})
    answer = plan(said, {}, selection=Selection(start_at="b"))
    assert reason(answer, "run.upload") == "no step ran"


def test_a_step_whose_condition_is_false_keeps_no_upload_back() -> None:
    said = document({"name": "a"}, {"name": "b", "when": "run.id == 2"})
    assert starts(plan(said, {"run.download": "s", "a": "s"})) == ["run.upload#1"]


def test_a_step_that_a_person_skips_keeps_no_upload_back() -> None:
    assert starts(plan(TWO, {"run.download": "s", "a": "s", "b": "f"}, sitting=2, skip=["b"])) == ["run.upload#1"]


@pytest.mark.parametrize("when", [None, "always"])
def test_a_download_that_finds_nothing_skips_the_steps_and_the_run_has_succeeded(when: str | None) -> None:
    said = document({"name": "a"}, download={**FETCH, "if_empty": "skip"}, upload={**BRING, "when": when})
    answer = plan(said, {"run.download": "s"}, nothing=["run.download"])
    assert finish(answer) == Finish(status=Status.SUCCEEDED, reason="nothing to do: run.download found nothing")
    assert reason(answer, "a") == "needs run.download, which brought nothing"
    assert reason(answer, "run.upload") == "run.download brought nothing"


def test_a_download_that_may_find_nothing_lets_the_steps_run() -> None:
    said = document({"name": "a"}, download={**FETCH, "if_empty": "run"})
    assert starts(plan(said, {"run.download": "s"}, nothing=["run.download"])) == ["a#1"]


def test_nothing_for_one_step_skips_that_and_what_needs_it_and_others_are_brought_away() -> None:
    said = document({"name": "a", "download": {**FETCH, "if_empty": "skip"}}, {"name": "b", "needs": []})
    answer = plan(said, {"run.download": "s", "a.download": "s", "b": "s"}, nothing=["a.download"])
    assert starts(answer) == ["run.upload#1"]
    assert reason(answer, "a") == "needs a.download, which brought nothing"


def test_what_needs_a_step_waits_for_what_that_brings_away() -> None:
    said = document({"name": "a", "upload": BRING}, {"name": "b"})
    assert starts(plan(said, {"run.download": "s", "a": "s"})) == ["a.upload#1"]
    answer = plan(said, {"run.download": "s", "a": "s", "a.upload": "f"})
    assert reason(answer, "b") == "needs a.upload, which failed"


def test_the_download_of_a_step_that_does_not_run_is_left_out_too() -> None:
    said = document({"name": "a", "when": "run.id == 2", "download": FETCH}, {"name": "b", "needs": []})
    answer = plan(said, {"run.download": "s", "b": "s"})
    assert answer.standings["a.download"].state.status is Status.SKIPPED
    assert answer.standings["a"].state.status is Status.SKIPPED


NEW = {**FETCH, "only": "new", "if_empty": "skip"}
ALSO_NEW = {**NEW, "from": "s3://b/more"}


@pytest.mark.parametrize(
    ("ended", "nothing", "selection", "expected"),
    [
        ({"run.download": "s", "run.download-2": "s", "a": "s"}, [], Selection(), ["run.download", "run.download-2"]),
        ({"run.download": "s", "run.download-2": "s"}, ["run.download-2"], Selection(), []),
        ({"run.download": "s"}, [], Selection(only="run.download"), []),
        ({"a": "s"}, [], Selection(start_at="a"), []),
    ],
)
def test_a_run_has_had_what_a_step_of_it_ran_on(
    ended: Mapping[str, str], nothing: Sequence[str], selection: Selection, expected: list[str]
) -> None:
    said = document({"name": "a"}, download=[NEW, ALSO_NEW])
    answer = plan(said, ended, nothing=nothing, selection=selection)
    attempts = has_had(build(said).steps, answer.standings)  # type: ignore[arg-type]  # what a document holds is plain data
    assert [attempt.key.step for attempt in attempts] == expected
