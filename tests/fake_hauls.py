"""Hauls in memory: what downloads of what is new have brought, as the store keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crude_link.model.run import AttemptKey


class FakeHauls:
    """Remembers which attempts it was told of; implements `HaulStore`."""

    def __init__(self) -> None:
        self.remembered: list[tuple[str, AttemptKey]] = []

    def remember(self, pipeline: str, keys: Sequence[AttemptKey]) -> None:
        """Note the attempts."""
        self.remembered += [(pipeline, key) for key in keys]

    def write(self, pipeline: str, remote: str, path: Path) -> None:
        """Nothing has been had before."""
