"""The form of `notify`: who is told of what, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crude_link.config.forms import (
    TEXT,
    Form,
    JsonSchema,
    Key,
    Report,
    by_name,
    mapping,
    one_word_of,
    or_reference,
    parsed,
    several,
    shown,
    text,
)
from crude_link.config.node import Path
from crude_link.config.problems import did_you_mean, one_of
from crude_link.model.alert import CHANGES, AlertKind
from crude_link.model.recipient import Tls
from crude_link.model.value import Plain

#: The facts of an alert that may stand in braces in the JSON of the user's own.
FACTS = (
    "id", "kind", "title", "text", "pipeline", "run", "status", "step", "cause", "at", "slot_time", "since",
    "failures", "host", "directory",
)  # fmt: skip
_BRACES = re.compile(r"\{(\w+)\}")
_KINDS = {kind.value: kind for kind in AlertKind if kind not in (AlertKind.HEARTBEAT, AlertKind.TEST)}
_PORTS = {Tls.STARTTLS: 587, Tls.SSL: 465, Tls.NONE: 25}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One way of an entry of `notify`, as it was read: the way's name, its keys, and what is told."""

    way: str
    said: Mapping[str, Any]
    wants: frozenset[AlertKind]
    document: Mapping[str, Plain]


def braces_in(value: Plain) -> Iterator[str]:
    """Yield the names in braces in JSON of the user's own."""
    if isinstance(value, str):
        yield from _BRACES.findall(value)
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from braces_in(child)
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from braces_in(child)


def _url(value: object) -> str:
    if isinstance(value, str) and re.match(r"https?://[^/\s]|\$\{", value) and not re.search(r"\s", value):
        return value
    raise ValueError(f"is a URL that begins with https:// or http://, not {shown(value)}")


def _apprise_url(value: object) -> str:
    if isinstance(value, str) and re.match(r"[A-Za-z0-9]+://|\$\{", value):
        return value
    raise ValueError(f"is a URL in apprise's words such as ntfy://topic, not {shown(value)}")


def _mail_address(value: object) -> str:
    if isinstance(value, str) and ("${" in value or re.fullmatch(r"[^@\r\n]+@[^@\s]+", value)):
        return value
    raise ValueError(f"is a mail address such as ops@example.org, not {shown(value)}")


def _shell_text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError(f"is shell text, not {shown(value)}")


def _port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536:
        return value
    raise ValueError(f"is a number from 1 to 65535, not {shown(value)}")


def _password(value: object) -> str:
    if isinstance(value, str) and value.startswith("${secrets."):
        return value
    raise ValueError(
        "stands in the clear, and the config is kept with each run; declare it under `secrets` and write "
        "${secrets.NAME}"
    )


def _read_body(value: Plain, path: Path, report: Report) -> Plain:
    if not isinstance(value, Mapping):
        report(path, f"is a mapping such as {{text: '{{title}}'}}, not {shown(value)}", False)
    for name in braces_in(value):
        if name not in FACTS:
            near = did_you_mean(name, FACTS) or f"; facts: {one_of(FACTS)}"
            report(path, f"an alert has no '{name}'{near}", False)
    return value


_URL = parsed(_url, {"type": "string", "examples": ["https://example.org/hook"]})
_ADDRESS = parsed(_mail_address, {"type": "string", "examples": ["ops@example.org"]})
WEBHOOK_KEYS: Mapping[str, Key] = {
    "url": Key(_URL, "Where the JSON is posted to.", is_required=True),
    "headers": Key(by_name(text(), "{Authorization: '...'}"), "Headers of the request.", {}),
    "json": Key(
        Form(_read_body, {"type": "object"}),
        "Other JSON than ours; facts stand in braces: `{text: '{title}'}`.",
    ),
}
MAIL_KEYS: Mapping[str, Key] = {
    "to": Key(several(_ADDRESS), "One address, or a list.", is_required=True),
    "from": Key(_ADDRESS, "The sender's address; without it the first of `to`."),
    "host": Key(text(), "The server that takes the mail.", is_required=True),
    "port": Key(
        parsed(_port, or_reference({"type": "integer", "minimum": 1, "maximum": 65535})),
        "Its port; without it 587, with `tls: ssl` 465, with `tls: none` 25.",
    ),
    "user": Key(text(), "Whom to log in as."),
    "password": Key(parsed(_password, TEXT), "With which password, as ${secrets.NAME}."),
    "tls": Key(one_word_of(*(tls.value for tls in Tls)), "How the connection is encrypted.", "starttls"),
}
_MAIL = mapping(MAIL_KEYS, "`mail`")
_WEBHOOK = mapping(WEBHOOK_KEYS, "`webhook`")


