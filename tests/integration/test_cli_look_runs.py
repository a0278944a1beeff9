"""`crude-link runs`, `show` and `why` over a real store."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from asking import Ask
from look_project import FAILURE, NEW_RUN, NOON, SITTING, LookProject

from crude_link.model.run import Attempt, AttemptKey, NewRequest, Origin, RequestKind
from crude_link.model.status import Status


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LookProject]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRUDE_LINK_HOME", raising=False)
    project = LookProject.at(tmp_path)
    yield project
    project.leave()


def test_runs_are_listed_newest_first(project: LookProject, ask: Ask) -> None:
    project.failed_run()
    project.green_run()
    head, *lines = ask("runs").out.splitlines()
    assert head.split() == ["run", "pipeline", "status", "began", "time", "why", "reason"]
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert "succeeded" in lines[0]
    assert lines[1].endswith("by hand  'train': exit 1")


def test_runs_can_be_chosen_by_number_pipeline_and_status(project: LookProject, ask: Ask) -> None:
    failed, green = project.failed_run(), project.green_run()
    project.finish(project.begin(replace(NEW_RUN, pipeline="other", origin=Origin.SCHEDULE)), Status.SUCCEEDED)

    def ids(*options: str) -> list[int]:
        return [run["id"] for run in json.loads(ask("runs", "--json", *options).out)]

    assert ids() == [3, 2, 1]
    assert ids("--limit", "1") == [3]
    assert ids("--pipeline", "demo") == [green, failed]
    assert ids("--status", "failed") == [failed]
    assert ids("--status", "succeeded", "--limit", "1") == [3]
    assert ids("--pipeline", "nobody") == []


def test_no_runs_are_said_on_stderr(project: LookProject, ask: Ask) -> None:
    answer = ask("runs")
    assert (answer.status, answer.out) == (0, "")
    assert answer.err == "no runs are recorded here yet · crude-link run\n"
    assert ask("runs", "--status", "lost").err == "no such runs are recorded · crude-link runs\n"


def test_a_directory_without_a_store_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = ask("runs")
    assert answer.status == 2
    assert "no runs here yet" in answer.err
    assert not (tmp_path / ".crude-link").exists()


def test_a_run_that_nobody_holds_any_more_is_lost(project: LookProject, ask: Ask) -> None:
    run = project.begin()
    project.attempt(run, "prepare")
    assert json.loads(ask("runs", "--json").out)[0]["status"] == "running"
    project.leave()
    assert json.loads(ask("runs", "--json").out)[0]["status"] == "lost"
    shown = json.loads(ask("show", "--json").out)
    assert [step["status"] for step in shown["steps"]] == ["lost", "waiting", "waiting"]
    why = ask("why").out
    assert "is gone" in why
    assert why.endswith(f"crude-link resume {run}\n")


def test_show_tells_all_of_a_run(project: LookProject, ask: Ask) -> None:
    run = project.failed_run()
    out = ask("show", str(run)).out
    assert out.startswith(f"run {run} failed at 'train': exit 1\n")
    for part in (
        "lr=0.1",
        "code 0123456789ab with changes",
        "data.npz  1.2 kB  abab",
        "images  500",
        "python3 train.py",
    ):
        assert part in out
    assert out.endswith(f"crude-link logs {run} train · crude-link resume {run}\n")


def test_show_has_a_line_for_each_try_that_fits_a_terminal(project: LookProject, ask: Ask) -> None:
    project.failed_run()
    lines = [line for line in ask("show").out.splitlines() if line.startswith("train ") and "python3" in line]
    assert [line.split()[:2] for line in lines] == [["train", "1"], ["train", "2"]]
    assert all(
        re.search(r"train \d    \d\d:00:00  thor  exit 1 after 3.2 s  python3 train.py$", line) for line in lines
    )


def test_show_names_a_python_that_is_not_crude_link_s_own(project: LookProject, ask: Ask) -> None:
    run = project.begin()
    for number, python in enumerate(("/usr/bin/python3", "/opt/old/bin/python"), 1):
        key = AttemptKey(run, "train", 1, number)
        whole = Attempt(key=key, sitting=1, began=NOON, host="thor", argv=(python, "t.py"), interpreter=python)
        project.store.attempts.begin_attempt(whole)
    out = ask("show").out
    assert "running  python3 t.py\n" in out
    assert "running  /opt/old/bin/python t.py\n" in out


def test_the_time_of_a_run_is_without_the_pause_before_it_was_resumed(project: LookProject, ask: Ask) -> None:
    run = project.failed_run()
    later = NOON + timedelta(days=3)
    project.store.runs.begin_sitting(run, replace(SITTING, number=2, began=later))
    project.store.runs.end_sitting(run, Status.SUCCEEDED, "", later + timedelta(seconds=1))
    assert "  15 s  by hand" in ask("runs").out
    assert ask("show").out.startswith(f"run {run} succeeded in 15 s")


def test_show_tells_why_a_green_run_skipped_a_step_and_what_was_decided(project: LookProject, ask: Ask) -> None:
    project.green_run()
    out = ask("show").out
    assert "deploy   skipped" in out
    assert "is false (steps.train.metrics.accuracy = 0.72)" in out
    assert "skip      deploy" in out
    assert "a hunch" in out


def test_show_as_json_is_the_whole_record(project: LookProject, ask: Ask) -> None:
    run = project.failed_run()
    shown = json.loads(ask("show", "--json", str(run)).out)
    assert (shown["id"], shown["status"], shown["reason"]) == (run, "failed", "'train': exit 1")
    assert shown["sittings"][0]["code"] == {"commit": "0123456789abcdef", "dirty": True, "diff_digest": None}
    first = shown["attempts"][0]
    assert first["key"] == {"run": run, "step": "prepare", "task": 1, "number": 1}
    assert first["outcome"]["wall_seconds"] == 12.0
    assert first["outputs"][0]["digest"] == "ab" * 32
    assert shown["config"]["text"] == NEW_RUN.config_text
    assert shown["config"]["document"]["steps"][1]["retries"] == 2


def test_a_run_can_be_named_by_its_distance_and_its_pipeline(project: LookProject, ask: Ask) -> None:
    failed, green = project.failed_run(), project.green_run()
    for words, run in (("last", green), ("last~1", failed), ("last:demo", green), ("last~1:demo", failed)):
        assert json.loads(ask("show", "--json", words).out)["id"] == run


@pytest.mark.parametrize(
    "words", ["9", "9" * 20, "9" * 5000, "last~7", "last~" + "9" * 20, "last~²", "last:nobody", "lost", "²"]
)
@pytest.mark.parametrize("command", ["show", "why", "logs"])
def test_an_unknown_run_or_step_ends_with_2(project: LookProject, ask: Ask, command: str, words: str) -> None:
    project.failed_run()
    answer = ask(command, words)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1


def test_a_step_that_a_reload_took_out_can_still_be_looked_at(project: LookProject, ask: Ask) -> None:
    run = project.failed_run()
    project.store.runs.adopt_document(run, "steps: [train]\n", {"steps": []}, ("train", "deploy"), {})
    why = ask("why", "prepare")
    assert "prepare is no step of the run any more: a reload of the config took it out." in why.out
    assert "Attempt 1 began at" in why.out
    assert ask("logs", "prepare").out == "prepared 500 images\n"
    assert ask("logs", "prepare", "-f").out == "prepared 500 images\n"
    assert "prepare 1" in ask("show").out


def unbegun(project: LookProject, began: datetime, said: str = "") -> int:
    run = project.store.runs.begin_run(replace(NEW_RUN, began=began), None).id
    (project.store.files.folder(run) / "detached.log").write_text(said)
    return run


def test_a_run_that_was_just_detached_is_said_to_be_starting(project: LookProject, ask: Ask) -> None:
    run = unbegun(project, datetime.now(timezone.utc))
    for command in ("show", "why"):
        out = ask(command).out
        assert out.startswith(f"run {run} has not begun yet: it is just starting")
        assert out.endswith(f"crude-link wait {run} · crude-link stop {run}\n")
    with project.store.locks.hold(run):
        assert ask("why").out.startswith(f"run {run} has not begun yet: it is just starting.\n")


def test_a_run_whose_process_died_before_it_began_tells_what_that_said(project: LookProject, ask: Ask) -> None:
    run = unbegun(project, datetime.now(timezone.utc), "Traceback\nImportError: no module\n\n")
    for command in ("show", "why"):
        out = ask(command).out
        assert f"its process said, in .crude-link/runs/{run}/detached.log: ImportError: no module" in out
        assert out.endswith(f"\n\ncrude-link resume {run}\n")


def test_a_run_that_nobody_begins_leads_to_resume(project: LookProject, ask: Ask) -> None:
    run = unbegun(project, NOON)
    out = ask("why").out
    assert out.startswith(f"run {run} has not begun yet: nobody seems to begin it.\n")
    assert out.endswith(f"\n\ncrude-link resume {run}\n")


def test_waiting_for_a_run_that_has_ended_says_how_it_stands(project: LookProject, ask: Ask) -> None:
    failed, green = project.failed_run(), project.green_run()
    project.leave()
    answer = ask("wait")
    assert (answer.status, answer.out) == (0, "")
    assert answer.err == f"run {green} succeeded in 14 s, deploy skipped · crude-link show {green}\n"
    answer = ask("wait", str(failed), "--json")
    assert (answer.status, json.loads(answer.out)["status"]) == (1, "failed")


def test_stopping_a_run_that_has_ended_says_how_it_stands(project: LookProject, ask: Ask) -> None:
    run = project.green_run()
    project.leave()
    answer = ask("stop")
    assert answer.status == 0
    assert answer.err.startswith(f"nothing is left to stop: run {run} succeeded")


def test_why_of_a_failed_step_names_needs_and_attempts(project: LookProject, ask: Ask) -> None:
    run = project.failed_run()
    out = ask("why", "train").out
    assert out.splitlines()[0] == f"run {run}: train failed: exit 1."
    assert "It needs prepare (succeeded)." in out
    assert "Attempt 2 began at" in out
    assert "failed: exit 1 after 3.2 s." in out
    assert out.endswith(f"crude-link logs {run} train · crude-link resume {run}\n")


def test_why_of_a_step_that_was_skipped_for_another_leads_to_that(project: LookProject, ask: Ask) -> None:
    run = project.failed_run()
    out = ask("why", str(run), "deploy").out
    assert "deploy was skipped: needs train, which failed." in out
    assert f"crude-link why {run} train" in out


def test_why_of_a_condition_shows_what_it_saw(project: LookProject, ask: Ask) -> None:
    project.green_run()
    out = ask("why", "last", "deploy").out
    assert "It runs only when: steps.train.metrics.accuracy > 0.9" in out
    assert out.count("steps.train.metrics.accuracy = 0.72") == 1
    assert "Decision 'skip' about deploy by ada" in out


def test_why_of_a_step_that_is_tried_again_says_when(project: LookProject, ask: Ask) -> None:
    run = project.begin()
    project.end(project.attempt(run, "train"), FAILURE)
    project.settle(run, "train", Status.WAITING, "tried again after: exit 1")
    answer = ask("why", "train")
    assert answer.err == ""
    out = answer.out
    assert "train waits: tried again after: exit 1." in out
    assert "Try 2 is due now." in out
    assert "The run is held by pid" in out


def test_why_of_a_live_run_names_its_holder_and_what_it_was_asked(project: LookProject, ask: Ask) -> None:
    run = project.begin()
    project.attempt(run, "prepare")
    project.store.states.ask(NewRequest(run=run, kind=RequestKind.STOP, by="eve", at=NOON))
    answer = json.loads(ask("why", "--json").out)
    assert any(sentence.startswith("It is held by pid") for sentence in answer["sentences"])
    assert any(sentence.startswith("eve asked it") for sentence in answer["sentences"])
    assert answer["next"] == [f"crude-link logs {run} -f", f"crude-link stop {run}"]


def test_a_full_disk_under_stdout_is_said_in_one_line(project: LookProject) -> None:
    project.failed_run()
    for command in ("runs", "logs"):
        with Path("/dev/full").open("wb") as full:
            words = [sys.executable, "-m", "crude_link", command]
            done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr == "crude-link: stdout cannot be written: No space left on device\n"


def test_looking_loads_no_costly_module(project: LookProject) -> None:
    project.green_run()
    program = (
        "import sys; from crude_link.cli import main; [main([c]) for c in ('runs', 'show', 'logs', 'why')];"
        "print([m for m in ('omegaconf', 'pydantic', 'apscheduler', 'rich', 'questionary') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
