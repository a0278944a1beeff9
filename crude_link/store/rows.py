"""Rows of the store, and the values that they stand for."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from crude_link.model.run import (
    Attempt,
    AttemptKey,
    Code,
    Decision,
    Ending,
    NewRequest,
    Origin,
    Outcome,
    Request,
    RequestKind,
    Run,
    Selection,
    Sitting,
    StepState,
    Verdict,
)
from crude_link.model.status import Status
from crude_link.store.database import Bound, Row

_EVERYTHING = Selection()


def moment_text(moment: datetime | None) -> str | None:
    """Write a moment so that texts sort as the moments do."""
    return moment.isoformat(timespec="microseconds") if moment else None


def moment(text: str | None) -> datetime | None:
    """Read what `moment_text` wrote."""
    return datetime.fromisoformat(text) if text else None


def microseconds(duration: timedelta) -> int:
    """Return a duration as a whole number."""
    return duration // timedelta(microseconds=1)


def to_json(value: object) -> str:
    """Write plain data; pure ASCII, so that text which is not UTF-8 survives."""
    return json.dumps(value, separators=(",", ":"))


def text(value: Any) -> Any:
    """Return text as Python has it where the row holds the bytes of text that is not UTF-8."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def key_of(row: Row) -> AttemptKey:
    """Return the name of the attempt that a row is about."""
    return AttemptKey(row["run"], text(row["step"]), row["task"], row["number"])


def run_of(row: Row) -> Run:
    """Return the run of a row."""
    return Run(
        id=row["id"],
        pipeline=text(row["pipeline"]),
        origin=Origin(row["origin"]),
        status=Status(row["status"]),
        began=datetime.fromisoformat(row["began"]),
        reason=text(row["reason"]),
        ended=moment(row["ended"]),
        config_file=text(row["config_file"]),
        params=_from_json(row["params"]),
        settings=tuple(_from_json(row["settings"])),
        selection=_selection(text(row["start_at"]), text(row["only_step"])),
        group=text(row["group"]),
        slot_time=moment(row["slot_time"]),
        rerun_of=row["rerun_of"],
    )


def sitting_of(row: Row) -> Sitting:
    """Return the sitting of a row."""
    commit = row["code_commit"]
    code = commit and Code(commit=commit, dirty=bool(row["code_dirty"]), diff_digest=row["code_diff_digest"])
    return Sitting(
        number=row["number"],
        began=datetime.fromisoformat(row["began"]),
        host=text(row["host"]),
        pid=row["pid"],
        user=text(row["user"]),
        argv=tuple(_from_json(row["argv"])),
        python=text(row["python"]),
        code=code,
        ended=moment(row["ended"]),
    )


def code_values(code: Code | None) -> dict[str, Bound]:
    """Return the columns of the state of the code."""
    if code is None:
        return {"commit": None, "dirty": None, "diff_digest": None}
    return {"commit": code.commit, "dirty": code.dirty, "diff_digest": code.diff_digest}


def key_values(key: AttemptKey) -> dict[str, Bound]:
    """Return the columns that name an attempt."""
    return {"run": key.run, "step": key.step, "task": key.task, "number": key.number}


def attempt_values(attempt: Attempt) -> dict[str, Bound]:
    """Return the columns of an attempt that begins."""
    return key_values(attempt.key) | {
        "sitting": attempt.sitting,
        "began": moment_text(attempt.began),
        "host": attempt.host,
        "slot": attempt.slot,
        "argv": to_json(attempt.argv),
        "cwd": attempt.cwd,
        "env": to_json(dict(attempt.env)),
        "interpreter": attempt.interpreter,
        "script_digest": attempt.script_digest,
        "resolved": to_json(dict(attempt.resolved)),
        "pid": attempt.pid,
    }


def attempt_of(row: Row) -> Attempt:
    """Return the attempt of a row."""
    return Attempt(
        key=key_of(row),
        sitting=row["sitting"],
        began=datetime.fromisoformat(row["began"]),
        host=text(row["host"]),
        slot=row["slot"],
        argv=tuple(_from_json(row["argv"])),
        cwd=text(row["cwd"]),
        env=_from_json(row["env"]),
        interpreter=text(row["interpreter"]),
        script_digest=row["script_digest"],
        resolved=_from_json(row["resolved"]),
        pid=row["pid"],
        outcome=_outcome_of(row) if row["ending"] else None,
    )


def outcome_values(outcome: Outcome) -> dict[str, Bound]:
    """Return the columns of an attempt that ends."""
    return {
        "ending": outcome.ending.value,
        "ended": moment_text(outcome.ended),
        "reason": outcome.reason,
        "exit_status": outcome.exit_status,
        "signal": outcome.signal,
        "wall_us": microseconds(outcome.wall),
        "cpu_us": microseconds(outcome.cpu),
        "peak_memory": outcome.peak_memory,
        "peak_is_bound": outcome.peak_is_bound,
        "stdout_bytes": outcome.stdout_bytes,
        "stderr_bytes": outcome.stderr_bytes,
        "survivors": to_json(outcome.survivors),
        "slots_us": None if outcome.slot_time is None else microseconds(outcome.slot_time),
        "idle_us": None if outcome.idle is None else microseconds(outcome.idle),
    }


def decision_of(row: Row) -> Decision:
    """Return the decision of a row."""
    return Decision(
        verdict=Verdict(row["verdict"]),
        at=datetime.fromisoformat(row["at"]),
        by=text(row["by"]),
        step=text(row["step"]),
        why=text(row["why"]),
    )


def request_of(row: Row) -> Request:
    """Return the request of a row."""
    return Request(
        id=row["id"],
        asked=NewRequest(
            run=row["run"],
            kind=RequestKind(row["kind"]),
            by=text(row["by"]),
            at=datetime.fromisoformat(row["at"]),
            step=text(row["step"]),
            number=row["number"],
        ),
        answer=text(row["answer"]),
    )


def state_of(row: Row) -> StepState:
    """Return the cached state of a row."""
    return StepState(name=text(row["name"]), status=Status(row["status"]), reason=text(row["reason"]))


def _outcome_of(row: Row) -> Outcome:
    return Outcome(
        ending=Ending(row["ending"]),
        ended=datetime.fromisoformat(row["ended"]),
        reason=text(row["reason"]),
        exit_status=row["exit_status"],
        signal=row["signal"],
        wall=timedelta(microseconds=row["wall_us"]),
        cpu=timedelta(microseconds=row["cpu_us"]),
        peak_memory=row["peak_memory"],
        peak_is_bound=bool(row["peak_is_bound"]),
        stdout_bytes=row["stdout_bytes"],
        stderr_bytes=row["stderr_bytes"],
        survivors=tuple(_from_json(row["survivors"])),
        slot_time=None if row["slots_us"] is None else timedelta(microseconds=row["slots_us"]),
        idle=None if row["idle_us"] is None else timedelta(microseconds=row["idle_us"]),
    )


def _selection(start_at: str | None, only: str | None) -> Selection:
    return _EVERYTHING if start_at is None and only is None else Selection(start_at=start_at, only=only)


def _from_json(written: str) -> Any:
    # A shortcut for what most rows hold; a fresh one each, because nothing keeps a reader from changing it.
    if written == "{}":
        return {}
    if written == "[]":
        return ()
    return json.loads(written)
