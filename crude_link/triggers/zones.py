"""Zones: time zones by their names, and what to say of names that there are not."""

from __future__ import annotations

import difflib
from datetime import tzinfo
from zoneinfo import ZoneInfo, available_timezones

from crude_link.errors import UsageError


def zone_problem(name: str | None) -> str | None:
    """Say in one sentence what is wrong with a zone's name; None (the machine's own zone) is always right."""
    if name is None or _named(name):
        return None
    known = available_timezones()
    near = [zone for zone in known if zone.lower() == name.lower()] or difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "Use a name such as `Europe/Berlin` or `UTC`."
    return f"there is no time zone `{name}`. {hint}"


def zone_of(name: str | None) -> tzinfo:
    """Return a zone by its name, which has no problem; None is the machine's own. UsageError when that is unknown."""
    zone = _named(name) if name is not None else None
    if zone:
        return zone
    import tzlocal
    from apscheduler.util import astimezone

    try:
        local: tzinfo = astimezone(tzlocal.get_localzone())
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"this machine's time zone cannot be found ({error}); give a `timezone`") from error
    return local


def _named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None  # unknown; not a name but a path; a folder of the database such as `Europe`
