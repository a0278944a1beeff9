"""Recipient: who is told of alerts, and in which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from crude_link.model.alert import CHANGES, AlertKind
from crude_link.model.value import Plain, Text, Value

#: Of a command, so many characters are shown.
_LONGEST = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class ShellCall:
    """Shell text that is run; it gets the facts in its environment and the text on stdin."""

    text: Text

    def __str__(self) -> str:
        lines = str(self.text).strip().splitlines() or [""]
        is_all = len(lines) == 1 and len(lines[0]) <= _LONGEST
        return f"command {lines[0] if is_all else lines[0][:_LONGEST].rstrip() + ' …'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A URL to which JSON is posted: ours, or, with `body`, the user's own with placeholders."""

    url: Text
    headers: Mapping[str, Text] = field(default_factory=dict)
    body: Value = None

    def __str__(self) -> str:
        return f"webhook {_place(self.url)}"


class Tls(Enum):
    """How the connection to a mail server is kept from others."""

    STARTTLS = "starttls"
    SSL = "ssl"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """Mail addresses, and the server that takes mail for them."""

    to: tuple[Text, ...]
    sender: Text
    host: Text
    port: int
    user: Text | None = None
    password: Text | None = None
    tls: Tls = Tls.STARTTLS

    def __str__(self) -> str:
        return f"mail to {', '.join(map(str, self.to))}"


@dataclass(frozen=True, kw_only=True, slots=True)
class AppriseUrls:
    """URLs in the words of apprise, which knows a hundred services."""

    urls: tuple[Text, ...]

    def __str__(self) -> str:
        return f"apprise {', '.join(str(url).partition('://')[0] for url in self.urls)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """A URL that is called after each good run; whoever is behind it misses the calls that do not come."""

    url: Text

    def __str__(self) -> str:
        return f"heartbeat {_place(self.url)}"


Address: TypeAlias = "ShellCall | Webhook | Mail | AppriseUrls | Heartbeat"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """An Address, and of what it is told. `str` of the address says it in words that hold no secret."""

    address: Address
    wants: frozenset[AlertKind] = CHANGES
    #: As a config says it, with late references as text.
    document: Mapping[str, Plain] = field(default_factory=dict, compare=False)


def _place(url: Text) -> str:
    """Say where a URL leads; its path is left out, for many a service keeps its key there."""
    from urllib.parse import urlsplit

    text = str(url)
    if text.startswith("${"):
        return text
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
