"""Look: one listing of the places in which an entry of a schedule looks for new files, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: So many files are named; of the others, how many they are.
NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a look found, as the program that looks tells it."""

    #: What the sightings of this look bear, in the store.
    look: int
    #: All files that are there.
    files: int
    #: Those of them that no run of this entry was begun for.
    new: int
    #: The first of those, by name.
    names: tuple[str, ...] = ()
    #: Files that may still be written to; the next look sees them.
    young: int = 0

    @property
    def words(self) -> str:
        """Say what is new: `3 new files: a.tif, b.tif, c.tif`."""
        more = self.new - len(self.names)
        others = f" and {more:,} more" if more else ""
        return f"{self.new:,} new file{'s' if self.new != 1 else ''}: {', '.join(self.names)}{others}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A look that has ended."""

    pipeline: str
    #: `Schedule.entry`, and `Schedule.timing` as it was when the look began.
    entry: str
    timing: str
    #: When it ended, in whole seconds.
    at: datetime
    #: None where it failed.
    finding: Finding | None = None
    #: Why it failed.
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookout:
    """How the looks of an entry go, as the store has it."""

    pipeline: str
    entry: str
    #: When it last looked; None: never yet.
    looked: datetime | None = None
    #: What the last look that went well found.
    files: int = 0
    new: int = 0
    #: How many looks in a row have failed, since when, and why the last of them did.
    failures: int = 0
    failing_since: datetime | None = None
    problem: str = ""
