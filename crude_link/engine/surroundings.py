"""Surroundings: the parts of the world that a runner works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crude_link.interfaces import (
    AttemptStore,
    Clock,
    Evidence,
    Executor,
    Front,
    LeaseStore,
    Logs,
    Notifier,
    RunStore,
    StateStore,
    TaskStore,
)
from crude_link.model.run import AttemptKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """The parts of the world that a runner works with."""

    runs: RunStore
    attempts: AttemptStore
    #: What only fan-outs need of the store, made when it is asked for.
    tasks: Callable[[], TaskStore]
    leases: Callable[[], LeaseStore]
    #: Remembers what the downloads of a run that is to succeed have brought: its pipeline, and their attempts.
    remember_hauls: Callable[[str, Sequence[AttemptKey]], None]
    states: StateStore
    logs: Logs
    executor: Executor
    evidence: Evidence
    clock: Clock
    notifier: Notifier
    #: Who sits in front of it; None: nobody.
    front: Front | None = None
