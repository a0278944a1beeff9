"""Once: the slot time of a schedule that fires at one date and time."""

from __future__ import annotations

import re
from datetime import datetime, timezone, tzinfo

from crude_link.model.schedule import Dst
from crude_link.triggers.wall import moments_of

_WRITTEN = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:(?: +|[Tt])(?P<time>\d?\d:\d\d(?::\d\d)?) *(?P<offset>[Zz]|[+-]\d\d:\d\d)?)?"
)


class OnceSlots:
    """One slot time; two, or none, where clocks change and `dst` wants it."""

    def __init__(self, shown: datetime, zone: tzinfo, dst: Dst) -> None:
        self._moments = [moment.astimezone(zone) for moment in moments_of(shown, zone, dst)]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot time strictly after `moment`; None: never again."""
        after = moment.astimezone(timezone.utc)
        return next((slot for slot in self._moments if slot.astimezone(timezone.utc) > after), None)


def reading_of(text: str) -> datetime:
    """Read a local date and time. ValueError says what is wrong with it, for a person."""
    match = _WRITTEN.fullmatch(text.strip())
    if not match and re.fullmatch(r"\d?\d:\d\d(:\d\d)?", text.strip()):
        raise ValueError(f"`{text}` has no date; write `2027-01-01 {text}`, or for every day `cron: '0 6 * * *'`")
    if not match:
        raise ValueError(f"`{text}` is no date and time; write `2027-01-01 06:00`")
    day, hours, offset = match["day"], match["time"], match["offset"]
    if not hours:
        raise ValueError(f"`{text}` has no time of day; write `{day} 00:00` for its first moment")
    try:
        shown = datetime.fromisoformat(f"{day} {hours:0>{8 if hours.count(':') == 2 else 5}}")
        if offset:
            shown = datetime.fromisoformat(shown.isoformat() + ("+00:00" if offset in "zZ" else offset))
    except ValueError as error:
        raise ValueError(f"`{text}`: {error}; write `2027-01-01 06:00`") from error
    if offset:
        utc = shown.astimezone(timezone.utc).replace(tzinfo=None).isoformat(" ", "minutes")
        raise ValueError(f"`{text}` has an offset; write `{utc}`, with `timezone: UTC` beside it")
    return shown
