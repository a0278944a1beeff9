"""Pre-flight: what would surely go wrong, found without running or importing the user's scripts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from crude_link.errors import CannotStart, Problem
from crude_link.model.pipeline import Command, Pipeline, Script, Step
from crude_link.model.resources import Pool
from crude_link.model.run import Selection
from crude_link.model.value import Plain, Value, texts_in
from crude_link.resources.gpus import no_gpus
from crude_link.steps.arguments import argument_list
from crude_link.steps.environment import read_env_file, step_env
from crude_link.steps.judging import judged
from crude_link.steps.places import Places
from crude_link.steps.reading import read_signature
from crude_link.steps.references import fill, fill_shell
from crude_link.steps.secrets import SHORTEST, Secrets
from crude_link.steps.signature import UNKNOWN, Signature
from crude_link.steps.values_of import references_of, values_of
from crude_link.steps.written import as_argument

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
    find_gpus: Callable[[], Sequence[str]] = no_gpus

    def check(self, pipeline: Pipeline, selection: Selection) -> tuple[list[Problem], list[str]]:
        """Return what is wrong, in the order of the file, and what people should know all the same."""
        check = _Check(self, self.secrets.at_hand(self.environment), pipeline.pools)
        check.disk()
        check.params(pipeline)
        for step in pipeline.steps:
            if selection.leaves_out(pipeline.names, step.name) is None:
                check.step(step)
        return sorted(check.problems, key=lambda one: (one.line or 0, one.column or 0)), check.warnings


@dataclass(slots=True)
class _Check:
    """One look; remembers what it has read and tried."""

    flight: Preflight
    #: Values that must not stand in the config in plain, by the names of their secrets.
    at_hand: Mapping[str, str]
    pools: Sequence[Pool]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: The first inputs of the step that is looked at, where it has any that are known.
    inputs: list[Plain] = field(default_factory=list)
    #: Outputs of the steps before.
    made: list[Path] = field(default_factory=list)
    signatures: dict[Path, Signature | SyntaxError] = field(default_factory=dict)
    interpreters: dict[str, str | None] = field(default_factory=dict)
    secrets: dict[str, str | None] = field(default_factory=dict)

    def disk(self) -> None:
        try:
            free = shutil.disk_usage(self.flight.project).free
        except OSError as error:  # a disk that was taken away, perhaps to come back
            reason = (error.strerror or str(error)).lower()
            self.problems.append(Problem(message=f"the project {self.flight.project} is out of reach: {reason}"))
            return
        if free < FULL_DISK:
            self.problems.append(
                Problem(message=f"the disk of {self.flight.project} is full: {free // 1_000_000} MB are left")
            )
        elif free < NEARLY_FULL_DISK:
            self.warnings.append(f"the disk of {self.flight.project} is nearly full: {free // 1_000_000} MB are left")

    def params(self, pipeline: Pipeline) -> None:
        for name, value in pipeline.params.items():
            if secret := self._secret_in(value):
                message = f"param '{name}' holds the value of {secret}"
                self.problems.append(Problem(message=message, file=str(self.flight.config_file)))

    def step(self, step: Step) -> None:
        places = self._places()
        for key, value in values_of(step).items():
            if secret := self._secret_in(value):
                self._problem(step, f"`{key}` holds the value of {secret}", key)
        self.inputs = self._first_inputs(step, places)
        if isinstance(step.action, Script):
            self._script(step, step.action, places)
        elif isinstance(step.action, Command):
            self._command(step, step.action)
        with self._told(step, "cwd"):
            if isinstance(step.cwd, str) and not self._is_made(step.cwd):
                places.folder(step.cwd)
        self._inputs(step, places)
        self._environment(step, places)
        for key, reference in references_of(step):
            if reference.head == "secrets":
                self._secret(step, reference.path.removeprefix("secrets."), key)
        self._remember_outputs(step, places)

    def _first_inputs(self, step: Step, places: Places) -> list[Plain]:
        """Return the first inputs of a step with `foreach`, as far as they are known."""
        if not step.foreach:
            return []
        from crude_link.steps.fan_preflight import empty_words, first_inputs, known_room, without_key

        with self._told(step, "resources", "foreach"):
            known_room(step, self.pools, places, self._is_made, self.flight.find_gpus)
        found: list[Plain] | None = None
        with self._told(step, f"foreach.{step.foreach.source}", "foreach"):
            found = first_inputs(step.foreach, places, self._is_made)
            if found is not None and not found:
                self.warnings.append(f"step '{step.name}': {empty_words(step.foreach)}")
            lacking = without_key(step.foreach, found or [])
            if lacking:
                self._problem(step, lacking, "foreach.key", "foreach")
        return found or []

    def _first_task(self, step: Step, signature: Signature, name: str) -> None:
        if not self.inputs:
            return
        from crude_link.steps.fan_preflight import try_first, wrong_with_first

        for item in self.inputs[:1]:
            for wrong in wrong_with_first(step, signature, item):
                self._problem(step, f"{name} {wrong.clause}", f"arguments.{wrong.key}", "arguments")
            with self._told(step, "arguments", "command", "foreach"):
                try_first(step, signature, item, self._places())

    def _use_of_input(self, step: Step, script: Path) -> None:
        if not step.foreach:
            return
        from crude_link.steps.fan_preflight import uses_no_input

        if uses_no_input(step, script):
            message = "its input is used nowhere, and every task would do the same; give it as an argument"
            self._problem(step, f"`foreach`: {message}: `arguments: {{image: '{{item}}'}}`", "foreach")

    def _secret_in(self, value: Value) -> str | None:
        """Name the secret whose value stands in a value, which the record of a run would keep."""
        texts = list(texts_in(value))
        for name, secret in self.at_hand.items():
            if len(secret) >= SHORTEST and any(secret in text for text in texts):
                return (
                    f"the secret '{name}', which the record would keep; write `${{secrets.{name}}}` where it is used"
                )
        return None

    @contextmanager
    def _told(self, step: Step, *keys: str) -> Iterator[None]:
        try:
            yield
        except CannotStart as problem:
            self._problem(step, str(problem), *keys)

    def _script(self, step: Step, script: Script, places: Places) -> None:
        with self._told(step, "python"):
            if isinstance(script.python, str):
                self._interpreter(places.python(script.python, self._environment_of(step)))
        with self._told(step, "script"):
            if not isinstance(script.path, str) or self._is_made(script.path):
                return
            path = places.script(script.path, step.cwd if isinstance(step.cwd, str) else None)
            if script.function:
                self._function(step, script, path)
                return
            signature = self._signature(step, script, path) if path.suffix == ".py" else UNKNOWN
            self._arguments(step, signature)
            if step.foreach:
                self._use_of_input(step, path)

    def _function(self, step: Step, script: Script, path: Path) -> None:
        from crude_link.steps.function_preflight import wrong_with_call, wrong_with_first_call

        for wrong in wrong_with_call(step, path, self.inputs[0] if self.inputs else None):
            if script.python is not None and wrong.is_of_syntax:  # another Python may know more than ours
                self.warnings.append(f"step '{step.name}': the file was not understood: {wrong.text}")
            else:
                self._problem(step, wrong.text, *wrong.keys)
        with self._told(step, "arguments", "foreach"):
            for item in self.inputs[:1]:
                wrong_with_first_call(step, item)

    def _command(self, step: Step, command: Command) -> None:
        program = command.argv[0] if command.text is None and command.argv else command.shell[0]
        changes_path = "PATH" in step.env or step.env_file is not None
        is_sought = isinstance(program, str) and not changes_path and "/" not in program
        if is_sought and not shutil.which(str(program), path=self.flight.environment.get("PATH")):
            hint = (
                "; a list is the words of one command, several commands are one text" if " " in str(program) else ""
            )
            message = f"there is no program {program!r} in PATH{hint}"
            self._problem(step, message, "command" if command.argv else "shell")
        with self._told(step, "command"):
            for word in (command.text, *command.argv):
                as_argument(str(fill(word, lambda _: "x")), "the command")
        self._arguments(step, UNKNOWN)

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
            self._problem(step, f"the script has a syntax error: {told}", "script")
        else:  # another Python may know more than ours
            self.warnings.append(f"step '{step.name}': the script was not understood: {told}")
        return UNKNOWN

    def _arguments(self, step: Step, signature: Signature) -> None:
        name = str(step.action.path) if isinstance(step.action, Script) else "the command"
        for wrong in judged(step.argument_style, step.arguments, signature):
            self._problem(step, f"{name} {wrong.clause}", f"arguments.{wrong.key}", "arguments")
        with self._told(step, "arguments"):
            words = argument_list(step.argument_style, _filled(step.arguments), signature)
            if words and isinstance(step.action, Command) and step.action.text is not None:
                as_argument(fill_shell(step.action.text, lambda _: "x").with_words(words), "the command")
        self._first_task(step, signature, name)

    def _inputs(self, step: Step, places: Places) -> None:
        for index, text in enumerate(step.inputs):
            with self._told(step, f"inputs.{index}", "inputs"):
                if isinstance(text, str) and not self._is_made(text):
                    self._input(text, places)

    def _input(self, text: str, places: Places) -> None:
        try:
            places.existing(text, "the declared input")
        except CannotStart as problem:
            raise CannotStart(f"{problem}; no earlier step names it under `outputs`") from problem

    def _environment(self, step: Step, places: Places) -> None:
        for name, value in step.env.items():
            with self._told(step, f"env.{name}"):
                step_env({name: value}, str)
        with self._told(step, "env_file"):
            if isinstance(step.env_file, str) and not self._is_made(step.env_file):
                read_env_file(step.env_file, places)

    def _secret(self, step: Step, name: str, key: str) -> None:
        if name in self.secrets:
            return
        try:
            self.flight.secrets.value(name)
            self.secrets[name] = None
        except CannotStart as problem:
            self.secrets[name] = str(problem)
            self._problem(step, str(problem), key)

    def _remember_outputs(self, step: Step, places: Places) -> None:
        for index, text in enumerate(step.outputs):
            with self._told(step, f"outputs.{index}", "outputs"):
                self.made += [places.path(text)] if isinstance(text, str) else []
        with self._told(step, "metrics"):
            if isinstance(step.metrics, str):
                places.path(step.metrics)

    def _environment_of(self, step: Step) -> Mapping[str, str]:
        own = {name: value for name, value in step.env.items() if isinstance(value, str)}
        return {**self.flight.environment, **own}

    def _is_made(self, text: str) -> bool:
        """True when an earlier step names it, something in it, or what it is in."""
        path = self._places().path(text)
        return any(made == path or made in path.parents or path in made.parents for made in self.made)

    def _places(self) -> Places:
        return Places(project=self.flight.project, config_folder=self.flight.config_file.absolute().parent)

    def _problem(self, step: Step, message: str, *keys: str) -> None:
        """Note a problem at the first of the step's keys that stands in the file, else at the step."""
        at = next((step.places[key] for key in keys if key in step.places), step.position)
        line, column = at or (None, None)
        file = str(self.flight.config_file)
        self.problems.append(Problem(message=f"step '{step.name}': {message}", file=file, line=line, column=column))


def _filled(arguments: Mapping[str, Value]) -> dict[str, Plain]:
    """What is not known yet stands in as a word that every style can pass."""
    return {key: fill(value, lambda _: "x") for key, value in arguments.items()}
