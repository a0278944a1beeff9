"""The lines that an earlier step has printed on stdout."""

from __future__ import annotations

from collections.abc import Iterator

from crude_link.errors import CannotStart
from crude_link.inputs.source import Asked
from crude_link.inputs.text_file import stripped
from crude_link.model.value import Plain


class StepLines:
    """Each line of an earlier step's output that is not blank, as text."""

    def __init__(self, asked: Asked) -> None:
        if not isinstance(asked.value, str):
            raise CannotStart(f"the step whose output the inputs are is {asked.value!r}, which is no name")
        # What an attempt printed never changes.
        attempt, self._lines = asked.step_lines(asked.value)
        self.state = f"step {attempt}"

    def items(self) -> Iterator[Plain]:
        """Yield the lines."""
        return stripped(line.decode("utf-8", "surrogateescape") for line in self._lines)

    def share_read(self) -> float | None:
        """Nobody knows how much is left."""
        return None
