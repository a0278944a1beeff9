"""Errands: what each task of a step with `foreach` fetches and brings, compiled; and the argv around its own."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.model.foreach import DIFFERING, ForEach
from crude_link.model.order import WarmStart
from crude_link.model.pipeline import Step
from crude_link.model.transfer import TaskTransfer, TransferKind, scheme_of
from crude_link.model.value import Placeholder, Plain, Reference, Template, Text
from crude_link.steps.environment import read_env_file, step_env
from crude_link.steps.fan_draft import Reach, opened_inputs
from crude_link.steps.item_values import TextGetter, Turn, checked, late_filled, text_getter
from crude_link.steps.places import Places
from crude_link.steps.references import LookUp, fill_text
from crude_link.steps.task_command import TaskCommand
from crude_link.steps.transfer_orders import STORAGE, storage_text

_PACKAGE = Path(__file__).resolve().parent.parent
#: The program that does something around another, and what it does.
_AROUND = _PACKAGE / "agent" / "around.py"
_ERRAND = _PACKAGE / "storage" / "errand.py"
#: Where it is told of the variables of each transfer, and of the schemes of all.
_SURROUNDINGS = "CRUDE_LINK_TRANSFERS"
#: The placeholder that is another for every task, whatever the inputs are.
_OF_TASK = "index"
#: Sources whose first input costs next to nothing.
_READ_QUICKLY = ("items", "lines", "csv", "jsonl", "task_file")


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrandMeans:
    """What transfers of tasks are compiled with."""

    look_up: LookUp
    places: Places
    #: The folder in which is noted how far the transfers of each task are.
    notes: Path
    #: That of locks of places, which tasks of other runs may have as well.
    locks: Path


class Errands:
    """The transfers of all tasks of a step. What may hold secrets is looked up when it is made. CannotStart."""

    def __init__(self, step: Step, means: ErrandMeans) -> None:
        self._folders = {"notes": str(means.notes), "locks": str(means.locks)}
        self._legs = [_Leg(each, means) for each in step.transfers]
        self._envs = [_env_of(each, means) for each in step.transfers]
        self._storage = storage_text(step.transfers[0].transfer.storage, means.look_up)

    @property
    def warm(self) -> WarmStart:
        """Return the Python that has imported the libraries of stores, and forks the process of each task."""
        return WarmStart(argv=(sys.executable, str(_AROUND)), files=(str(_ERRAND),))

    def env(self, first: Plain) -> dict[str, str]:
        """Return what all tasks are told of stores and variables; the first input tells which libraries they need.

        There may be secrets in it: it is in no file.
        """
        schemes = {leg.scheme(first) for leg in self._legs} - {None}
        return {STORAGE: self._storage, _SURROUNDINGS: json.dumps({"envs": self._envs, "schemes": list(schemes)})}

    def around(self, command: TaskCommand) -> TaskCommand:
        """Return a command with the transfers around it."""
        return _Around(command, self)

    def argv(self, item: Plain, turn: Turn) -> tuple[str, ...]:
        """Return what stands before the argv of a task. CannotStart when a place here could be another's."""
        legs = [leg.said(item, turn) for leg in self._legs]
        text = json.dumps({"task": turn.task, **self._folders, "legs": legs}, separators=(",", ":"))
        return (sys.executable, str(_AROUND), str(_ERRAND), checked(text, "the order for its transfers"), "--")


def first_input(foreach: ForEach, value: Plain, reach: Reach) -> Plain:
    """Return the first input, where it is to be had for little; None otherwise."""
    if foreach.source == "glob":  # what it finds begins as it does
        patterns = [value] if isinstance(value, str) else value
        return patterns[0] if isinstance(patterns, Sequence) and patterns else None
    if foreach.source not in _READ_QUICKLY:
        return None
    try:
        return next((one.item for one in opened_inputs(foreach, value, reach).stream()), None)
    except CannotStart:  # of which the tasks hear
        return None


class _Around:
    """A TaskCommand with transfers around another."""

    def __init__(self, command: TaskCommand, errands: Errands) -> None:
        self._command = command
        self._errands = errands

    def argv(self, item: Plain, turn: Turn) -> tuple[str, ...]:
        """Return the argv for an input."""
        return (*self._errands.argv(item, turn), *self._command.argv(item, turn))

    def written(self) -> tuple[str, ...]:
        """Return the task's own command, as the config has it."""
        return self._command.written()


