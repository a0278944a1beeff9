"""Looks: the processes that look for new files, begun and awaited by a scheduler that waits for none of them."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.app import Desk, Loaded
from crude_link.model.look import Finding, Look
from crude_link.model.schedule import Schedule
from crude_link.model.words import duration_words
from crude_link.programs import ProgramError

if TYPE_CHECKING:
    from crude_link.background import BackgroundProgram, ProgramEnd

#: Further ones wait: each is two processes that are busy for a moment.
_AT_ONCE = 6
#: A look that takes longer is ended. A million files take a few minutes.
_LONGEST = timedelta(hours=1)


@dataclass(kw_only=True, slots=True)
class _Going:
    """A look that goes on, or waits until others have ended."""

    look: Look
    given: bytes
    program: BackgroundProgram | None = None
    #: By the clock that never steps back, in seconds.
    began: float = 0.0


class Looks:
    """See `Looker`."""

    def __init__(self, desk: Desk, longest: timedelta = _LONGEST) -> None:
        self._desk = desk
        self._longest = longest
        self._since = desk.clock.now()
        self._waiting: deque[_Going] = deque()
        self._going: list[_Going] = []

    @property
    def is_idle(self) -> bool:
        """True while nothing is looked at."""
        return not self._going and not self._waiting

    def is_looking(self, pipeline: str, schedule: Schedule) -> bool:
        """True while a look of this entry, as it is now, goes on."""
        looks = (each.look for each in (*self._going, *self._waiting))
        wanted = (pipeline, schedule.entry, schedule.timing)
        return any((look.pipeline, look.entry, look.timing) == wanted for look in looks)

    def begin(self, loaded: Loaded, schedule: Schedule) -> None:
        """Begin to look for the new files of an entry."""
        name, now = loaded.pipeline.name, self._desk.clock.now()
        look = Look(pipeline=name, entry=schedule.entry, timing=schedule.timing, at=now)
        self._waiting.append(_Going(look=look, given=_order(loaded, schedule, self._since)))

    def ended(self) -> Sequence[Look]:
        """Begin what may begin; return the looks that have ended since the last call."""
        found = []
        while self._waiting and len(self._going) < _AT_ONCE:
            each = self._waiting.popleft()
            try:
                self._start(each)
            except ProgramError as error:
                found.append(self._failed(each.look, str(error)))
        for each in list(self._going):
            look = self._end_of(each)
            if look:
                self._going.remove(each)
                found.append(look)
        return found

    def close(self) -> None:
        """End all looks; what they have seen is found again by the next ones."""
        for each in self._going:
            if each.program:
                each.program.end()
        self._going.clear()
        self._waiting.clear()

    def _start(self, going: _Going) -> None:
        from crude_link.background import BackgroundProgram  # with all that only looks need
        from crude_link.steps.transfer_orders import program_of

        argv, cwd = program_of("crude_link.looking.program"), Path.cwd()
        going.program = BackgroundProgram(argv, cwd=cwd, environment=self._desk.environment, given=going.given)
        going.began = self._desk.clock.monotonic()
        self._going.append(going)

    def _end_of(self, going: _Going) -> Look | None:
        """Return a look that has ended, or took too long."""
        assert going.program
        end = going.program.ended()
        if end:
            return self._ended(going.look, end)
        if self._desk.clock.monotonic() - going.began <= self._longest.total_seconds():
            return None
        going.program.end()
        return self._failed(going.look, f"it took longer than {duration_words(self._longest)} and was ended")

    def _ended(self, look: Look, end: ProgramEnd) -> Look:
        """Return a look with what its process said at its end."""
        if end.status == 0:
            said = json.loads(end.stdout)
            return replace(look, at=self._now(), finding=Finding(**{**said, "names": tuple(said["names"])}))
        lines = [line.strip() for line in end.stderr.decode(errors="replace").splitlines() if line.strip()]
        how = f"was killed by signal {-end.status}" if end.status < 0 else f"ended with status {end.status}"
        return self._failed(look, lines[-1] if lines else f"the program that looks {how}")

    def _failed(self, look: Look, problem: str) -> Look:
        return replace(look, at=self._now(), problem=problem)

    def _now(self) -> datetime:
        return self._desk.clock.now().replace(microsecond=0)


def _order(loaded: Loaded, schedule: Schedule, since: datetime) -> bytes:
    """Write what the program is told: the config as it is followed, whatever the file says by then."""
    order = {
        "path": os.fspath(loaded.config.path),
        "text": loaded.config.text,
        "settings": loaded.config.settings,
        "pipeline": loaded.pipeline.name,
        "entry": schedule.entry,
        "number": [each.entry for each in loaded.pipeline.schedules].index(schedule.entry),
        "params": dict(schedule.params),
        "fires_after": since.isoformat(),
        "parent": os.getpid(),
    }
    return json.dumps(order).encode()
