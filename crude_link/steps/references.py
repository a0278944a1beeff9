"""What late references stand for when an attempt starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from crude_link.errors import CannotStart
from crude_link.interfaces import Logs
from crude_link.model.condition import ConditionError, Facts
from crude_link.model.event import Stream
from crude_link.model.run import AttemptKey, Run
from crude_link.model.value import Plain, Reference, Template, Text, Value, filled
from crude_link.steps.shell_text import ShellText
from crude_link.steps.written import written

LookUp: TypeAlias = Callable[[Reference], Plain]
#: The longest output that `${steps.S.stdout}` puts in, in bytes.
LONGEST_STDOUT = 1_000_000


class References:
    """The late references of one attempt, each looked up once."""

    def __init__(
        self,
        run: Run,
        facts: Facts,
        run_files: Callable[[int], Path],
        logs: Logs,
        results_file: Callable[[AttemptKey], Path],
    ) -> None:
        self._run = run
        self._facts = facts
        self._run_files = run_files
        self._logs = logs
        self._results_file = results_file
        self._known: dict[str, Plain] = {}

    @property
    def resolved(self) -> dict[str, Plain]:
        """What has been looked up so far, by the reference's text."""
        return dict(self._known)

    def look_up(self, reference: Reference) -> Plain:
        """Return what a reference to `run` or `steps` stands for. CannotStart says why it stands for nothing."""
        text = str(reference)
        if text not in self._known:
            self._known[text] = self._of_run(reference) if reference.head == "run" else self._of_step(reference)
        return self._known[text]

    def _of_run(self, reference: Reference) -> Plain:
        path, _, form = reference.path.partition(":")
        match path:
            case "run.id":
                return self._run.id
            case "run.dir":
                return str(self._run_files(self._run.id))
            case "run.started":
                return _moment(self._run.began, form)
            case "run.origin":
                return self._run.origin.value
            case "run.pipeline":
                return self._run.pipeline
            case "run.scheduled_for":
                return _moment(self._run.slot_time, form) if self._run.slot_time else None
            case _:
                raise CannotStart(
                    f"{reference} is unknown: a run has id, dir, started, origin, pipeline, scheduled_for"
                )

    def _of_step(self, reference: Reference) -> Plain:
        path = reference.path.split(".")
        step = self._facts.steps.get(path[1]) if len(path) > 2 else None
        if reference.head != "steps" or step is None:
            raise CannotStart(f"{reference} stands for nothing: no such step has ended in this run")
        if path[2:] == ["stdout"]:
            return self._stdout(reference, _attempt(reference, step))
        if path[2:] == ["results_file"]:
            return str(self._results_file(_attempt(reference, step)))
        try:
            return self._facts.look_up(reference.path)
        except ConditionError as error:
            raise CannotStart(f"{reference}: {error}") from error

    def _stdout(self, reference: Reference, attempt: AttemptKey) -> str:
        text = self._logs.text(attempt, Stream.STDOUT, LONGEST_STDOUT)
        if text is None:
            raise CannotStart(f"{reference}: the output is longer than 1 MB, or its log is gone. Use a file instead")
        return text


def _attempt(reference: Reference, step: Mapping[str, Plain]) -> AttemptKey:
    """Return the attempt of a step that counts."""
    attempt = step.get("attempt")
    if not isinstance(attempt, str):
        raise CannotStart(f"{reference}: step {reference.path.split('.')[1]!r} did not run, so it has no output")
    return AttemptKey.parse(attempt)


def fill(value: Value, look_up: Callable[[Reference], Plain]) -> Plain:
    """Return `value` with its references put in; one that stands alone keeps its type."""
    if isinstance(value, Template) and len(value.parts) > 1:
        return fill_text(value, look_up)
    if isinstance(value, Mapping):
        return {key: fill(child, look_up) for key, child in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [fill(child, look_up) for child in value]
    return filled(value, look_up, written)


def fill_text(text: Text, look_up: Callable[[Reference], Plain]) -> str:
    """Return `text` with its references put in as text."""
    if isinstance(text, str):
        return text
    return "".join(part if isinstance(part, str) else named(part, look_up(part)) for part in text.parts)


def fill_shell(text: Text, look_up: Callable[[Reference], Plain]) -> ShellText:
    """Return shell text in which every reference is the text it stands for, never shell."""
    shell = ShellText()
    for part in (text,) if isinstance(text, str) else text.parts:
        if isinstance(part, str):
            shell.add_text(part)
        else:
            shell.add_value(named(part, look_up(part)))
    return shell


def named(reference: Reference, value: Plain) -> str:
    """Return a value as it stands in the midst of text. CannotStart for null."""
    if value is None and reference.path.startswith("run.scheduled_for"):
        raise CannotStart(f"{reference} is empty: no schedule began this run. `${{run.started}}` is always there")
    if value is None:
        raise CannotStart(f"{reference} is null, which cannot stand in the midst of text")
    return written(value)


def _moment(moment: datetime, form: str) -> str:
    local = moment.astimezone()
    return local.strftime(form) if form else local.isoformat(timespec="seconds")
