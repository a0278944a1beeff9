"""Recipients from what `notify` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from crude_link.config.notify_form import Told
from crude_link.config.references import read_back, values_read_back
from crude_link.model.recipient import Address, AppriseUrls, Heartbeat, Mail, Recipient, ShellCall, Tls, Webhook
from crude_link.model.value import Text


def recipients_of(told: Iterable[Told]) -> tuple[Recipient, ...]:
    """Return the Recipients of what was read under `notify`."""
    return tuple(Recipient(address=_address(one), wants=one.wants, document=one.document) for one in told)


def _address(told: Told) -> Address:
    said: Mapping[str, Any] = told.said
    match told.way:
        case "command":
            return ShellCall(text=read_back(said["command"]))
        case "webhook":
            headers = {name: read_back(value) for name, value in said["headers"].items()}
            return Webhook(url=read_back(said["url"]), headers=headers, body=values_read_back(said["json"]))
        case "mail":
            return _mail(said)
        case "apprise":
            return AppriseUrls(urls=tuple(read_back(url) for url in said["apprise"]))
        case _:
            return Heartbeat(url=read_back(said["heartbeat"]))


def _mail(said: Mapping[str, Any]) -> Mail:
    def text(key: str) -> Text | None:
        return None if said[key] is None else read_back(said[key])

    return Mail(
        to=tuple(read_back(one) for one in said["to"]),
        sender=cast("Text", text("from")),
        host=cast("Text", text("host")),
        port=said["port"],
        user=text("user"),
        password=text("password"),
        tls=Tls(said["tls"]),
    )
