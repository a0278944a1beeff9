"""Report: what the doctor found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that people should know, and what to do about it."""

    words: str
    #: What to do; empty where there is nothing to do.
    remedy: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """How something is on this machine."""

    name: str
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How something is in this shell, and for the scheduler."""

    name: str
    here: str
    scheduler: str

    @property
    def differs(self) -> bool:
        """True when it is not the same for both."""
        return self.here != self.scheduler


@dataclass(kw_only=True, slots=True)
class Report:
    """What was found, as it is gathered."""

    #: What the second column is: the unit, a living scheduler, cron.
    scheduler: str = ""
    #: What will go wrong, or does already.
    problems: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def problem(self, words: str, remedy: str = "") -> None:
        """Add what will go wrong."""
        self.problems.append(Finding(words=words, remedy=remedy))

    def note(self, words: str, remedy: str = "") -> None:
        """Add what people should know all the same."""
        self.notes.append(Finding(words=words, remedy=remedy))

    def fact(self, name: str, words: str) -> None:
        """Add how something is."""
        self.facts.append(Fact(name=name, words=words))

    def compare(self, name: str, here: str, scheduler: str) -> None:
        """Add how something is in this shell and for the scheduler."""
        self.comparisons.append(Comparison(name=name, here=here, scheduler=scheduler))

    @property
    def differences(self) -> Sequence[Comparison]:
        """What is not the same for both."""
        return [each for each in self.comparisons if each.differs]