def _read_webhook(value: Plain, path: Path, report: Report) -> Any:
    if isinstance(value, Mapping):
        return _WEBHOOK.read(value, path, report)
    return {"url": _URL.read(value, path, report), "headers": {}, "json": None}


def _read_mail(value: Plain, path: Path, report: Report) -> Any:
    made = _MAIL.read(value, path, report)
    if not isinstance(made, Mapping) or not made.get("to"):
        return made
    if (made["user"] is None) != (made["password"] is None):
        report(path, "`user` and `password` go together; add the other one", True)
    port = made["port"] or _PORTS.get(Tls(made["tls"])) if made["tls"] in {tls.value for tls in Tls} else None
    return {**made, "from": made["from"] or made["to"][0], "port": port}


def _read_when(value: Plain, path: Path, report: Report) -> frozenset[AlertKind]:
    if value == "change":
        return CHANGES
    if value == "always":
        return CHANGES | {AlertKind.ENDED}
    if not isinstance(value, (list, tuple)) or not value:
        report(path, f"is change, always, or a list out of {', '.join(_KINDS)}; not {shown(value)}", False)
        return CHANGES
    for index, word in enumerate(value):
        if word not in _KINDS:
            near = did_you_mean(str(word), _KINDS) or f"; known: {', '.join(_KINDS)}"
            report((*path, index), f"no alert is called {shown(word)}{near}", False)
    return frozenset(_KINDS[word] for word in value if isinstance(word, str) and word in _KINDS)


_WHEN_JSON: JsonSchema = {
    "anyOf": [{"enum": ["change", "always"]}, {"type": "array", "items": {"enum": list(_KINDS)}}]
}
WAYS: Mapping[str, Key] = {
    "command": Key(
        parsed(_shell_text, TEXT), "Shell text; it has the facts as CRUDE_LINK_ALERT_... and the text on stdin."
    ),
    "webhook": Key(
        Form(_read_webhook, {"anyOf": [_URL.json, _WEBHOOK.json]}),
        "A URL to which JSON is posted, or {url, headers, json}.",
    ),
    "mail": Key(Form(_read_mail, _MAIL.json), "{to, from, host, port, user, password, tls}."),
    "apprise": Key(
        several(parsed(_apprise_url, {"type": "string", "examples": ["ntfy://topic"]})),
        "URLs of the services that apprise knows; needs `pip install 'crude-link[notify]'`.",
    ),
    "heartbeat": Key(_URL, "A URL that is called (GET) after each good run."),
}
NOTIFY_KEYS: Mapping[str, Key] = {
    **WAYS,
    "when": Key(
        Form(_read_when, _WHEN_JSON),
        "`change`: what is now as it was not before; `always`: also each other end of a run; or a list of alerts.",
        CHANGES,
    ),
}
_ENTRY = mapping(NOTIFY_KEYS, "`notify`")


def _read_entry(value: Plain, path: Path, report: Report) -> Iterator[Told]:
    if not isinstance(value, Mapping):
        report(path, f"is a mapping such as {{webhook: URL}}, or a list of such, not {shown(value)}", False)
        return
    made = _ENTRY.read(value, path, report)
    if not any(value.get(way) is not None for way in WAYS) and value.keys() <= NOTIFY_KEYS.keys():
        report(path, f"names nobody to be told; it is one of {', '.join(WAYS)}", True)
    for way in WAYS:
        if made[way] is not None:
            said = made[way] if isinstance(made[way], Mapping) else {way: made[way]}
            wants = frozenset({AlertKind.HEARTBEAT}) if way == "heartbeat" else made["when"]
            yield Told(way=way, said=said, wants=wants, document={way: value[way]})


def _read_notify(value: Plain, path: Path, report: Report) -> tuple[Told, ...]:
    if not isinstance(value, (list, tuple)):
        return tuple(_read_entry(value, path, report))
    return tuple(told for index, one in enumerate(value) for told in _read_entry(one, (*path, index), report))


NOTIFY = Form(_read_notify, lambda: {"anyOf": [_ENTRY.json, {"type": "array", "items": _ENTRY.json}]})
