"""`crude-link why`: why a run or a step stands as it does, and what to do next, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from crude_link.app import Records, open_records
from crude_link.cli.fan_outs import failure_groups, fan_steps, group_words
from crude_link.cli.firing_words import slot_of_run
from crude_link.cli.lease_words import lease_sentences
from crude_link.cli.options import RUN_HELP, common_options, config_option, json_option
from crude_link.cli.record import (
    Record,
    detached_log,
    next_words,
    read_record,
    recorded_steps,
    run_and_step,
    standing_words,
)
from crude_link.cli.runs import origin_words
from crude_link.cli.talk import print_json, show
from crude_link.errors import CrudeLinkError, UsageError
from crude_link.model.condition import ConditionError, Facts, parse_condition
from crude_link.model.run import Attempt, Decision, Origin, StepState
from crude_link.model.status import Status
from crude_link.model.value import Plain
from crude_link.model.words import duration_words, moment_words
from crude_link.notifiers.look import one_line
from crude_link.notifiers.summary import closing_words, command_words, ended_words, tasks_words


@click.command(epilog=RUN_HELP)
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option(
    "--slot", metavar="WHEN", help="What became of the slot times of a time or day, of all pipelines or of PIPELINE."
)
@config_option
@json_option
@common_options
def command(words: tuple[str, ...], slot: str | None, config_file: tuple[Path, ...], as_json: bool) -> int:
    """Say why RUN, or a STEP of it, stands as it does, and what to do next.

    `crude-link why --slot '2026-11-20 02:00' [PIPELINE]` says what became of a time at which a schedule should have
    fired.
    """
    from crude_link.clock import SystemClock

    if slot is not None:
        return _about_slot(slot, words, config_file, as_json)
    if len(words) > 2:
        raise UsageError("give at most a run and a step: crude-link why 42 train")
    records = open_records()
    run_id, step = run_and_step(records, words)
    record = read_record(records, run_id)
    now = SystemClock().now()
    if step is None:
        sentences = _about_run(records, record, now)
        commands = next_words(record)
    else:
        state = record.state(step)
        sentences = _about_step(records, record, state, now) if state else _about_gone_step(record, step, now)
        commands = _next_for_step(record, state) if state else [f"crude-link logs {run_id} {step}"]
    if as_json:
        print_json({"run": run_id, "step": step, "sentences": sentences, "next": commands})
        return 0
    show([*sentences, "", " · ".join(commands)])
    return 0


def _about_slot(slot: str, words: tuple[str, ...], config_files: tuple[Path, ...], as_json: bool) -> int:
    from crude_link.cli.why_slot import explain_slot

    if len(words) > 1:
        raise UsageError("with --slot, give at most a pipeline: crude-link why --slot '2026-11-20 02:00' night")
    found = explain_slot(slot, words[0] if words else None, config_files)
    if as_json:
        print_json({"slot": slot, "sentences": found.sentences, "next": list(found.commands)})
        return 0
    show([*found.sentences, "", " · ".join(found.commands)])
    return 0


# --- a run ----------------------------------------------------------------------------------------------


def _about_run(records: Records, record: Record, now: datetime) -> list[str]:
    run = record.run
    sentences = [f"{standing_words(record).removesuffix('.')}.", _beginning(records, record)]
    if record.holder:
        sentences.append(f"It is held by {record.holder}.")
    log = detached_log(records, run.id)
    if run.status is Status.LOST and log.exists():
        sentences.append(f"What its process said is in {log}.")
    for request in records.store.states.requests([run.id]):
        asked = request.asked
        what = f"for {asked.number} slots of {asked.step}" if asked.step else f"to {asked.kind.value}"
        sentences.append(f"{asked.by} asked it at {moment_words(asked.at)} {what}; no answer yet.")
    sentences += [_decision_words(each, now) for each in record.decisions if each.step is None]
    if run.status is Status.WAITING:
        return sentences
    done = [state.name for state in record.states if state.status is Status.SUCCEEDED]
    if done:
        sentences.append(f"Done: {', '.join(done)}.")
    sentences += [_standing(state) for state in record.states if state.status is not Status.SUCCEEDED]
    return sentences


def _beginning(records: Records, record: Record) -> str:
    run, sittings = record.run, record.sittings
    how = f"as a {origin_words(run)}" if run.origin is Origin.RERUN else origin_words(run)
    words = f"It was begun {how} at {moment_words(run.began)}"
    if run.slot_time:
        words += f" {slot_of_run(records, run)}"
    if sittings:
        words += f" by {sittings[0].user} on {sittings[0].host}"
    if len(sittings) > 1:
        last = sittings[-1]
        times = "once" if len(sittings) == 2 else f"{len(sittings) - 1} times, last"
        words += f"; it was resumed {times} at {moment_words(last.began)} by {last.user} on {last.host}"
    return f"{words}."


def _decision_words(decision: Decision, now: datetime) -> str:
    about = f"about {decision.step}" if decision.step else "about the run"
    why = f": {one_line(decision.why)}" if decision.why else ""
    at = f"{moment_words(decision.at)} ({duration_words(now - decision.at)} ago)"
    return f"Decision {decision.verdict.value!r} {about} by {decision.by} at {at}{why}."


def _standing(state: StepState) -> str:
    reason = one_line(state.reason)
    because = f": {reason}" if reason else ""
    match state.status:
        case Status.WAITING:
            return f"{state.name} waits{because}."
        case Status.RUNNING:
            return f"{state.name} is running{because}."
        case Status.SUCCEEDED | Status.FAILED:
            return f"{state.name} {state.status.value}{because}."
        case Status.SKIPPED | Status.CANCELLED | Status.LOST:
            return f"{state.name} was {state.status.value}{because}."


# --- a step ---------------------------------------------------------------------------------------------


def _about_step(records: Records, record: Record, state: StepState, now: datetime) -> list[str]:
    step = state.name
    config = recorded_steps(records, record.run.id).get(step, {})
    sentences = [f"run {record.run.id}: {_standing(state)}", _needs_words(record, step, config)]
    sentences += _when_words(record, state, config)
    sentences += [_decision_words(each, now) for each in record.decisions if each.step == step]
    attempts = record.attempts_of(step)
    sentences += [_attempt_words(record, attempt, now) for attempt in attempts]
    if step in fan_steps(attempts):
        sentences += _tasks_sentences(records, record, step)
        sentences += lease_sentences(records, record.run.id, step)
    if state.status is Status.WAITING and attempts and not record.run.status.is_final:
        sentences += _retry_words(records, record, attempts, now)
    if record.holder and not record.run.status.is_final:
        sentences.append(f"The run is held by {record.holder}.")
    if record.run.status is Status.LOST:
        sentences.append(f"{closing_words(record.run, record.states)}.")
    return sentences


def _about_gone_step(record: Record, step: str, now: datetime) -> list[str]:
    sentences = [f"run {record.run.id}: {step} is no step of the run any more: a reload of the config took it out."]
    return [*sentences, *(_attempt_words(record, attempt, now) for attempt in record.attempts_of(step))]


def _needs_words(record: Record, step: str, config: Mapping[str, Plain]) -> str:
    names = record.step_names
    given = config.get("needs")
    if given is None:
        given = names[: names.index(step)][-1:]
    needs = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else []
    if not needs:
        return "It needs no other step."
    known = {state.name: state.status.value for state in record.states}
    words = [f"{name} ({known.get(str(name), 'unknown')})" for name in needs]
    return f"It needs {', '.join(words)}."


def _when_words(record: Record, state: StepState, config: Mapping[str, Plain]) -> list[str]:
    text = config.get("when")
    if not isinstance(text, str):
        return []
    sentence = f"It runs only when: {text}"
    try:
        names = parse_condition(text).names
    except ConditionError as error:
        return [f"{sentence} (which cannot be read: {error})."]
    facts = _facts(record)
    seen = []
    for name in dict.fromkeys(names):
        try:
            seen.append(f"{name} = {facts.look_up(name)!r}")
        except ConditionError:
            seen.append(f"{name} is not there")
    if not seen or all(each in state.reason for each in seen):
        return [f"{sentence}."]
    return [f"{sentence} ({', '.join(seen)})."]


def _facts(record: Record) -> Facts:
    """Return what an expression could see, as far as the record has it; the environment is not in it."""
    run, counting = record.run, record.counting
    steps: dict[str, Mapping[str, Plain]] = {}
    for state in record.states:
        attempt = counting.get(state.name)
        outcome = attempt.outcome if attempt else None
        found = record.findings.get(attempt.key) if attempt else None
        steps[state.name] = {
            "status": state.status.value,
            "exit": outcome.exit_status if outcome else None,
            "metrics": dict(found.metrics) if found else {},
        }
    of_run: Mapping[str, Plain] = {
        "id": run.id,
        "pipeline": run.pipeline,
        "origin": run.origin.value,
        "started": run.began.isoformat(),
    }
    return Facts(params=run.params, steps=steps, run=of_run)


def _attempt_words(record: Record, attempt: Attempt, now: datetime) -> str:
    head = f"Attempt {attempt.key.number} began at {moment_words(attempt.began, seconds=True)} on {attempt.host}"
    if attempt.outcome:
        how = "succeeded in" if attempt.status is Status.SUCCEEDED else f"{attempt.status.value}:"
        return f"{head}; {how} {ended_words(attempt.outcome)}."
    if record.run.status is Status.LOST:
        return f"{head}; nobody saw its end."
    usual = record.usual.get(attempt.key.step)
    about = f", usually {duration_words(usual)}" if usual is not None else ""
    running = f"running for {duration_words(now - attempt.began)}{about}"
    return f"{head}; {running}: {command_words(attempt.argv)}."


def _tasks_sentences(records: Records, record: Record, step: str) -> list[str]:
    """Say how the tasks of a fan-out stand, and what the failed ones said last."""
    store, run_id = records.store, record.run.id
    sentences = [f"Of its tasks: {tasks_words(store.tasks.counts(run_id, step))}."]
    running = store.tasks.running(run_id, step) if record.holder else {}
    if running:
        sentences.append(f"Running now: {', '.join(str(each.task) for each in running.values())}.")
    return [*sentences, *(f"Failed {group_words(group)}" for group in failure_groups(records, run_id, step))]


def _retry_words(records: Records, record: Record, attempts: Sequence[Attempt], now: datetime) -> list[str]:
    """Say when the next try is due; the pipeline is built for it, which only this case pays for."""
    from crude_link.app import recorded
    from crude_link.engine.retry import next_try

    present = [attempt for attempt in attempts if attempt.sitting == record.sittings[-1].number]
    if not present or present[-1].outcome is None or present[-1].status is Status.SUCCEEDED:
        return []
    try:
        policy = recorded(records, record.run).pipeline.step(attempts[-1].key.step).retries
    except (CrudeLinkError, KeyError):
        return []
    again = next_try(policy, present)
    if again is None:
        return []
    when = f"at {moment_words(again.due, seconds=True)}, in {duration_words(again.due - now)}"
    return [f"Try {again.number} is due {when if again.due > now else 'now'}."]


def _next_for_step(record: Record, state: StepState) -> list[str]:
    run_id, attempts = record.run.id, record.attempts_of(state.name)
    follow = " -f" if state.status is Status.RUNNING else ""
    commands = [f"crude-link logs {run_id} {state.name}{follow}"] if attempts else []
    if fan_steps(attempts):
        commands.insert(0, f"crude-link tasks {run_id} {state.name}{' --failed' * (state.status is Status.FAILED)}")
    if state.status is Status.SKIPPED and state.reason.startswith("needs "):
        named = state.reason.partition("before it, ")[2] or state.reason.removeprefix("needs ")
        commands.append(f"crude-link why {run_id} {named.split()[0].rstrip(',')}")
    if record.run.status in (Status.FAILED, Status.CANCELLED, Status.LOST):
        commands.append(f"crude-link resume {run_id}")
    return commands or [f"crude-link why {run_id}"]