class _Leg:
    """One transfer of each task."""

    def __init__(self, said: TaskTransfer, means: ErrandMeans) -> None:
        transfer = said.transfer
        self._places = means.places
        remote = _parts(transfer.remote, means.look_up)
        self._beginning = _fixed(remote)
        self._remote = text_getter(Template(tuple(remote)))
        self._local = _Place(transfer.local[0], means)
        self._patterns = {
            "include": [_getter(text, means.look_up) for text in transfer.include],
            "exclude": [_getter(text, means.look_up) for text in transfer.exclude],
        }
        self._fixed: dict[str, Plain] = {"kind": transfer.kind.value, "if_empty": transfer.if_empty}
        if transfer.kind is TransferKind.DOWNLOAD:
            self._fixed["only"] = transfer.only
        else:
            self._fixed |= {"stale": transfer.stale, "manifest": transfer.manifest}
        self._more = {"keep": said.keep, "always": said.is_always, "claim": not self._local.is_unique}

    def said(self, item: Plain, turn: Turn) -> dict[str, Plain]:
        """Return the transfer for one input. CannotStart."""
        remote = self._remote(item, turn)
        if scheme_of(remote) is None:  # from the project on, wherever the task works
            remote = f"{self._places.path(remote)}{'/' if remote.endswith('/') else ''}"
        order: dict[str, Plain] = {**self._fixed, "remote": remote, "local": self._local.whole(item, turn)}
        for name, getters in self._patterns.items():
            if getters:
                order[name] = [get(item, turn) for get in getters]
        return {"order": order, "own": self._local.own(item, turn), **self._more}

    def scheme(self, item: Plain) -> str | None:
        """Return the scheme of its store for an input; None where that is not known, or a path."""
        if scheme_of(self._beginning):
            return scheme_of(self._beginning)
        try:
            return scheme_of(self._remote(item, Turn(1)))
        except (CannotStart, KeyError):  # it wants a field, or what is not held yet
            return None


def _env_of(said: TaskTransfer, means: ErrandMeans) -> dict[str, str]:
    from_file: Mapping[str, str] = {}
    if said.env_file is not None:
        from_file = read_env_file(fill_text(said.env_file, means.look_up), means.places)
    own = step_env(said.env, means.look_up)
    return {**from_file, **{name: value for name, value in own.items() if value is not None}}


def _getter(text: Text, look_up: LookUp) -> TextGetter:
    return text_getter(late_filled(text, look_up))


def _parts(text: Text, look_up: LookUp) -> list[str | Reference]:
    """Return the parts of a text, of which only placeholders are left to be filled."""
    filled = late_filled(text, look_up)
    return list(filled.parts) if isinstance(filled, Template) else [str(filled)]


def _fixed(parts: Sequence[str | Reference]) -> str:
    """Return the beginning of a text that is the same for all tasks."""
    return "".join(str(part) for part in itertools.takewhile(lambda part: isinstance(part, str), parts))


def _is_of_task(part: str | Reference) -> bool:
    return isinstance(part, Placeholder) and part.path == _OF_TASK


class _Place:
    """A local place, which is another for each task."""

    def __init__(self, text: Text, means: ErrandMeans) -> None:
        self._places = means.places
        parts = _parts(text, means.look_up)
        self._whole = text_getter(Template(tuple(parts)))
        self._own = text_getter(Template(tuple(_own_part(parts))))
        folder = _fixed(parts).rpartition("/")
        self._root = os.path.normpath(means.places.path(folder[0] or folder[1] or "."))
        #: No two tasks can have the same.
        self.is_unique = any(map(_is_of_task, parts))

    def whole(self, item: Plain, turn: Turn) -> str:
        """Return the path for an input. CannotStart when what the input put in leads out of what is fixed."""
        text = self._whole(item, turn)
        return f"{self._inside(text)}{'/' if text.endswith('/') else ''}"

    def own(self, item: Plain, turn: Turn) -> str:
        """Return the folder on the way to it from which on all is the task's own. CannotStart."""
        return self._inside(self._own(item, turn))

    def _inside(self, text: str) -> str:
        found, root = os.path.normpath(self._places.path(text)), self._root.rstrip(os.sep) + os.sep
        if not found.startswith(root):
            raise CannotStart(f"its files would come to {text!r}, and its input may not lead out of {root}")
        return found


def _own_part(parts: Sequence[str | Reference]) -> list[str | Reference]:
    """Return a place up to the end of the folder that is one task's alone.

    That is the first one with `{index}`, or else the last one with what is hardly ever the same for two tasks.
    """
    certain = [number for number, part in enumerate(parts) if _is_of_task(part)]
    likely = [number for number, part in enumerate(parts) if isinstance(part, Placeholder) and part.head in DIFFERING]
    at = (certain[:1] or likely[-1:] or [len(parts)])[0]
    made = list(parts[: at + 1])
    for part in parts[at + 1 :]:
        if isinstance(part, str) and "/" in part:
            return [*made, part.partition("/")[0]]
        made.append(part)
    return made
