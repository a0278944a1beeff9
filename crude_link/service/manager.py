"""ServiceManager: what of this machine keeps programs going."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from crude_link.model.service import Doings, Service, Standing, WrittenService


class ServiceManager(Protocol):
    """The person's own services: a file for each, and the program that reads the files.

    Nothing here raises because the program is missing or cannot be reached: then that is said, and what is left to
    do by hand.
    """

    def path(self, name: str) -> Path:
        """Return the path of a service's file; for `*` the pattern of all."""

    def text(self, service: Service) -> str:
        """Return the text of a service's file. UsageError when the manager cannot be told of a path."""

    def read(self, path: Path) -> WrittenService | None:
        """Read a service's file, whoever wrote it, with what was put beside it; None when there is none."""

    def standing(self, name: str) -> Standing:
        """Ask how a service stands."""

    def take_in(self, name: str, *, start: bool) -> Doings:
        """Have the file of a service read: it begins with the machine, and now where it is to `start`."""

    def take_out(self, name: str) -> Doings:
        """Have a service stopped, remove its file, and have it forgotten. UsageError when it cannot be removed."""
