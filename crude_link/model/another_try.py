"""AnotherTry: what a function asked for that raised `crude_link.Retry`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

#: The exit status of a task that asks: EX_TEMPFAIL of sysexits.h. By itself it means nothing.
ASKED_STATUS = 75
#: Nobody waits longer, and dates have an end.
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnotherTry:
    """Why, and after how long. In memory only: whoever resumes a run wants it tried at once."""

    why: str = ""
    #: None: as long as the retry policy says.
    after: timedelta | None = None

    @property
    def reason(self) -> str:
        """What the record says."""
        return f"asked for another try: {self.why}" if self.why else "asked for another try"

    @classmethod
    def read(cls, text: str) -> AnotherTry:
        """Read what a task wrote; nothing is known where that is damaged."""
        import json  # costs what only those need

        try:
            said = json.loads(text)
            why, seconds = said["why"], said["after"]
            after = None if seconds is None else timedelta(seconds=min(float(seconds), _LONGEST.total_seconds()))
            return cls(why=str(why), after=after)
        except (ValueError, KeyError, TypeError, RecursionError):
            return cls()
