"""TaskCommand: the argv of a step with `foreach` for one task after another; nothing is parsed for a task."""

from __future__ import annotations

from typing import Protocol

from crude_link.model.pipeline import Command
from crude_link.model.value import Placeholder, Plain, Template, Text
from crude_link.steps.item_values import Getter, Turn, checked, getter_of, in_text, late_filled, value_getter
from crude_link.steps.references import LookUp, fill, named
from crude_link.steps.shell_quoting import Quoting
from crude_link.steps.shell_text import ShellText
from crude_link.steps.task_arguments import TaskArguments
from crude_link.steps.written import written


class TaskCommand(Protocol):
    """What a step does, compiled."""

    def argv(self, item: Plain, turn: Turn) -> tuple[str, ...]:
        """Return the argv for an input. CannotStart when no process can be given it."""

    def written(self) -> tuple[str, ...]:
        """Return it with placeholders as the config has them, for the record."""


class TaskScript:
    """A script or a program, with arguments."""

    def __init__(self, head: list[str], arguments: TaskArguments) -> None:
        self._head = head
        self._arguments = arguments

    def argv(self, item: Plain, turn: Turn) -> tuple[str, ...]:
        """Return the argv for an input."""
        return (*self._head, *self._arguments.words(item, turn))

    def written(self) -> tuple[str, ...]:
        """Return it as the config has it."""
        return (*self._head, *self._arguments.written())


class TaskWords:
    """A command that is a list of words, which no shell sees."""

    def __init__(self, command: Command, arguments: TaskArguments, look_up: LookUp) -> None:
        words = [late_filled(word, look_up) for word in command.argv]
        self._getters = [value_getter(word) for word in words]
        self._written = [str(word) if isinstance(word, Template) else written(fill(word, str)) for word in words]
        self._arguments = arguments

    def argv(self, item: Plain, turn: Turn) -> tuple[str, ...]:
        """Return the argv for an input."""
        return (
            *(checked(written(get(item, turn)), "the command") for get in self._getters),
            *self._arguments.words(item, turn),
        )

    def written(self) -> tuple[str, ...]:
        """Return it as the config has it."""
        return (*self._written, *self._arguments.written())


class TaskShell:
    """Shell text, in which every value is escaped for the place where it stands."""

    def __init__(self, command: Command, arguments: TaskArguments, look_up: LookUp) -> None:
        """The text is read once; what the values will be changes nothing of how it is read."""
        assert command.text is not None
        self._shell = list(command.shell)
        self._arguments = arguments
        self._pieces: list[str] = [""]
        self._holes: list[tuple[Placeholder, Getter, Quoting]] = []
        self._read(command.text, look_up)
        self._has_arguments = bool(arguments.written())

    def argv(self, item: Plain, turn: Turn) -> tuple[str, ...]:
        """Return the argv for an input."""
        pieces = self._pieces
        made = [pieces[0]]
        for number, (placeholder, get, quoting) in enumerate(self._holes, start=1):
            value = get(item, turn)
            made.append(quoting.quoted(value if isinstance(value, str) else in_text(placeholder, value)))
            made.append(pieces[number])
        text = "".join(made)
        if self._has_arguments:
            text = _with_words(text, self._arguments.words(item, turn))
        return (*self._shell, checked(text, "the command"))

    def written(self) -> tuple[str, ...]:
        """Return it as the config has it."""
        holes = [*(str(placeholder) for placeholder, _, _ in self._holes), ""]
        text = "".join(piece + hole for piece, hole in zip(self._pieces, holes, strict=True))
        words = self._arguments.written()
        return (*self._shell, " ".join([text.rstrip(), *words]) if words else text)

    def _read(self, text: Text, look_up: LookUp) -> None:
        shell = ShellText()
        for part in (text,) if isinstance(text, str) else text.parts:
            if isinstance(part, Placeholder):
                self._holes.append((part, getter_of(part), shell.quoting))
                self._pieces.append("")
                shell.pass_value()
            elif isinstance(part, str):
                self._pieces[-1] += part
                shell.add_text(part)
            else:
                value = named(part, look_up(part))
                self._pieces[-1] += shell.quoting.quoted(value)
                shell.pass_value()
        if self._arguments.written():
            shell.check_end()


_WORD = Quoting()


def _with_words(text: str, words: list[str]) -> str:
    return " ".join([text.rstrip(), *(_WORD.quoted(word) for word in words)])
