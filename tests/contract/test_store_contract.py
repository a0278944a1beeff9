"""What every store promises, face by face."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest
from store_examples import FAILURE, NOON, NOT_UTF8, new_attempt, new_run, new_sitting, success

from crude_link import interfaces
from crude_link.errors import RunIsHeld, UnknownRun
from crude_link.model.firing import Fate, Firing
from crude_link.model.run import (
    AttemptKey,
    Code,
    Decision,
    Findings,
    NewRequest,
    Origin,
    Output,
    RequestKind,
    Selection,
    StepState,
    Verdict,
)
from crude_link.model.status import Status
from crude_link.store.place import Project
from crude_link.store.sqlite_store import open_store


class Store(Protocol):
    """All faces together."""

    @property
    def runs(self) -> interfaces.RunStore: ...
    @property
    def attempts(self) -> interfaces.AttemptStore: ...
    @property
    def states(self) -> interfaces.StateStore: ...
    @property
    def history(self) -> interfaces.History: ...
    @property
    def locks(self) -> interfaces.RunLocks: ...
    @property
    def logs(self) -> interfaces.Logs: ...
    def close(self) -> None: ...


@dataclass
class Places:
    """Opens stores on one and the same memory, as different processes do."""

    folder: Path

    def open(self) -> Store:
        return open_store(Project(directory=self.folder, home=self.folder / ".crude-link"))


@pytest.fixture(params=[Places], ids=["sqlite"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    places: Places = request.param(tmp_path)
    return places


@pytest.fixture
def store(places: Places) -> Iterator[Store]:
    store = places.open()
    yield store
    store.close()


@pytest.fixture
def other(places: Places, store: Store) -> Iterator[Store]:
    """The same memory, seen by somebody else."""
    other = places.open()
    yield other
    other.close()


# --- runs -----------------------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_begun(store: Store, other: Store) -> None:
    new = replace(
        new_run(),
        params={"lr": 0.1, "n": 3, "name": "x", "deep": True, "none": None, "big": 2**70},
        settings=("lr=0.1", f"name={NOT_UTF8}"),
        selection=Selection(start_at="train"),
        config_file=f"{NOT_UTF8}.yaml",
        group="sweep",
        firing=Firing(
            pipeline="project", entry="hourly", slot_time=NOON - timedelta(minutes=1), fate=Fate.RAN, at=NOON
        ),
        rerun_of=41,
        origin=Origin.RERUN,
    )
    run = store.runs.begin_run(new, new_sitting())
    assert other.runs.run(run.id) == run
    assert (run.pipeline, run.origin, run.status, run.began) == ("cells", Origin.RERUN, Status.RUNNING, NOON)
    assert (run.params, run.settings, run.selection) == (new.params, new.settings, new.selection)
    assert (run.config_file, run.group, run.slot_time, run.rerun_of) == (
        f"{NOT_UTF8}.yaml",
        "sweep",
        new.slot_time,
        41,
    )
    assert other.history.document(run.id) == (new.config_text, new.document, new.resolved)


def test_a_run_without_a_sitting_waits(store: Store) -> None:
    run = store.runs.begin_run(new_run(), None)
    assert run.status is Status.WAITING
    assert not store.locks.is_held(run.id)
    assert store.runs.run(run.id).status is Status.WAITING
    assert store.history.sittings(run.id) == []
    sitting, lost = store.runs.begin_sitting(run.id, new_sitting())
    assert (sitting.number, lost) == (1, [])


def test_ids_rise(store: Store, other: Store) -> None:
    ids = [each.runs.begin_run(new_run(), None).id for each in (store, other, store)]
    assert ids == [1, 2, 3]


def test_an_unknown_run_is_named(store: Store) -> None:
    for ask in (
        lambda: store.runs.run(7),
        lambda: store.runs.begin_sitting(7, new_sitting()),
        lambda: store.runs.end_sitting(7, Status.FAILED, "", NOON),
        lambda: store.attempts.begin_attempt(new_attempt(7)),
        lambda: store.history.document(7),
    ):
        with pytest.raises(UnknownRun, match="run 7"):
            ask()


def test_a_number_that_no_run_can_have_is_an_unknown_run_and_no_limit(store: Store) -> None:
    run = store.runs.begin_run(new_run(), None)
    for number in (2**63, 10**19, 10**100):
        with pytest.raises(UnknownRun, match=str(number)):
            store.runs.run(number)
        assert store.history.runs(limit=number) == [run]


def test_the_end_of_a_sitting_is_the_end_of_the_run(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting())
    ended = store.runs.end_sitting(run.id, Status.FAILED, "step train failed: exit 1", NOON + timedelta(hours=1))
    assert ended == replace(
        run, status=Status.FAILED, reason="step train failed: exit 1", ended=NOON + timedelta(hours=1)
    )
    (sitting,) = store.history.sittings(run.id)
    assert sitting == replace(new_sitting(), number=1, ended=NOON + timedelta(hours=1))


def test_a_further_sitting_sets_the_run_running_again(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting())
    store.runs.end_sitting(run.id, Status.FAILED, "no", NOON)
    with store.locks.hold(run.id):
        sitting, lost = store.runs.begin_sitting(run.id, new_sitting(NOON + timedelta(days=1)))
        assert (sitting.number, lost) == (2, [])
        again = store.runs.run(run.id)
        assert (again.status, again.reason, again.ended) == (Status.RUNNING, "", None)
    assert [each.number for each in store.history.sittings(run.id)] == [1, 2]


def test_a_further_sitting_records_attempts_without_an_end_as_lost(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting())
    store.attempts.begin_attempt(new_attempt(run.id, "prepare"))
    store.attempts.end_attempt(AttemptKey(run.id, "prepare", 1, 1), success(), Findings())
    store.attempts.begin_attempt(new_attempt(run.id, "train"))
    _, lost = store.runs.begin_sitting(run.id, new_sitting(NOON + timedelta(days=1)))
    assert lost == [AttemptKey(run.id, "train", 1, 1)]
    finished, gone = store.attempts.attempts(run.id)
    assert finished.status is Status.SUCCEEDED
    assert gone.status is Status.LOST
    assert gone.outcome
    assert "pid 4711 on thor" in gone.outcome.reason
    assert not store.attempts.end_attempt(gone.key, success(), Findings())


def test_the_code_of_a_sitting_is_recorded_with_it(store: Store) -> None:
    code = Code(commit="c0ffee", dirty=True, diff_digest="d1ff")
    run = store.runs.begin_run(new_run(), replace(new_sitting(), code=code))
    assert store.history.sittings(run.id)[0].code == code


def test_a_newer_config_replaces_the_document_and_the_steps(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting())
    store.states.set_states(run.id, [StepState(name="train", status=Status.FAILED, reason="exit 1")])
    store.runs.adopt_document(run.id, "newer", {"steps": ["load", "train"]}, ("load", "train"), {"${x}": 1})
    assert store.history.document(run.id) == ("newer", {"steps": ["load", "train"]}, {"${x}": 1})
    assert store.states.states(run.id) == [
        StepState(name="load", status=Status.WAITING),
        StepState(name="train", status=Status.FAILED, reason="exit 1"),
    ]


# --- attempts -------------------------------------------------------------------------------------------


def test_an_attempt_comes_back_as_it_was(store: Store, other: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    attempt = new_attempt(run)
    store.attempts.begin_attempt(attempt)
    assert other.attempts.attempts(run) == [attempt]
    assert store.attempts.end_attempt(attempt.key, success(), Findings())
    assert other.attempts.attempts(run) == [replace(attempt, outcome=success())]


def test_an_attempt_that_begins_shows_its_step_as_running(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    store.attempts.begin_attempt(new_attempt(run))
    assert [state.status for state in store.states.states(run)] == [Status.WAITING, Status.RUNNING]


def test_the_end_of_an_attempt_is_never_overwritten(store: Store, other: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    attempt = new_attempt(run)
    store.attempts.begin_attempt(attempt)
    assert store.attempts.end_attempt(attempt.key, FAILURE, Findings())
    assert not other.attempts.end_attempt(attempt.key, success(), Findings(metrics={"loss": 1}))
    assert store.attempts.attempts(run) == [replace(attempt, outcome=FAILURE)]
    assert store.attempts.findings(run) == {}


def test_findings_come_back_with_their_types(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    findings = Findings(
        metrics={"loss": 0.25, "n": 2**70, "ok": True, "name": "ü", "none": None, NOT_UTF8: 1},
        outputs=(Output(path="z.pt", size=5, digest="ab"), Output(path=NOT_UTF8, size=2**40)),
    )
    store.attempts.begin_attempt(new_attempt(run))
    store.attempts.end_attempt(AttemptKey(run, "train", 1, 1), success(), findings)
    assert store.attempts.findings(run) == {AttemptKey(run, "train", 1, 1): findings}


def test_attempts_are_in_the_order_in_which_they_began(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    for step, number in (("train", 1), ("prepare", 1), ("train", 2)):
        store.attempts.begin_attempt(new_attempt(run, step, number))
    assert [attempt.key[1:] for attempt in store.attempts.attempts(run)] == [
        ("train", 1, 1),
        ("prepare", 1, 1),
        ("train", 1, 2),
    ]


def test_decisions_are_kept_in_order(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    decisions = [
        Decision(verdict=Verdict.SKIP, at=NOON, by="ada", step="train"),
        Decision(verdict=Verdict.STOP, at=NOON, by=NOT_UTF8, why="enough"),
    ]
    for decision in decisions:
        store.attempts.decide(run, decision)
    assert store.attempts.decisions(run) == decisions


# --- states and requests --------------------------------------------------------------------------------


def test_states_begin_as_waiting_in_the_pipelines_order(store: Store) -> None:
    run = store.runs.begin_run(new_run(steps=("z", "a", "m")), None).id
    assert store.states.states(run) == [StepState(name=name, status=Status.WAITING) for name in ("z", "a", "m")]


def test_states_are_written_together(store: Store, other: Store) -> None:
    run = store.runs.begin_run(new_run(), None).id
    states = [
        StepState(name="prepare", status=Status.SUCCEEDED),
        StepState(name="train", status=Status.SKIPPED, reason=NOT_UTF8),
    ]
    store.states.set_states(run, states[::-1])
    assert other.states.states(run) == states


def test_a_request_from_another_process_is_seen_and_answered_once(store: Store, other: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    assert list(store.states.requests([run])) == []
    first = other.states.ask(NewRequest(run=run, kind=RequestKind.STOP, by="ada", at=NOON))
    second = other.states.ask(NewRequest(run=run, kind=RequestKind.STOP_NOW, by="ada", at=NOON))
    assert list(store.states.requests([run])) == [first, second]
    assert list(store.states.requests([run + 1])) == []
    store.states.answer(first.id, "stopping")
    store.states.answer(first.id, "again")
    assert list(store.states.requests([run])) == [second]
    store.states.answer(second.id, "killed")
    assert list(store.states.requests([run])) == []


def test_a_request_of_ones_own_is_seen_too(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    assert list(store.states.requests([run])) == []
    asked = store.states.ask(NewRequest(run=run, kind=RequestKind.STOP, by="ada", at=NOON))
    assert list(store.states.requests([run])) == [asked]


def test_what_was_asked_of_a_former_holder_does_not_stop_the_next(store: Store, other: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    other.states.ask(NewRequest(run=run, kind=RequestKind.STOP, by="ada", at=NOON))
    store.runs.begin_sitting(run, new_sitting(NOON + timedelta(days=1)))
    assert list(store.states.requests([run])) == []


# --- history --------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first(store: Store) -> None:
    for pipeline in ("a", "b", "a"):
        store.runs.begin_run(new_run(pipeline), None)
    assert [run.id for run in store.history.runs()] == [3, 2, 1]
    assert [run.id for run in store.history.runs("a")] == [3, 1]
    assert [run.id for run in store.history.runs(limit=2)] == [3, 2]
    assert store.history.runs("c") == []


def test_the_usual_time_is_the_median_of_the_last_twenty_successes(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    strange = store.runs.begin_run(new_run("other"), new_sitting()).id
    for number, seconds in enumerate([1000] * 30 + [1] * 9 + [5, 7] + [9] * 9, 1):
        store.attempts.begin_attempt(new_attempt(run, "train", number))
        key = AttemptKey(run, "train", 1, number)
        store.attempts.end_attempt(key, success(timedelta(seconds=seconds)), Findings())
    store.attempts.begin_attempt(new_attempt(run, "prepare"))
    store.attempts.end_attempt(AttemptKey(run, "prepare", 1, 1), FAILURE, Findings())
    store.attempts.begin_attempt(new_attempt(strange))
    store.attempts.end_attempt(AttemptKey(strange, "train", 1, 1), success(timedelta(days=1)), Findings())
    assert store.history.usual("cells") == {"train": timedelta(seconds=6)}
    assert store.history.usual("unknown") == {}


def test_a_fan_out_that_only_ever_went_on_has_no_usual_time(store: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    key = AttemptKey(run, "train", 0, 2)
    store.attempts.begin_attempt(replace(new_attempt(run), key=key))
    store.attempts.end_attempt(key, success(timedelta(seconds=1)), Findings())
    assert store.history.usual("cells") == {}


# --- locks ----------------------------------------------------------------------------------------------


def test_a_run_is_held_from_its_first_moment(store: Store, other: Store) -> None:
    run = store.runs.begin_run(new_run(), new_sitting()).id
    assert other.locks.is_held(run)
    assert f"pid {os.getpid()} on {os.uname().nodename} since " in (other.locks.holder(run) or "")
    with store.locks.hold(run) as second:
        assert second.name == "agent.lock"
        assert second.parent.is_dir()
        assert other.locks.is_held(run)
    assert not other.locks.is_held(run)
    assert other.locks.holder(run) is None


def test_only_one_can_hold_a_run(store: Store, other: Store) -> None:
    run = store.runs.begin_run(new_run(), None).id

    def hold(by: Store) -> AbstractContextManager[Path]:
        return by.locks.hold(run)

    with hold(store), pytest.raises(RunIsHeld, match=f"pid {os.getpid()}"), hold(other):
        pass
    with hold(other):
        pass


def test_a_run_whose_holder_went_is_lost_and_resumed(store: Store, places: Places) -> None:
    gone = places.open()
    run = gone.runs.begin_run(new_run(), new_sitting()).id
    gone.attempts.begin_attempt(new_attempt(run))
    assert store.runs.run(run).status is Status.RUNNING
    gone.close()
    for seen in (store.runs.run(run), store.history.runs()[0]):
        assert seen.status is Status.LOST
        assert seen.reason.startswith("its crude-link (pid 4711 on thor) is gone")
        assert seen.reason.endswith(f"crude-link resume {run}")
    with store.locks.hold(run):
        assert store.runs.run(run).status is Status.RUNNING
        _, lost = store.runs.begin_sitting(run, new_sitting())
        assert lost == [AttemptKey(run, "train", 1, 1)]
        store.runs.end_sitting(run, Status.SUCCEEDED, "", NOON)
    assert store.runs.run(run).status is Status.SUCCEEDED
