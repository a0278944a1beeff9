"""Surroundings: the parts of the world that a runner works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crude_link.interfaces import (
    AttemptStore,
    Clock,
    Evidence,
    Executor,
    Front,
    HaulStore,
    LeaseStore,
    Logs,
    Notifier,
    RunStore,
    StateStore,
    TaskStore,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """The parts of the world that a runner works with."""

    runs: RunStore
    attempts: AttemptStore
    #: What only fan-outs need of the store, made when it is asked for.
    tasks: Callable[[], TaskStore]
    leases: Callable[[], LeaseStore]
    #: What only transfers need of it.
    hauls: Callable[[], HaulStore]
    states: StateStore
    logs: Logs
    executor: Executor
    evidence: Evidence
    clock: Clock
    notifier: Notifier
    #: Who sits in front of it; None: nobody.
    front: Front | None = None
