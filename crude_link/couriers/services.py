"""Services: alerts by apprise, which knows a hundred of them; an extra, imported when it is used."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from crude_link.couriers.letter import Letter, NotDelivered
from crude_link.model.alert import AlertKind

MISSING = "`apprise` needs a package that is not installed here: pip install 'crude-link[notify]'"
_TYPES = {
    AlertKind.FAILED: "failure",
    AlertKind.STILL_FAILING: "failure",
    AlertKind.HALTED: "failure",
    AlertKind.DID_NOT_RUN: "warning",
    AlertKind.SLOW: "warning",
    AlertKind.RECOVERED: "success",
}


def is_installed() -> bool:
    """True where apprise can be used."""
    return find_spec("apprise") is not None


def notify(letter: Letter, urls: Sequence[str]) -> str:
    """Have apprise tell the services of the URLs; return what came of it."""
    if not is_installed():
        raise NotDelivered(MISSING)
    import apprise

    services = apprise.Apprise()
    capture: Any = apprise.LogCapture  # it says nothing of its types
    with capture(level=logging.WARNING) as remarks:
        for url in urls:
            if not services.add(url):
                raise NotDelivered(f"apprise does not understand the URL {url}")
        went_well = services.notify(
            body=letter.text,
            title=letter.alert.title,
            notify_type=_TYPES.get(letter.alert.kind, "info"),
            body_format="text",
        )
        told = [line.strip() for line in remarks.getvalue().splitlines() if line.strip()]
    if not went_well:
        raise NotDelivered(f"apprise: {told[-1] if told else 'a service did not take it'}")
    return f"taken by {len(urls)} service{'s'[: len(urls) != 1]}"
