"""Pre-flight: what would surely go wrong, found without running or importing the user's scripts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crude_link.errors import CannotStart, Problem
from crude_link.model.pipeline import Command, Pipeline, Script, Step
from crude_link.model.run import Selection
from crude_link.model.value import Plain, Reference, Text, Value, references_in
from crude_link.steps.arguments import argument_list
from crude_link.steps.environment import read_env_file, step_env
from crude_link.steps.judging import judged
from crude_link.steps.places import Places
from crude_link.steps.reading import read_signature
from crude_link.steps.references import fill, fill_shell
from crude_link.steps.secrets import Secrets
from crude_link.steps.signature import UNKNOWN, Signature

#: With less than this a run could not even keep its record.
FULL_DISK = 50_000_000
#: With less than this a model or a data set hardly fits.
NEARLY_FULL_DISK = 1_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Preflight:
    """Looks at the machine as it is before a run.

    `check_interpreter` starts a Python, given its path, and returns what is wrong with it, or None.
    """

    project: Path
    config_file: Path
    environment: Mapping[str, str]
    secrets: Secrets
    check_interpreter: Callable[[str], str | None]

    def check(self, pipeline: Pipeline, selection: Selection) -> tuple[list[Problem], list[str]]:
        """Return what is wrong, in the order of the steps, and what people should know all the same."""
        check = _Check(self)
        check.disk()
        for step in pipeline.steps:
            if selection.leaves_out(pipeline.names, step.name) is None:
                check.step(step)
        return check.problems, check.warnings


@dataclass(slots=True)
class _Check:
    """One look; remembers what it has read and tried."""

    flight: Preflight
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: Outputs of the steps before.
    made: list[Path] = field(default_factory=list)
    signatures: dict[Path, Signature | SyntaxError] = field(default_factory=dict)
    interpreters: dict[str, str | None] = field(default_factory=dict)
    secrets: dict[str, str | None] = field(default_factory=dict)

    def disk(self) -> None:
        free = shutil.disk_usage(self.flight.project).free
        if free < FULL_DISK:
            self.problems.append(
                Problem(message=f"the disk of {self.flight.project} is full: {free // 1_000_000} MB are left")
            )
        elif free < NEARLY_FULL_DISK:
            self.warnings.append(f"the disk of {self.flight.project} is nearly full: {free // 1_000_000} MB are left")

    def step(self, step: Step) -> None:
        places = self._places()
        for look in (self._action, self._folder, self._inputs, self._environment):
            try:
                look(step, places)
            except CannotStart as problem:
                self._problem(step, str(problem))
        for reference in step_references(step):
            if reference.head == "secrets":
                self._secret(step, reference.path.removeprefix("secrets."))
        self.made += [places.path(text) for text in step.outputs if isinstance(text, str)]

    def _action(self, step: Step, places: Places) -> None:
        if isinstance(step.action, Command):
            self._command(step, step.action)
            self._arguments(step, UNKNOWN)
            return
        script = step.action
        if isinstance(script.python, str):
            self._interpreter(places.python(script.python, self._environment_of(step)))
        if not isinstance(script.path, str) or self._is_made(script.path):
            return
        path = places.script(script.path)
        self._arguments(step, self._signature(step, script, path) if path.suffix == ".py" else UNKNOWN)

    def _command(self, step: Step, command: Command) -> None:
        program = command.argv[0] if command.text is None and command.argv else command.shell[0]
        changes_path = "PATH" in step.env or step.env_file is not None
        if changes_path or not isinstance(program, str) or "/" in program:
            return
        if not shutil.which(program, path=self.flight.environment.get("PATH")):
            raise CannotStart(f"there is no program {program!r} in PATH")

    def _interpreter(self, python: str) -> None:
        if python not in self.interpreters:
            self.interpreters[python] = self.flight.check_interpreter(python)
        wrong = self.interpreters[python]
        if wrong is not None:
            raise CannotStart(f"the Python {python!r} does not start: {wrong}")

    def _signature(self, step: Step, script: Script, path: Path) -> Signature:
        if path not in self.signatures:
            try:
                self.signatures[path] = read_signature(path.read_bytes())
            except SyntaxError as error:
                self.signatures[path] = error
            except OSError as error:
                raise CannotStart(f"the script {script.path} cannot be read: {error.strerror}") from error
            except (ValueError, RecursionError):
                self.signatures[path] = UNKNOWN
        found = self.signatures[path]
        if isinstance(found, Signature):
            return found
        told = f"{script.path}:{found.lineno or 1}: {found.msg}"
        if script.python is None:
            self._problem(step, f"the script has a syntax error: {told}")
        else:  # another Python may know more than ours
            self.warnings.append(f"step '{step.name}': the script was not understood: {told}")
        return UNKNOWN

    def _arguments(self, step: Step, signature: Signature) -> None:
        name = str(step.action.path) if isinstance(step.action, Script) else "the command"
        for clause in judged(step.argument_style, step.arguments, signature):
            self._problem(step, f"{name} {clause}")
        words = argument_list(step.argument_style, _filled(step.arguments), signature)
        if isinstance(step.action, Command) and step.action.text is not None:
            fill_shell(step.action.text, lambda _: "x").with_words(words)

    def _folder(self, step: Step, places: Places) -> None:
        if isinstance(step.cwd, str) and not self._is_made(step.cwd):
            places.folder(step.cwd)

    def _inputs(self, step: Step, places: Places) -> None:
        for text in step.inputs:
            if isinstance(text, str) and not self._is_made(text):
                try:
                    places.existing(text, "the declared input")
                except CannotStart as problem:
                    self._problem(step, f"{problem}; no earlier step names it under `outputs`")

    def _environment(self, step: Step, places: Places) -> None:
        step_env(step, str)
        if isinstance(step.env_file, str) and not self._is_made(step.env_file):
            read_env_file(step.env_file, places)

    def _secret(self, step: Step, name: str) -> None:
        if name in self.secrets:
            return
        try:
            self.flight.secrets.value(name)
            self.secrets[name] = None
        except CannotStart as problem:
            self.secrets[name] = str(problem)
            self._problem(step, str(problem))

    def _environment_of(self, step: Step) -> Mapping[str, str]:
        own = {name: value for name, value in step.env.items() if isinstance(value, str)}
        return {**self.flight.environment, **own}

    def _is_made(self, text: str) -> bool:
        """True when an earlier step names it, something in it, or what it is in."""
        path = self._places().path(text)
        return any(made == path or made in path.parents or path in made.parents for made in self.made)

    def _places(self) -> Places:
        return Places(project=self.flight.project, config_folder=self.flight.config_file.absolute().parent)

    def _problem(self, step: Step, message: str) -> None:
        line, column = step.position or (None, None)
        file = str(self.flight.config_file)
        self.problems.append(Problem(message=f"step '{step.name}': {message}", file=file, line=line, column=column))


def step_references(step: Step) -> Iterator[Reference]:
    """Yield every late reference of a step."""
    action = step.action
    texts: tuple[Text | None, ...] = (action.path, action.python) if isinstance(action, Script) else (action.text,)
    values: tuple[Value, ...] = (
        *texts,
        action.argv if isinstance(action, Command) else None,
        step.arguments,
        step.env,
        step.env_file,
        step.cwd,
        step.inputs,
        step.outputs,
        step.metrics,
    )
    for value in values:
        yield from references_in(value)


def _filled(arguments: Mapping[str, Value]) -> dict[str, Plain]:
    """What is not known yet stands in as a word that every style can pass."""
    return {key: fill(value, lambda _: "x") for key, value in arguments.items()}
