"""Letter: an Alert as it is handed over: as text, as JSON, as environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crude_link.errors import CrudeLinkError
from crude_link.model.alert import Alert
from crude_link.model.value import Plain
from crude_link.model.words import moment_words

_BRACES = re.compile(r"\{(\w+)\}")


class NotDelivered(CrudeLinkError):
    """A letter did not arrive; the text says why. `is_unreachable`: nobody answered, nor will for others."""

    def __init__(self, message: str, *, is_unreachable: bool = False) -> None:
        super().__init__(message)
        self.is_unreachable = is_unreachable


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """An alert, and the number by which a receiver knows one that comes twice."""

    alert: Alert
    id: int = 0

    @property
    def text(self) -> str:
        """All that the alert says, for a person."""
        alert = self.alert
        parts = ["\n".join(self._facts())]
        if alert.last_lines:
            whose = f" of {alert.step}" if alert.step else ""
            parts.append("\n".join([f"The last lines{whose}:", *(f"    {line}" for line in alert.last_lines)]))
        if alert.commands:
            where = f"cd {alert.directory}" if alert.directory else ""
            parts.append("\n".join(line for line in (where, *alert.commands) if line))
        return "\n\n".join(part for part in parts if part)

    @property
    def json(self) -> dict[str, Plain]:
        """All that the alert says, for a program. Times are ISO 8601 with an offset."""
        alert = self.alert
        return {
            "id": self.id,
            "kind": alert.kind.value,
            "title": alert.title,
            "text": self.text,
            "pipeline": alert.pipeline,
            "run": alert.run,
            "status": alert.status,
            "step": alert.step,
            "cause": alert.cause,
            "at": _iso(alert.at),
            "slot_time": _iso(alert.slot_time),
            "since": _iso(alert.since),
            "failures": alert.failures,
            "host": alert.host,
            "directory": alert.directory,
            "last_lines": list(alert.last_lines),
            "commands": list(alert.commands),
        }

    @property
    def environment(self) -> dict[str, str]:
        """The facts as environment variables; what there is not is empty."""
        facts = {key: value for key, value in self.json.items() if not isinstance(value, list) and key != "text"}
        return {
            f"CRUDE_LINK_ALERT_{key.upper()}": "" if value is None else str(value).replace("\0", "")
            for key, value in facts.items()
        }

    def put_into(self, value: Plain) -> Plain:
        """Return JSON of the user's own with the facts in place of their names in braces."""
        if isinstance(value, str):
            return self._filled(value)
        if isinstance(value, Mapping):
            return {key: self.put_into(child) for key, child in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.put_into(child) for child in value]
        return value

    def _filled(self, text: str) -> Plain:
        facts = self.json
        alone = _BRACES.fullmatch(text)
        if alone and alone[1] in facts:
            return facts[alone[1]]

        def fact(match: re.Match[str]) -> str:
            value = facts.get(match[1], match[0])
            return "" if value is None else str(value)

        return _BRACES.sub(fact, text)

    def _facts(self) -> list[str]:
        alert = self.alert
        facts = {
            "run": str(alert.run) if alert.run is not None else "",
            "due": moment_words(alert.slot_time, seconds=True) if alert.slot_time else "",
            "step": alert.step or "",
            "cause": alert.cause if alert.cause not in alert.title else "",
            "at": moment_words(alert.at, seconds=True),
            "host": alert.host,
            "in": alert.directory,
        }
        return [alert.title, "", *(f"{name + ':':<7}{words}" for name, words in facts.items() if words)]


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone().isoformat(timespec="seconds") if moment else None
