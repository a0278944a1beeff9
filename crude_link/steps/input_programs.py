"""InputPrograms: those that find the inputs of a fan-out, a command or the one that lists stores."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from crude_link.errors import CannotStart, CrudeLinkError
from crude_link.model.pipeline import Step
from crude_link.model.value import Value
from crude_link.steps.environment import env_file_of, read_env_file, step_env, whole_env
from crude_link.steps.places import Places
from crude_link.steps.references import LookUp
from crude_link.steps.transfer_orders import STORAGE, program, storage_text

#: Tells the program that lists who waits for it, so that it ends when nobody does.
PARENT = "CRUDE_LINK_PARENT"


class Outputs(Protocol):
    """Programs whose output is wanted in files. They run on their own, and are asked about again and again."""

    def into(
        self, command: str | Sequence[str], path: Path, environment: Callable[[], Mapping[str, str]] | None = None
    ) -> None:
        """Have a file hold what a command prints on stdout; begin it when first asked for this path.

        Only then it is asked for its environment. NotYet while it runs; CrudeLinkError when it cannot start or fails.
        """

    def forget(self, folder: Path) -> None:
        """Remove the files in a folder that were asked for, and end what still writes them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputPrograms:
    """Runs what finds the inputs of one step; `storage` tells how the stores of its source are reached."""

    outputs: Outputs
    step: Step
    storage: Mapping[str, Mapping[str, Value]]
    places: Places
    environment: Mapping[str, str]
    look_up: LookUp
    #: Returns all forms of the secrets that were looked up.
    masks: Callable[[], Sequence[str]]

    def run_command(self, command: str | Sequence[str], path: Path) -> None:
        """Have a file hold the output of a command. NotYet; CannotStart."""
        try:
            self.outputs.into(command, path)
        except (CrudeLinkError, OSError) as error:
            raise CannotStart(f"the command for the inputs: {error}") from error

    def list_stores(self, patterns: Sequence[str], path: Path) -> None:
        """Have a file hold the URLs that fit, in order, as JSON, a URL a line. NotYet; CannotStart."""
        order, report = path.with_suffix(".order"), path.with_suffix(".report")
        try:
            self._list(patterns, path, order, report)
        except CannotStart:
            _remove(order, report)
            raise
        _remove(order, report)

    def _list(self, patterns: Sequence[str], path: Path, order: Path, report: Path) -> None:
        try:
            if not order.exists():
                said = {"kind": "glob", "remote": list(patterns), "report": str(report)}
                order.write_text(json.dumps(said, indent=1), encoding="utf-8")
            self.outputs.into(program(order), path, self._env)
        except OSError as error:
            raise CannotStart(f"the order {order} cannot be written: {error.strerror}") from error
        except CrudeLinkError as error:
            raise CannotStart(f"its inputs cannot be listed: {self._masked(_why(error, report))}") from error

    def _env(self) -> dict[str, str]:
        """Return the environment in which stores are listed: as for a download that belongs to the step."""
        env_file = env_file_of(self.step, self.look_up)
        from_file = read_env_file(env_file, self.places) if env_file is not None else {}
        env = whole_env(self.environment, from_file, step_env(self.step.env, self.look_up), {})
        return {**env, STORAGE: storage_text(self.storage, self.look_up), PARENT: str(os.getpid())}

    def _masked(self, text: str) -> str:
        for mask in self.masks():
            text = text.replace(mask, "***")
        return text


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _why(error: CrudeLinkError, report: Path) -> str:
    """Return what the program itself says of its failure, if it came so far."""
    try:
        return str(json.loads(report.read_bytes())["message"])
    except (OSError, ValueError, LookupError):
        return str(error)
