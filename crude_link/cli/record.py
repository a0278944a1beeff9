"""Record: all that the store holds of one run, read for showing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from crude_link.app import Records
from crude_link.clock import SystemClock
from crude_link.errors import StoreError, UsageError
from crude_link.model.run import Attempt, AttemptKey, Decision, Findings, Run, Sitting, StepState
from crude_link.model.status import Status
from crude_link.model.value import Plain
from crude_link.model.words import moment_words
from crude_link.notifiers.look import one_line
from crude_link.notifiers.summary import closing_words, next_commands

#: What cannot be the name of a step, and so names a run.
_RUN = re.compile(r"\d+|last(~\d+)?(:.*)?")
#: The time in which the process of a detached run may be starting.
_STARTING = timedelta(seconds=10)
#: What a process said last is looked for in the last bytes of its file.
_TAIL = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One run with its sittings, steps, attempts and decisions. What was running in a lost run is lost too."""

    run: Run
    sittings: Sequence[Sitting]
    states: Sequence[StepState]
    attempts: Sequence[Attempt]
    findings: Mapping[AttemptKey, Findings]
    decisions: Sequence[Decision]
    usual: Mapping[str, timedelta]
    #: Who holds it, in words.
    holder: str | None
    #: What is known of why it has not begun; empty for a run that has.
    unbegun: str = ""
    #: True when somebody is to begin it still, as far as can be seen.
    is_starting: bool = False

    @property
    def step_names(self) -> tuple[str, ...]:
        """The steps in the pipeline's order."""
        return tuple(state.name for state in self.states)

    def state(self, step: str) -> StepState | None:
        """Return how a step stands; None when a reload took it out of the pipeline."""
        return next((state for state in self.states if state.name == step), None)

    def attempts_of(self, step: str) -> list[Attempt]:
        """Return the attempts of a step in order."""
        return [attempt for attempt in self.attempts if attempt.key.step == step]

    @property
    def counting(self) -> Mapping[str, Attempt]:
        """The attempt that counts by step: the success, else the newest."""
        found: dict[str, Attempt] = {}
        for attempt in self.attempts:
            before = found.get(attempt.key.step)
            if before is None or before.status is not Status.SUCCEEDED:
                found[attempt.key.step] = attempt
        return found

    @property
    def took(self) -> timedelta | None:
        """The time that was worked on it; None while a sitting has no end."""
        return worked(self.sittings)


def worked(sittings: Sequence[Sitting]) -> timedelta | None:
    """Return the time of all sittings together, without the pauses between them; None while one has no end."""
    ends = [sitting.ended - sitting.began for sitting in sittings if sitting.ended is not None]
    return sum(ends, timedelta()) if ends and len(ends) == len(sittings) else None


def run_and_step(records: Records, words: Sequence[str]) -> tuple[int, str | None]:
    """Read `[RUN] [STEP]`: one word alone may be either; the default is the last run. UnknownRun, UsageError."""
    first, *others = words or ("last",)
    if _RUN.fullmatch(first) is None and not others:
        first, others = "last", [first]
    run_id = records.run_id(first)
    step = others[0] if others else None
    if step is not None:
        known = [state.name for state in records.store.states.states(run_id)]
        tried = [attempt.key.step for attempt in records.store.attempts.attempts(run_id)]
        if step not in (*known, *tried):
            raise UsageError(f"run {run_id} has no step {step!r}. Its steps: {', '.join(known)}")
    return run_id, step


def read_record(records: Records, run_id: int) -> Record:
    """Read all of a run. UnknownRun."""
    store = records.store
    run = store.runs.run(run_id)
    holder = store.locks.holder(run_id)
    record = Record(
        run=run,
        sittings=store.history.sittings(run_id),
        states=[_seen(state, run) for state in store.states.states(run_id)],
        attempts=store.attempts.attempts(run_id),
        findings=store.attempts.findings(run_id),
        decisions=store.attempts.decisions(run_id),
        usual=store.history.usual(run.pipeline),
        holder=holder,
    )
    return _unbegun(record, detached_log(records, run_id)) if run.status is Status.WAITING else record


def standing_words(record: Record) -> str:
    """Say how a run stands: `run 42 failed at 'train': exit 1`."""
    words = closing_words(record.run, record.states, record.took)
    return f"{words}: {record.unbegun}" if record.unbegun else words


def next_words(record: Record) -> list[str]:
    """Return the commands that somebody would type next."""
    if record.unbegun and not record.is_starting:
        return [f"crude-link resume {record.run.id}"]
    return next_commands(record.run, record.states, record.counting)


def standing_line(record: Record) -> str:
    """Return the line that says how a run stands and names the next command."""
    return " · ".join([standing_words(record), *next_words(record)])


def clock_words(moment: datetime, began: datetime) -> str:
    """Say a moment by the clock alone where day and zone are those of `began`, which stands before it."""
    words, before = moment_words(moment, seconds=True), moment_words(began, seconds=True)
    day, clock, zone = words.split(" ")
    return clock if before.startswith(day) and before.endswith(zone) else words


def detached_log(records: Records, run_id: int) -> Path:
    """Return the file in which a detached run's process says what it says, as it is named from here."""
    path = records.store.files.folder(run_id) / "detached.log"
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def recorded_steps(records: Records, run_id: int) -> Mapping[str, Mapping[str, Plain]]:
    """Return what the run's config says of each step, by name; empty when the document cannot be read."""
    try:
        _, document, _ = records.store.history.document(run_id)
    except StoreError:
        return {}
    steps = document.get("steps")
    if not isinstance(steps, Sequence) or isinstance(steps, str):
        return {}
    return {str(step["name"]): step for step in steps if isinstance(step, Mapping) and "name" in step}


def _seen(state: StepState, run: Run) -> StepState:
    if run.status is Status.LOST and state.status is Status.RUNNING:
        return replace(state, status=Status.LOST, reason="nobody saw its end")
    return state


def _unbegun(record: Record, log: Path) -> Record:
    """Say why nobody has begun the run: its process is still starting, or ended before it could."""
    said = "" if record.holder else _last_line(log)
    if said:
        return replace(record, unbegun=f"its process said, in {log}: {said}")
    if record.holder or SystemClock().now() - record.run.began < _STARTING:
        return replace(record, unbegun="it is just starting", is_starting=True)
    return replace(record, unbegun="nobody seems to begin it")


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read(_TAIL).decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return ""
    return next((line for line in map(one_line, reversed(lines)) if line), "")
