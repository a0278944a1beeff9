"""Problems: what is wrong in one config file, gathered so that all of it is told at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from crude_link.errors import ConfigError, Problem

#: Line and column, counted from 1; None where the place is in no file.
Position = tuple[int, int] | None


@dataclass(kw_only=True, slots=True)
class Problems:
    """Gathers errors and warnings of one file; what several steps inherit from one place is said once."""

    file: str | None = None
    _errors: dict[tuple[str, Position, str], Problem] = field(default_factory=dict)
    _warnings: dict[tuple[str, Position, str], Problem] = field(default_factory=dict)

    def add(self, message: str, at: Position = None, of: str = "") -> None:
        """Note an error; `of` names the step or the like (`step 'train': `) and leads the message."""
        self._errors.setdefault((message, at, "" if at else of), self._problem(of + message, at))

    def warn(self, message: str, at: Position = None, of: str = "") -> None:
        """Note something that is allowed and probably not meant."""
        self._warnings.setdefault((message, at, "" if at else of), self._problem(of + message, at))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings in words, with their places, in the order of the file."""
        return tuple(str(problem) for problem in _in_order(self._warnings.values()))

    @property
    def any(self) -> bool:
        """True when there is an error."""
        return bool(self._errors)

    @property
    def positions(self) -> tuple[Position, ...]:
        """Where the errors are."""
        return tuple(at for _, at, _ in self._errors)

    def raise_if_any(self) -> None:
        """Raise ConfigError with all errors, in the order of the file."""
        if self._errors:
            raise ConfigError(_in_order(self._explained(problem) for problem in self._errors.values()))

    def _explained(self, problem: Problem) -> Problem:
        """Return an error with what was remarked of the same place, which may have led to it."""
        remarks = [one.message for one in self._warnings.values() if one.line and _place(one) == _place(problem)]
        return replace(problem, message="; ".join([problem.message, *remarks]))

    def _problem(self, message: str, at: Position) -> Problem:
        line, column = at or (None, None)
        return Problem(message=message, file=self.file, line=line, column=column)


def one_problem(message: str, file: str | None = None, at: Position = None) -> ConfigError:
    """Return the error that says only this."""
    line, column = at or (None, None)
    return ConfigError([Problem(message=message, file=file, line=line, column=column)])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)`, or nothing when no known word is near."""
    import difflib

    words = list(known)
    folded = {re.sub(r"[-_ ]", "", name).lower(): name for name in words}
    same = folded.get(re.sub(r"[-_ ]", "", word).lower())
    near = [same] if same else difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if not near and len(word) > 2:
        near = [name for name in words if name.startswith(word) or word.startswith(name)][:1]
    return f" (did you mean '{near[0]}'?)" if near and near[0] != word else ""


def one_of(words: Iterable[str]) -> str:
    """Return known words for a message: `a, b, c`, or `none`."""
    return ", ".join(words) or "none"


def _place(problem: Problem) -> tuple[int | None, int | None]:
    return problem.line, problem.column


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
