"""SqliteAttempts: attempts, what they left behind, and decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from crude_link.errors import UnknownRun
from crude_link.model.run import Attempt, AttemptKey, Decision, Findings, Outcome, Output
from crude_link.model.status import Status
from crude_link.model.value import Scalar
from crude_link.store.database import Database
from crude_link.store.rows import (
    attempt_of,
    attempt_values,
    decision_of,
    key_of,
    key_values,
    moment_text,
    outcome_values,
    text,
    to_json,
)


class SqliteAttempts:
    """Begins and ends attempts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_attempt(self, attempt: Attempt) -> None:
        """Record an attempt before it is started, and cache that its step runs. UnknownRun.

        Not flushed to the disk: it outlives the death of every process, and after a power failure, which alone
        can lose it, nothing of the attempt is left to be mistaken about.
        """
        run, step = attempt.key.run, attempt.key.step
        with self._database.write(durable=False):
            if not self._database.change("insert_attempt", **attempt_values(attempt)).rowcount:
                raise UnknownRun(f"there is no run {run}: see `crude-link runs`")
            self._database.change("set_state", run=run, name=step, status=Status.RUNNING.value, reason="")

    def end_attempt(self, key: AttemptKey, outcome: Outcome, findings: Findings) -> bool:
        """Record its end, if it has none yet; False when it had one. What it left behind goes with it.

        It outlives the death of every process; `set_states`, which follows, flushes it to the disk while the next
        step already runs.
        """
        with self._database.write(durable=False):
            if not self._database.change("end_attempt", **key_values(key), **outcome_values(outcome)).rowcount:
                return False
            if findings.metrics or findings.outputs:
                self._insert_findings(key, findings)
        return True

    def attempts(self, run: int) -> Sequence[Attempt]:
        """Return all attempts of a run in the order in which they began."""
        return [attempt_of(row) for row in self._database.rows("attempts", run=run)]

    def findings(self, run: int) -> Mapping[AttemptKey, Findings]:
        """Return what the attempts of a run left behind; those that left nothing are missing."""
        metrics: dict[AttemptKey, dict[str, Scalar]] = {}
        outputs: dict[AttemptKey, list[Output]] = {}
        for row in self._database.rows("metrics", run=run):
            metrics.setdefault(key_of(row), {})[text(row["name"])] = json.loads(row["value"])
        for row in self._database.rows("outputs", run=run):
            found = Output(path=text(row["path"]), size=row["size"], digest=row["digest"])
            outputs.setdefault(key_of(row), []).append(found)
        return {
            key: Findings(metrics=metrics.get(key, {}), outputs=tuple(outputs.get(key, ())))
            for key in metrics.keys() | outputs.keys()
        }

    def decide(self, run: int, decision: Decision) -> None:
        """Record a decision."""
        with self._database.write():
            self._database.change(
                "insert_decision",
                run=run,
                step=decision.step,
                verdict=decision.verdict.value,
                at=moment_text(decision.at),
                by=decision.by,
                why=decision.why,
            )

    def decisions(self, run: int) -> Sequence[Decision]:
        """Return the decisions of a run in order."""
        return [decision_of(row) for row in self._database.rows("decisions", run=run)]

    def _insert_findings(self, key: AttemptKey, findings: Findings) -> None:
        row = self._database.first("attempt_id", **key_values(key))
        attempt = row["id"] if row else None
        for name, value in findings.metrics.items():
            self._database.change("insert_metric", attempt=attempt, name=name, value=to_json(value))
        for position, output in enumerate(findings.outputs):
            self._database.change(
                "insert_output",
                attempt=attempt,
                position=position,
                path=output.path,
                size=output.size,
                digest=output.digest,
            )
