"""Service: a scheduler that the machine itself starts, and starts again: systemd's unit, launchd's agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What is started, where, and with what."""

    #: Letters, digits, `_ . -`; the file is named by it.
    name: str
    project: Path
    #: The program by its absolute path, then its arguments.
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    #: A file of the person's with further variables, such as secrets; it need not be there. None: the manager takes
    #: none.
    environment_file: Path | None
    umask: int
    #: So long may stopping take, with the steps that are going.
    stop_time: timedelta
    #: No failed run ends the scheduler, so that exit status 1 is an accident, after which it is started again.
    keeps_running: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenService:
    """What the file of a service says."""

    name: str
    path: Path
    #: The whole file.
    text: str
    #: None where the file is not one that `schedule install` wrote.
    project: Path | None
    #: Somebody has edited the file since it was written.
    is_edited: bool
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    environment_file: Path | None = None
    umask: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How the machine's manager stands to a service; None: it cannot be asked."""

    is_active: bool | None = None
    #: It is started with the machine, or when the person logs in.
    is_enabled: bool | None = None
    #: It goes on when the person logs out, and starts before they log in.
    is_lingering: bool | None = None
    #: The exit status with which it last ended by itself, where it did and is not active since.
    exit_status: int | None = None
    #: Why the manager cannot be asked, in words.
    why: str = ""
    #: What every service of the person is given.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: What a person types to start it, and to start it again.
    start: str
    restart: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Doings:
    """What was done with a service, and what is left to the person: commands, each with what it is for."""

    done: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
