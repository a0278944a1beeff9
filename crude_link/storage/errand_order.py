"""Errand orders: what a task of a fan-out fetches before its program and brings away behind it, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crude_link.storage.failures import BadOrder
from crude_link.storage.order import Kind, TransferOrder, order_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """One transfer of an errand. Its paths are absolute."""

    order: TransferOrder
    #: The folder on the way to its local place from which on all is this task's alone.
    own: Path
    #: What it fetched or brought stays here.
    keep: bool = False
    #: An upload also after a failure.
    is_always: bool = False
    #: Other tasks may have the same local place, as far as anybody could tell: it is to be claimed.
    is_claimed: bool = False
    #: Further variables of the environment.
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def local(self) -> Path:
        """Return its place here."""
        return Path(self.order.local[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrandOrder:
    """All transfers of a task, and the files in which is noted how far they are."""

    task: int
    #: A folder of the run and step; in it are files with the task's number, and claims.
    notes: Path
    #: A folder of the project, with the locks of places.
    locks: Path
    legs: tuple[Leg, ...]

    @property
    def downloads(self) -> tuple[Leg, ...]:
        """Return what is fetched, in its order."""
        return tuple(leg for leg in self.legs if leg.order.kind is Kind.DOWNLOAD)

    @property
    def uploads(self) -> tuple[Leg, ...]:
        """Return what is brought away, in its order."""
        return tuple(leg for leg in self.legs if leg.order.kind is Kind.UPLOAD)

    @property
    def places(self) -> tuple[str, ...]:
        """Return the local places."""
        return tuple(leg.order.local[0] for leg in self.legs)


def read_errand(text: str, storage: Mapping[str, Any], envs: Sequence[Mapping[str, str]] = ()) -> ErrandOrder:
    """Read an order; `storage` is the options of stores, `envs` the variables of each transfer. BadOrder."""
    try:
        data = json.loads(text)
        own_envs = envs or [{}] * len(data["legs"])
        legs = tuple(_leg(each, storage, env) for each, env in zip(data["legs"], own_envs, strict=True))
        return ErrandOrder(task=int(data["task"]), notes=Path(data["notes"]), locks=Path(data["locks"]), legs=legs)
    except (ValueError, KeyError, TypeError) as error:
        raise BadOrder(f"the order for the transfers of a task cannot be read: {error!r}") from error


def _leg(said: Mapping[str, Any], storage: Mapping[str, Any], env: Mapping[str, str]) -> Leg:
    return Leg(
        order=order_of({**said["order"], "storage": storage}),
        own=Path(said["own"]),
        keep=bool(said.get("keep")),
        is_always=bool(said.get("always")),
        is_claimed=bool(said.get("claim")),
        env=env,
    )
