"""The lines that a command prints.

The command is run once for each attempt at the whole, and to its end: one that fails gives no inputs at all, and what
it printed is known from another output by its digest.
"""

from __future__ import annotations

from collections.abc import Iterator

from crude_link.errors import CannotStart
from crude_link.inputs.source import Asked
from crude_link.inputs.text_file import TextFile, stripped
from crude_link.model.value import Plain


class CommandLines:
    """Each line of a command's output that is not blank, as text."""

    def __init__(self, asked: Asked) -> None:
        asked.run_command(_checked(asked.value), asked.scratch)
        self._file = TextFile(asked.scratch, "the output of the command")
        self.state = f"command {self._file.hold()}"

    def items(self) -> Iterator[Plain]:
        """Yield the lines."""
        return stripped(self._file.texts())

    def skip(self, count: int) -> None:
        """Leave out the first lines."""
        self._file.skip(count)

    def share_read(self) -> float | None:
        """Return how much of the output was read."""
        return self._file.share_read()


def _checked(command: Plain) -> str | list[str]:
    if isinstance(command, str):
        return command
    if isinstance(command, (list, tuple)) and all(isinstance(word, str) for word in command):
        return [str(word) for word in command]
    raise CannotStart(f"the command for the inputs is {command!r}, which is neither text nor a list of words")
