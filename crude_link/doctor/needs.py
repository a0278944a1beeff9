"""What the configs need of the environment, looked for in this shell and for the scheduler."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crude_link.app import Desk, Loaded
from crude_link.doctor.report import Report
from crude_link.doctor.sight import Sight
from crude_link.errors import CannotStart
from crude_link.model.pipeline import Pipeline, Secret
from crude_link.steps.named import interpreters_named, programs_named, variables_named
from crude_link.steps.places import Places
from crude_link.steps.secrets import Secrets

#: Looked for whether or not a command names them.
_USUAL = ("python", "python3", "git", "bash")
_INSTALL = "`crude-link schedule install` from this shell passes it on"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """Compares for the pipelines of some configs; what is amiss goes into the report."""

    desk: Desk
    here: Sight
    there: Sight
    report: Report

    def look(self, chosen: Sequence[Loaded]) -> None:
        """Look for all that the pipelines name."""
        pipelines = [each.pipeline for each in chosen]
        self._path()
        self._interpreters(pipelines)
        self._programs(sorted({name for each in pipelines for name in programs_named(each)}))
        self._variables(sorted({name for each in pipelines for name in variables_named(each)}))
        self._secrets(pipelines)

    def _path(self) -> None:
        here, there = (_entries(sight.environment) for sight in (self.here, self.there))
        only_here = [each for each in here if each not in there]
        only_there = [each for each in there if each not in here]
        for folder in only_here:
            self.report.compare("PATH has", folder, "-")
        for folder in only_there:
            self.report.compare("PATH has", "-", folder)
        if not only_here and not only_there:
            words = f"{len(here)} folders"
            self.report.compare("PATH", words, words if here == there else f"{words}, in another order")

    def _interpreters(self, pipelines: Sequence[Pipeline]) -> None:
        from crude_link.programs import ProgramError, interpreter_version

        named: dict[str, list[str]] = {}
        for pipeline in pipelines:
            for text, steps in interpreters_named(pipeline).items():
                named.setdefault(text, []).extend(steps)
        places = Places(project=self.desk.project.directory)
        for text, steps in named.items():
            of = f"the Python {text!r} of {_steps_words(steps)}"
            found = []
            for sight in (self.here, self.there):
                try:
                    path = places.python(text, sight.environment)
                    version = interpreter_version(path, cwd=self.desk.project.directory)
                    found.append(f"{version}  {path}")
                except (CannotStart, ProgramError) as error:
                    found.append("cannot start")
                    if sight is self.here or found[0] != "cannot start":
                        self._amiss(sight, f"{of} cannot be used by {sight.name}: {error}", "correct `python`")
            self.report.compare(f"python: {text}", *found)

    def _programs(self, named: Sequence[str]) -> None:
        for name in dict.fromkeys([*_USUAL, *named]):
            here, there = (shutil.which(name, path=_path_of(sight)) for sight in (self.here, self.there))
            if here is not None and there is not None and _is_same(here, there):
                there = here
            if name in named or here != there:
                self.report.compare(name, here or "not found", there or "not found")
            if name not in named or (here is not None and here == there):
                continue
            if here is None and there is None:
                self.report.note(f"{name!r}, which a command names, is not found: install it, or extend PATH")
            elif there is None:
                remedy = f"{_INSTALL}; or name the program by its whole path"
                self._amiss(self.there, f"{name!r}, which a command names, is not found by {self.there.name}", remedy)
            elif here is not None:
                self.report.note(
                    f"{name!r}, which a command names, is another program for {self.there.name}: {there}"
                )

    def _variables(self, named: Sequence[str]) -> None:
        for name in named:
            here, there = self.here.environment.get(name), self.there.environment.get(name)
            same = "set" if here == there else "set to something else"
            self.report.compare(name, _set_words(here), same if there is not None else "not set")
            if here is not None and there is None:
                remedy = f"{_INSTALL}; or write it under `env` in the config"
                self._amiss(self.there, f"${name}, which the config reads, is not set for {self.there.name}", remedy)

    def _secrets(self, pipelines: Sequence[Pipeline]) -> None:
        declared = {secret.name: secret for each in pipelines for secret in each.secrets}
        for name, secret in declared.items():
            here, there = (self._secret(secret, sight) for sight in (self.here, self.there))
            self.report.compare(f"secret {name}", here or "available", there or "available")
            judged, why = (self.there, there) if self.there.is_real else (self.here, here)
            if why is not None and secret.command is None:
                self._amiss(judged, f"secret {name!r} is not available to {judged.name}: {why}", _remedy(secret))
            elif not self.there.is_real and here is None and there is not None:
                self.report.note(f"secret {name!r} would not be available to {self.there.name}: {there}")

    def _secret(self, secret: Secret, sight: Sight) -> str | None:
        """Say why a secret is not to be had; None when it is. A command is not run for it."""
        if secret.command is not None:
            return "given by a command, which was not run"
        secrets = Secrets([secret], self.desk.project.directory, sight.environment, _never)
        try:
            secrets.value(secret.name)
        except CannotStart as error:
            return str(error).partition(": ")[2] or str(error)
        return None

    def _amiss(self, sight: Sight, words: str, remedy: str) -> None:
        """Add a problem; about a scheduler that does not exist it is only a note."""
        if sight.is_real:
            self.report.problem(words, remedy)
        else:
            self.report.note(words, remedy)


def _entries(environment: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(_path_of_environment(environment).split(os.pathsep)))


def _path_of(sight: Sight) -> str:
    return _path_of_environment(sight.environment)


def _path_of_environment(environment: Mapping[str, str]) -> str:
    return environment.get("PATH", os.defpath)


def _is_same(one: str, other: str) -> bool:
    """True for the same name in the same folder, which `/bin` and `/usr/bin` often are.

    A link is not followed: that of a virtual environment leads to another's Python.
    """
    return os.path.realpath(os.path.dirname(one)) == os.path.realpath(os.path.dirname(other))  # noqa: PTH120


def _set_words(value: str | None) -> str:
    return "not set" if value is None else "set"


def _steps_words(steps: Sequence[str]) -> str:
    first = f"step {steps[0]!r}"
    return first if len(steps) == 1 else f"{first} and {len(steps) - 1} more"


def _remedy(secret: Secret) -> str:
    if secret.file is not None:
        return "see to its file"
    return f"set {secret.env}; for a service, in its file of variables"


def _never(_command: str) -> str:
    raise CannotStart("commands are not run for this")
