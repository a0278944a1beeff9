"""ClassCheck: the call of a class's `validate` before the first step of a run begins, in a process of its own.

What is only known while the run goes on (`${run.dir}`, what other steps left) stands in the config as it is written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from crude_link.errors import CannotStart, CrudeLinkError, Problem
from crude_link.model.foreach import PLACE_HEADS
from crude_link.model.pipeline import Pipeline, Script, Step
from crude_link.model.value import Placeholder, Plain, Reference
from crude_link.steps.class_config import class_config
from crude_link.steps.definitions import class_in, may_have
from crude_link.steps.environment import read_env_file, step_env, whole_env
from crude_link.steps.fan_preflight import first_inputs
from crude_link.steps.function import CALL, class_text
from crude_link.steps.item_values import Turn, getter_of
from crude_link.steps.places import Places
from crude_link.steps.references import LookUp, fill
from crude_link.steps.secrets import Secrets

#: Of a class whose step has no timeout.
_LONGEST = timedelta(minutes=10)
_MOST_LINES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassCheck:
    """What is to be started, and how to speak of it. Holds secrets."""

    #: Such as `tasks/train.py:Train`.
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    timeout: timedelta
    masks: tuple[str, ...]

    def words(self, said: str) -> str:
        """Say what is wrong; `said` is all that it wrote, and how it ended where that says more."""
        for mask in self.masks:
            said = said.replace(mask, "***")
        lines = said.rstrip().splitlines()[-_MOST_LINES:]
        trace = "".join(f"\n    {each}" for each in lines) if len(lines) > 1 else ""
        return f"{self.name} does not validate: {lines[-1] if lines else ''}{trace}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassChecks:
    """Makes the checks of a pipeline's classes; those that make or use what is not there yet are left to the run."""

    pipeline: Pipeline
    places: Places
    environment: Mapping[str, str]
    secrets: Secrets
    #: Runs one; returns what it wrote if it fails. CrudeLinkError when it cannot be run.
    run: Callable[[ClassCheck], str | None]
    host_python: str = sys.executable

    def problem(self, step: Step, config_file: Path) -> Problem | None:
        """Let a step's class look at its config; return what is wrong."""
        try:
            check = self._of(step)
            said = self.run(check) if check else None
            words = check.words(said) if check and said is not None else ""
        except CrudeLinkError as error:
            words = str(error)
        if not words:
            return None
        line, column = step.places.get("function", step.position) or (None, None)
        return Problem(message=f"step '{step.name}': {words}", file=str(config_file), line=line, column=column)

    def _of(self, step: Step) -> ClassCheck | None:
        """Return the check of a step; None where it has none, or none that could be made now. CannotStart."""
        script = step.action
        if not isinstance(script, Script) or not script.function or not isinstance(script.path, str):
            return None
        if not all(said is None or isinstance(said, str) for said in (script.python, step.cwd)):
            return None
        try:
            path = self.places.script(script.path)
            found = class_in(path.read_bytes(), script.function)
        except (CannotStart, OSError):  # an earlier step makes it, or pre-flight has told
            return None
        item = next(self._first(step), None)
        if found is None or not may_have(found, "validate") or (step.foreach and item is None):
            return None
        return self._made(step, script, path, item)

    def _made(self, step: Step, script: Script, path: Path, item: tuple[Plain] | None) -> ClassCheck:
        used: dict[str, str] = {}
        look_up = self._look_up(used, item)
        config = class_config(self.pipeline, step.name)
        config["arguments"] = {key: fill(value, look_up) for key, value in step.arguments.items()}
        if item is not None:
            config["item"] = item[0]
        from_file = read_env_file(step.env_file, self.places) if isinstance(step.env_file, str) else {}
        ours = {"CRUDE_LINK_STEP": step.name}
        env = whole_env(self.environment, from_file, step_env(step.env, look_up), ours)
        python = self.places.python(script.python, env) if isinstance(script.python, str) else self.host_python
        return ClassCheck(
            name=f"{script.path}:{script.function}",
            argv=(python, str(CALL), str(path), str(script.function), class_text(config), "validate"),
            env=env,
            cwd=self.places.folder(step.cwd) if isinstance(step.cwd, str) else self.places.project,
            timeout=step.timeout or _LONGEST,
            masks=self.secrets.masks((*self.secrets.at_hand(env).values(), *used.values())),
        )

    def _first(self, step: Step) -> Iterator[tuple[Plain]]:
        """Yield the first input in a tuple, where it is known."""
        if not step.foreach:
            return
        try:
            found = first_inputs(step.foreach, self.places, lambda text: not self.places.path(text).exists())
        except CannotStart:
            return
        yield from ((one,) for one in found or ())

    def _look_up(self, used: dict[str, str], item: tuple[Plain] | None) -> LookUp:
        def look_up(reference: Reference) -> Plain:
            if reference.head == "secrets":
                name = reference.path.removeprefix("secrets.")
                used[name] = self.secrets.value(name)
                return used[name]
            if isinstance(reference, Placeholder) and reference.head not in PLACE_HEADS and item is not None:
                return getter_of(reference)(item[0], Turn(1))
            return str(reference)

        return look_up
