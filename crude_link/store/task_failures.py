"""Failed tasks by what they said, where only the numbers in it differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from crude_link.model.task import FailureGroup

#: What more groups than these say is not told apart, so that a million different lines need no more memory.
_MOST_GROUPS = 10_000
_OTHERS = "(what all others said)"
_MOST_TASKS = 10

#: What differs from task to task where the failure is the same.
_VARYING = re.compile(
    r"""(
    \b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b
    | \b0[xX][0-9a-fA-F]+\b
    | \b(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{7,}\b  # not a word that happens to be of these letters
    | (?<=/tmp/)[^\s'":,;()]+
    | \btmp[a-z0-9_]{6,}\b
    | [0-9]+
    )""",
    re.VERBOSE,
)
#: A number behind one of these words says what went wrong.
_TELLING = re.compile(r"\b(?:http|status|code|errno|error|exit|signal)[\s:=#(\[]*$", re.IGNORECASE)


class _Group:
    """What some tasks said, in pieces: text that they have in common, and in between what may differ."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self.count = 0
        self.tasks: list[int] = []
        self._pieces = list(pieces)

    def add(self, task: int, pieces: Sequence[str]) -> None:
        self.count += 1
        if len(self.tasks) < _MOST_TASKS:
            self.tasks.append(task)
        if pieces != self._pieces:
            for place in range(1, len(pieces), 2):
                if pieces[place] != self._pieces[place]:
                    self._pieces[place] = _name(pieces[place])

    @property
    def words(self) -> str:
        return "".join(self._pieces)


def grouped(said: Iterable[tuple[int, str]], most: int) -> Sequence[FailureGroup]:
    """Return at most `most` groups of tasks by what each has said, the largest first; `said` by task number."""
    groups: dict[str, _Group] = {}
    for task, words in said:
        pieces = _pieces(words)
        alike = "".join(_name(piece) if place % 2 else piece for place, piece in enumerate(pieces))
        if alike not in groups and len(groups) >= _MOST_GROUPS:
            alike, pieces = _OTHERS, [_OTHERS]
        groups.setdefault(alike, _Group(pieces)).add(task, pieces)
    largest = sorted(groups.values(), key=lambda group: (-group.count, group.tasks[0]))[:most]
    return [FailureGroup(count=group.count, words=group.words, tasks=tuple(group.tasks)) for group in largest]


def _pieces(words: str) -> list[str]:
    """Return text and what may differ by turns, text first."""
    found = [""]
    for place, piece in enumerate(_VARYING.split(words)):
        if place % 2 and not (piece.isdigit() and _TELLING.search(found[-1])):
            found += [piece, ""]
        else:
            found[-1] += piece
    return found


def _name(piece: str) -> str:
    return "N" if piece.isdigit() else "X"
