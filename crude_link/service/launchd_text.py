"""The text of a launchd agent, a property list: see launchd.plist(5)."""

from __future__ import annotations

import plistlib
import re
from typing import Any

from crude_link.errors import UsageError
from crude_link.model.service import Service

#: What XML 1.0 cannot hold, escaped or not, and a carriage return, which comes back as a newline.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_RESTART_AFTER_SECONDS = 30


def agent_text(service: Service) -> str:
    """Return the text of the agent. UsageError when a path or argument cannot stand in XML."""
    for text in (str(service.project), *service.argv):
        if _UNSPEAKABLE.search(text):
            raise UsageError(f"launchd cannot be told of {text!r}: it holds characters that XML cannot")
    agent: dict[str, Any] = {
        "Label": f"crude-link.{service.name}",
        "ProgramArguments": list(service.argv),
        "WorkingDirectory": str(service.project),
        "EnvironmentVariables": dict(service.environment),
        "Umask": service.umask,
        "RunAtLoad": True,
        # launchd knows no exit status by which a program asks to be left alone; a failed run is to end the schedule.
        "KeepAlive": {"SuccessfulExit": False} if service.keeps_running else {"Crashed": True},
        "ThrottleInterval": _RESTART_AFTER_SECONDS,
        "ExitTimeOut": int(service.stop_time.total_seconds()),
        # The scheduler ends its steps itself.
        "AbandonProcessGroup": True,
        "ProcessType": "Standard",
    }
    return plistlib.dumps(agent, sort_keys=False).decode()


def agent_of(text: str) -> dict[str, Any]:
    """Return the properties of an agent's text; none when it is no property list."""
    try:
        found = plistlib.loads(text.encode("utf-8", "surrogateescape"))
    except Exception:  # noqa: BLE001  # plistlib raises what its parsers raise
        return {}
    return found if isinstance(found, dict) else {}
