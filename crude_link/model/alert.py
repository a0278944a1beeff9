"""Alert: what people who sit in front of nothing are to be told; a Dispatch takes it to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from crude_link.model.value import Plain


class AlertKind(Enum):
    """What an Alert is about. The values stand in configs, in messages to programs, and in the store."""

    #: The first run that failed, or slot that could not begin, since all was well.
    FAILED = "failed"
    #: It goes on failing; told once a day.
    STILL_FAILING = "still_failing"
    RECOVERED = "recovered"
    #: Slot times were missed, or skipped ten times in a row.
    DID_NOT_RUN = "did_not_run"
    #: A run takes far longer than usual, and still runs.
    SLOW = "slow"
    #: It has ended at last.
    SLOW_ENDED = "slow_ended"
    #: A policy has stopped or paused the schedules of the pipeline.
    HALTED = "halted"
    #: Any other end of a run.
    ENDED = "ended"
    #: A run went well; only heartbeats hear of it.
    HEARTBEAT = "heartbeat"
    #: Somebody tries whether alerts arrive.
    TEST = "test"


#: What is told unless the config says otherwise: that something is now as it was not before.
CHANGES = frozenset(AlertKind) - {AlertKind.ENDED, AlertKind.HEARTBEAT, AlertKind.TEST}


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """What is told. Output stands in it masked, as the logs have it; secrets never."""

    kind: AlertKind
    pipeline: str
    at: datetime
    #: One line: `nightly failed at 'train': exit 1`.
    title: str
    #: Why, in words; empty where the title says all.
    cause: str = ""
    #: The machine, and the project's directory there.
    host: str = ""
    directory: str = ""
    run: int | None = None
    #: How the run stands, by its `Status`.
    status: str | None = None
    step: str | None = None
    slot_time: datetime | None = None
    #: Since when it fails, or runs; and how many runs in a row have failed.
    since: datetime | None = None
    failures: int = 0
    last_lines: tuple[str, ...] = ()
    #: What somebody would type next, in the project's directory.
    commands: tuple[str, ...] = ()


class Plight(Enum):
    """In which way a pipeline can be in trouble."""

    FAILING = "failing"
    MISSING = "missing"
    SKIPPING = "skipping"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A pipeline is in a Plight, of which people have been told; it is forgotten when that is over."""

    plight: Plight
    since: datetime
    #: When people were told last.
    told: datetime
    #: How many times in a row.
    count: int = 1


class DispatchState(Enum):
    """What became of a Dispatch."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given up"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatch:
    """An Alert on its way to a Recipient; a row of the outbox, written before anything is sent."""

    alert: Alert
    #: The recipient in words that hold no secret: `mail to ops@example.org`.
    to: str
    #: The recipient and the pipeline's secrets as the config says them: references, never values.
    recipient: Mapping[str, Plain]
    secrets: Plain
    #: When it is tried next.
    due: datetime
    #: The store gives it.
    id: int = 0
    state: DispatchState = DispatchState.WAITING
    tries: int = 0
    #: What came of the last try, in words.
    answer: str = ""
    #: When it was tried last.
    tried: datetime | None = None
