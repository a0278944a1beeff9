"""InputSource: what every source of inputs can do, and what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from crude_link.errors import CannotStart
from crude_link.model.value import Plain


def no_stores(_patterns: Sequence[str], _path: Path) -> None:
    """List nothing: only a run does."""
    raise CannotStart("no store is listed before the run")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What stands in the config, references filled, and how a source reaches what it means.

    All of these raise CannotStart when something is not to be had.
    """

    value: Plain
    project: Path
    #: Returns the path of a file that is there.
    file: Callable[[str], Path]
    #: Writes the output of shell text, or of words that no shell sees, into a file. NotYet while it runs.
    run_command: Callable[[str | Sequence[str], Path], None]
    #: Returns what tells the output of an earlier step from any other, and its lines.
    step_lines: Callable[[str], tuple[str, Iterable[bytes]]]
    #: Where the output of a command is kept; its folder is there. Whoever asks removes it in the end.
    scratch: Path
    #: Writes the URLs that fit patterns into a file, in order, a line of JSON each. NotYet while stores are listed.
    list_stores: Callable[[Sequence[str], Path], None] = no_stores


@runtime_checkable
class CanSkip(Protocol):
    """A source that can leave out its first inputs faster than by yielding them."""

    def skip(self, count: int) -> None:
        """Leave out the first `count` inputs. Called before `items`, or never."""


class InputSource(Protocol):
    """A stream of inputs. It is made from an Asked; that, and all it does, may raise CannotStart."""

    @property
    def state(self) -> str:
        """What tells this state of the source from any other: a file's size and times, a digest of a list."""

    def items(self) -> Iterator[Plain]:
        """Yield the inputs from the first on; equal ones are separate. Called once."""

    def share_read(self) -> float | None:
        """Return how much of the source the yielded inputs are, from 0 to 1; None where nobody can know."""
