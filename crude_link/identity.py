"""Who works here: the names that records and decisions bear."""

from __future__ import annotations

import os


def user_name() -> str:
    """Return the login name, or the number of the user where there is none (in a container)."""
    for variable in ("LOGNAME", "USER"):
        if os.environ.get(variable):
            return os.environ[variable]
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
