"""LiveLine: the one line at the bottom of a terminal that says how fan-outs get on, written over again and again."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from crude_link.notifiers.channel import Channel
from crude_link.notifiers.look import Look, shortened, width_of
from crude_link.notifiers.progress import Part, Progress

#: Seconds between two drawings.
_PERIOD = 0.2
_ERASE = b"\r\x1b[2K"
_BETWEEN = " · "
_BESIDE = "  │  "


class LiveLine:
    """Stands on the screen of a channel from a drawing to the next thing that is written there."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._is_shown = False
        self._drawn: float | None = None

    def is_due(self, now: float) -> bool:
        """True when it may be drawn again."""
        return self._drawn is None or now - self._drawn >= _PERIOD

    def draw(self, running: Sequence[Progress], look: Look, now: float) -> None:
        """Draw the line anew; nothing where nothing runs, or where what is written before has not been read yet."""
        if self._channel.waiting:
            return
        self._drawn = now
        if not running or look.width is None:
            self.erase()
            return
        room = (look.width - 1 - len(_BESIDE) * (len(running) - 1)) // len(running)
        line = _BESIDE.join(_fitted(progress, look, room, now) for progress in running)
        start = _ERASE if self._is_shown or self._channel.cursor.at_line_start else b"\n"
        self._channel.write(start + look.spell(line).encode(look.encoding, "backslashreplace"))
        self._is_shown = True

    def erase(self) -> None:
        """Take the line from the screen, before something else is written there."""
        if self._is_shown:
            self._is_shown = False
            self._channel.write(_ERASE)
            self._channel.cursor.is_styled = False


def _fitted(progress: Progress, look: Look, room: int, now: float) -> str:
    """Return the line of one fan-out in at most so many columns: what matters least is left out first."""
    step, parts = progress.key.step, progress.parts(now)
    while len(parts) > 1 and width_of(_joined(step, parts)) > room:
        parts.remove(max(parts, key=attrgetter("rank")))
    if width_of(_joined(step, parts)) > room:
        return shortened(_joined(step, parts), room)
    painted = [Part(look.paint(part.text, part.colour), part.rank) for part in parts]
    return _joined(look.paint(step, bold=True), painted)


def _joined(step: str, parts: Sequence[Part]) -> str:
    return f"{step}  {_BETWEEN.join(part.text for part in parts)}"
