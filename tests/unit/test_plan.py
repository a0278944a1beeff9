"""The pure question, by tables: what stands how, and what starts now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies

from crude_link.engine.plan import Finish, Plan, RunView, Start, Stopping, Wait, next_moves, ordered
from crude_link.model.condition import parse_condition
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.policy import FailureKind, RetryPolicy
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

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
#: What the letters of a history mean: how an attempt ended.
ENDINGS = {
    "s": Outcome(ending=Ending.EXITED, exit_status=0, ended=NOON),
    "f": Outcome(ending=Ending.EXITED, exit_status=1, ended=NOON, reason="exit 1"),
    "k": Outcome(ending=Ending.SIGNALLED, signal=9, ended=NOON, reason="killed"),
    "t": Outcome(ending=Ending.TIMED_OUT, ended=NOON, reason="timed out after 2 h"),
    "c": Outcome(ending=Ending.STOPPED, ended=NOON, reason="stopped"),
    "l": Outcome(ending=Ending.LOST, ended=NOON, reason="lost"),
    "r": None,
}


def step(
    name: str, *needs: str, when: str | None = None, retries: RetryPolicy = RetryPolicy(), go_on: bool = False
) -> Step:
    return Step(
        name=name,
        action=Command(text="true"),
        needs=needs,
        when=parse_condition(when) if when else None,
        retries=retries,
        continue_on_failure=go_on,
    )


def chain(*names: str) -> tuple[Step, ...]:
    return tuple(step(name, *names[max(i - 1, 0) : i]) for i, name in enumerate(names))


def tried(name: str, history: str, sitting: int = 1, first: int = 1) -> list[Attempt]:
    return [
        Attempt(
            key=AttemptKey(1, name, 1, first + i), sitting=sitting, began=NOON, host="thor", outcome=ENDINGS[letter]
        )
        for i, letter in enumerate(history)
    ]


def plan(
    steps: Sequence[Step],
    *attempts: list[Attempt],
    sitting: int = 1,
    skip: Sequence[str] = (),
    again: Sequence[str] = (),
    selection: Selection = Selection(),
    stopping: Stopping | None = None,
    metrics: dict[str, dict[str, float]] | None = None,
    now: datetime = NOON,
    before: Plan | None = None,
) -> Plan:
    made = [attempt for some in attempts for attempt in some]
    run = Run(id=1, pipeline="p", origin=Origin.PERSON, status=Status.RUNNING, began=NOON, selection=selection)
    view = RunView(
        run=run,
        pipeline=Pipeline(name="p", steps=tuple(steps), params={"least": 0.9}),
        sitting=sitting,
        attempts={name: [a for a in made if a.key.step == name] for name in {a.key.step for a in made}},
        findings={a.key: Findings(metrics=(metrics or {}).get(a.key.step, {})) for a in made},
        decisions=[
            *(Decision(verdict=Verdict.SKIP, at=NOON, by="ann", step=name) for name in skip),
            *(Decision(verdict=Verdict.AGAIN, at=NOON + timedelta(hours=1), by="ann", step=name) for name in again),
        ],
        stopping=stopping,
    )
    return next_moves(view, now, before)


def starts(answer: Plan) -> list[str]:
    return [f"{move.step.name}#{move.number}" for move in answer.moves if isinstance(move, Start)]


def stands(answer: Plan) -> dict[str, str]:
    return {name: standing.state.status.value for name, standing in answer.standings.items()}


def reason(answer: Plan, name: str) -> str:
    return answer.standings[name].state.reason


def finish(answer: Plan) -> Finish:
    (move,) = answer.moves
    assert isinstance(move, Finish)
    return move


ABC = chain("a", "b", "c")


@pytest.mark.parametrize(
    ("attempts", "sitting", "expected"),
    [
        ([], 1, ["a#1"]),
        ([tried("a", "r")], 1, []),
        ([tried("a", "s")], 1, ["b#1"]),
        ([tried("a", "s"), tried("b", "s")], 1, ["c#1"]),
        # resume: failures, losses and cancellations of an earlier sitting do not count, successes do
        ([tried("a", "s"), tried("b", "f")], 2, ["b#2"]),
        ([tried("a", "s"), tried("b", "l")], 2, ["b#2"]),
        ([tried("a", "c")], 2, ["a#2"]),
        ([tried("a", "f"), tried("a", "s", sitting=2, first=2)], 3, ["b#1"]),
        # a lost attempt of this sitting is tried again at once, and uses up no retry
        ([tried("a", "l")], 1, ["a#2"]),
        ([tried("a", "ll")], 1, ["a#3"]),
    ],
)
def test_what_starts_follows_from_the_attempts(
    attempts: list[list[Attempt]], sitting: int, expected: list[str]
) -> None:
    assert starts(plan(ABC, *attempts, sitting=sitting)) == expected


def test_a_run_whose_steps_all_succeeded_has_succeeded() -> None:
    assert finish(plan(ABC, *(tried(name, "s") for name in "abc"))) == Finish(status=Status.SUCCEEDED, reason="")


def test_nothing_that_needs_a_failed_step_starts() -> None:
    answer = plan(ABC, tried("a", "f"))
    assert stands(answer) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert reason(answer, "b") == "needs a, which failed"
    assert reason(answer, "c") == "needs b; before it, a failed"
    assert finish(answer) == Finish(status=Status.FAILED, reason="'a': exit 1")


def test_three_losses_in_one_sitting_are_a_failure() -> None:
    answer = plan(ABC, tried("a", "lll"))
    assert finish(answer).status is Status.FAILED
    assert reason(answer, "a") == "lost 3 times: lost"


def test_independent_steps_start_side_by_side_and_outlive_each_other() -> None:
    fan = (step("a"), step("b"), step("c", "a"), step("d", "b", "c"))
    assert starts(plan(fan)) == ["a#1", "b#1"]
    answer = plan(fan, tried("a", "s"), tried("b", "f"))
    assert starts(answer) == ["c#1"]
    assert stands(answer)["d"] == "waiting"
    assert stands(plan(fan, tried("a", "s"), tried("b", "f"), tried("c", "s")))["d"] == "skipped"


def test_continue_on_failure_lets_the_next_start_but_the_run_has_failed() -> None:
    steps = (step("a", go_on=True), step("b", "a"))
    assert starts(plan(steps, tried("a", "f"))) == ["b#1"]
    assert finish(plan(steps, tried("a", "f"), tried("b", "s"))).status is Status.FAILED


@pytest.mark.parametrize(
    ("policy", "history", "expected"),
    [
        (RetryPolicy(max=2), "f", ["a#2"]),
        (RetryPolicy(max=2), "ff", ["a#3"]),
        (RetryPolicy(max=2), "fff", []),
        (RetryPolicy(max=1), "flf", []),
        (RetryPolicy(max=1), "fl", ["a#3"]),
        (RetryPolicy(max=2, only=(75,)), "f", []),
        (RetryPolicy(max=2, only=(1,)), "f", ["a#2"]),
        (RetryPolicy(max=2, only=(FailureKind.SIGNAL,)), "k", ["a#2"]),
        (RetryPolicy(max=2, only=(FailureKind.SIGNAL,)), "t", []),
        (RetryPolicy(max=2, only=(FailureKind.TIMEOUT,)), "t", ["a#2"]),
    ],
)
def test_a_failure_is_tried_again_as_its_policy_says(policy: RetryPolicy, history: str, expected: list[str]) -> None:
    assert starts(plan([step("a", retries=policy)], tried("a", history))) == expected


def test_a_retry_waits_for_its_date_and_the_waits_grow() -> None:
    policy = RetryPolicy(max=3, delay=timedelta(seconds=10), backoff=3.0)
    answer = plan([step("a", retries=policy)], tried("a", "ff"))
    assert answer.moves == (Wait(until=NOON + timedelta(seconds=30)),)
    later = plan([step("a", retries=policy)], tried("a", "ff"), now=NOON + timedelta(seconds=30))
    assert starts(later) == ["a#3"]


def test_a_retrys_jitter_is_the_same_whenever_it_is_asked_for() -> None:
    steps = [step("a", retries=RetryPolicy(max=1, delay=timedelta(seconds=10), jitter=0.5))]
    first, second = (plan(steps, tried("a", "f")).standings["a"].due for _ in range(2))
    assert first == second
    assert first is not None
    assert timedelta(seconds=10) <= first - NOON <= timedelta(seconds=15)


def test_a_false_when_skips_the_step_and_what_needs_it_with_the_values_it_saw() -> None:
    steps = (step("v"), step("deploy", "v", when="steps.v.metrics.acc >= params.least"), step("tell", "deploy"))
    answer = plan(steps, tried("v", "s"), metrics={"v": {"acc": 0.7}})
    assert stands(answer) == {"v": "succeeded", "deploy": "skipped", "tell": "skipped"}
    assert reason(answer, "deploy") == (
        "when: steps.v.metrics.acc >= params.least is false (steps.v.metrics.acc = 0.7, params.least = 0.9)"
    )
    assert finish(answer).status is Status.SUCCEEDED
    assert starts(plan(steps, tried("v", "s"), metrics={"v": {"acc": 0.95}})) == ["deploy#1"]


@pytest.mark.parametrize(
    ("metrics", "words"),
    [({}, "step 'v' left no metric 'acc' (it left: none)"), ({"acc": float("nan")}, "steps.v.metrics.acc is NaN")],
)
def test_a_when_that_cannot_be_answered_fails_the_step(metrics: dict[str, float], words: str) -> None:
    steps = (step("v"), step("deploy", "v", when="steps.v.metrics.acc >= 0.9"))
    answer = plan(steps, tried("v", "s"), metrics={"v": metrics})
    assert stands(answer)["deploy"] == "failed"
    assert words in reason(answer, "deploy")
    assert finish(answer).status is Status.FAILED


def test_always_runs_after_a_failure_and_failed_only_then() -> None:
    steps = (*chain("a", "b"), step("tidy", "b", when="always"), step("alarm", "b", when="failed"))
    assert starts(plan(steps, tried("a", "f"))) == ["tidy#1", "alarm#1"]
    answer = plan(steps, tried("a", "s"), tried("b", "s"))
    assert starts(answer) == ["tidy#1"]
    assert stands(answer)["alarm"] == "skipped"
    assert starts(plan(steps, tried("a", "s"), tried("b", "r"))) == []


def test_a_failure_is_remembered_past_a_step_that_went_on_after_it() -> None:
    steps = (step("a", go_on=True), step("b", "a"), step("alarm", "b", when="failed"))
    assert starts(plan(steps, tried("a", "f"), tried("b", "s"))) == ["alarm#1"]


@pytest.mark.parametrize("when", ["always", "failed", "steps.train.status == 'failed'"])
def test_a_step_that_answers_a_failure_does_not_open_the_way_past_it(when: str) -> None:
    steps = (step("train"), step("tell", "train", when=when), step("deploy", "tell"))
    answer = plan(steps, tried("train", "f"), tried("tell", "s"))
    assert stands(answer) == {"train": "failed", "tell": "succeeded", "deploy": "skipped"}
    assert reason(answer, "deploy") == "needs tell; before it, train failed"


def test_a_step_that_asks_for_the_failed_one_runs_behind_those_that_were_skipped_for_it() -> None:
    steps = (*chain("train", "eval"), step("mend", "eval", when="steps.train.status == 'failed'"))
    assert starts(plan(steps, tried("train", "f"))) == ["mend#1"]


def test_continue_on_failure_opens_the_way_for_all_behind_it() -> None:
    steps = (step("a", go_on=True), step("b", "a"), step("alarm", "b", when="failed"), step("c", "alarm"))
    assert starts(plan(steps, tried("a", "f"), tried("b", "s"), tried("alarm", "s"))) == ["c#1"]


def test_a_step_that_waits_for_a_failure_stands_in_nobodys_way_when_there_is_none() -> None:
    steps = (step("a"), step("alarm", "a", when="failed"), step("deploy", "alarm"))
    assert starts(plan(steps, tried("a", "s"))) == ["deploy#1"]


def test_the_chain_goes_on_behind_a_step_that_always_runs_when_only_a_when_was_false() -> None:
    steps = (step("a", when="params.least > 1"), step("b", "a", when="always"), step("c", "b"))
    assert starts(plan(steps, tried("b", "s"))) == ["c#1"]
    steps = (step("a", when="params.least > 1"), step("b", "a", when="failed"), step("c", "b"))
    assert reason(plan(steps), "c") == "needs b; before it, a was skipped"


def test_after_a_resume_what_answers_an_end_waits_for_the_new_end_and_answers_again() -> None:
    steps = (step("train"), step("tell", "train", when="always"), step("deploy", "tell"))
    told = tried("tell", "s")
    assert starts(plan(steps, tried("train", "f"), told, sitting=2)) == ["train#2"]
    going = plan(steps, [*tried("train", "f"), *tried("train", "r", 2, 2)], told, sitting=2)
    assert stands(going) == {"train": "running", "tell": "waiting", "deploy": "waiting"}
    done = [*tried("train", "f"), *tried("train", "s", 2, 2)]
    assert starts(plan(steps, done, told, sitting=2)) == ["tell#2"]
    assert starts(plan(steps, done, [*told, *tried("tell", "s", 2, 2)], sitting=2)) == ["deploy#1"]


def test_a_fan_out_whose_failed_tasks_are_wanted_again_is_begun_again_and_nothing_behind_it() -> None:
    fan = replace(step("fan"), foreach=ForEach(source="items", value=["x"]))
    steps = (fan, step("after", "fan"))
    answer = plan(steps, tried("fan", "s"), tried("after", "s"), sitting=2, again=["fan"])
    assert starts(answer) == ["fan#2"]
    (done,) = tried("fan", "s", 2, 2)
    assert done.outcome
    later = replace(done, outcome=replace(done.outcome, ended=NOON + timedelta(hours=2)))
    answer = plan(steps, [*tried("fan", "s"), later], tried("after", "s"), sitting=2, again=["fan"])
    assert finish(answer).status is Status.SUCCEEDED


def test_what_follows_from_a_failure_is_told_in_the_order_of_the_steps() -> None:
    steps = chain(*"abcdefgh")
    before = plan(steps)
    assert plan(steps, tried("a", "f"), before=before).changed == tuple("abcdefgh")


def test_a_when_that_asks_how_a_step_ended_is_evaluated_although_it_failed() -> None:
    steps = (step("a"), step("mend", "a", when="steps.a.exit == 1"))
    assert starts(plan(steps, tried("a", "f"))) == ["mend#1"]


def test_a_step_that_a_person_skipped_lets_the_next_pass() -> None:
    answer = plan(ABC, tried("a", "f"), skip=["a"], sitting=2)
    assert starts(answer) == ["b#1"]
    assert reason(answer, "a") == "skipped by ann"


def test_steps_that_were_not_asked_for_let_the_others_pass() -> None:
    assert starts(plan(ABC, selection=Selection(start_at="b"))) == ["b#1"]
    answer = plan(ABC, tried("b", "s"), selection=Selection(only="b"))
    assert finish(answer).status is Status.SUCCEEDED
    assert reason(answer, "c") == "not selected (--only b)"


def test_a_stopped_run_starts_nothing_and_ends_when_nothing_runs() -> None:
    stopping = Stopping(status=Status.CANCELLED, reason="stopped by Ctrl-C")
    assert plan(ABC, tried("a", "r"), stopping=stopping).moves == (Wait(until=None),)
    answer = plan(ABC, tried("a", "c"), stopping=stopping)
    assert finish(answer) == Finish(status=Status.CANCELLED, reason="stopped by Ctrl-C")
    assert stands(answer) == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}


def test_a_stop_that_comes_after_the_last_step_changes_nothing() -> None:
    stopping = Stopping(status=Status.CANCELLED, reason="stopped by Ctrl-C")
    assert finish(plan(chain("a"), tried("a", "s"), stopping=stopping)).status is Status.SUCCEEDED


def test_a_retry_that_waits_is_given_up_when_the_run_is_stopped() -> None:
    stopping = Stopping(status=Status.FAILED, reason="the run timed out after 2 h")
    policy = RetryPolicy(max=5, delay=timedelta(hours=1))
    answer = plan([step("a", retries=policy)], tried("a", "f"), stopping=stopping)
    assert finish(answer) == Finish(status=Status.FAILED, reason="the run timed out after 2 h")


def test_steps_are_ordered_by_what_they_need() -> None:
    assert [s.name for s in ordered((step("c", "b"), step("a"), step("b", "a")))] == ["a", "b", "c"]


@given(data=strategies.data())
def test_an_earlier_answer_only_saves_time(data: strategies.DataObject) -> None:
    """Whatever happens to a pipeline of whatever shape: with the answer before, the answer is the same."""
    names = [f"s{i}" for i in range(data.draw(strategies.integers(1, 7)))]
    whens = strategies.sampled_from([None, None, "always", "failed", "params.least > 1"])
    steps = [
        step(
            name,
            *data.draw(
                strategies.lists(strategies.sampled_from(names[:i]), unique=True) if i else strategies.just([])
            ),
            when=data.draw(whens),
            retries=RetryPolicy(max=data.draw(strategies.integers(0, 1))),
            go_on=data.draw(strategies.booleans()),
        )
        for i, name in enumerate(names)
    ]
    attempts: dict[str, list[Attempt]] = {}
    before: Plan | None = None
    while True:
        answer, fresh = (plan_of(steps, attempts, earlier) for earlier in (before, None))
        assert answer.standings == fresh.standings
        assert answer.moves == fresh.moves
        starting = [move for move in answer.moves if isinstance(move, Start)]
        running = [made for made in attempts.values() if made[-1].outcome is None]
        if starting:
            for move in starting:
                attempts.setdefault(move.step.name, []).extend(tried(move.step.name, "r", first=move.number))
        elif running:
            made = data.draw(strategies.sampled_from(running))
            made[-1] = tried(
                made[-1].key.step, data.draw(strategies.sampled_from("sfcl")), first=made[-1].key.number
            )[0]
        else:
            return
        before = answer


def plan_of(steps: Sequence[Step], attempts: dict[str, list[Attempt]], before: Plan | None) -> Plan:
    run = Run(id=1, pipeline="p", origin=Origin.PERSON, status=Status.RUNNING, began=NOON)
    made = {name: list(some) for name, some in attempts.items()}
    pipeline = Pipeline(name="p", steps=tuple(steps), params={"least": 0.9})
    return next_moves(RunView(run=run, pipeline=pipeline, sitting=1, attempts=made), NOON, before)


def test_a_fan_out_as_a_whole_is_tried_again_only_when_its_agent_died() -> None:
    foreach = ForEach(source="items", value=["x"])
    whole = replace(step("a", retries=RetryPolicy(max=3)), foreach=foreach)
    assert starts(plan([whole], tried("a", "f"))) == []
    assert starts(plan([whole], tried("a", "l"))) == ["a#2"]
