"""Read a `.env` file."""

from __future__ import annotations

import re

from crude_link.errors import CannotStart

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=[ \t]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$", "`": "`"}
_REST = re.compile(r"[ \t]*(#.*)?$", re.MULTILINE)


def parse_env_file(text: str, name: str) -> dict[str, str]:
    """Return the variables in `text`. CannotStart names `name` and the line that is not understood.

    `KEY=VALUE`, with or without `export`; a value in single quotes is taken as it is, one in double quotes may
    hold `\\n`, both may go over several lines; without quotes it ends at ` #`. Nothing is expanded.
    """
    found: dict[str, str] = {}
    text = text.replace("\r\n", "\n")
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        if not line or line.startswith("#"):
            at = end + 1
            continue
        match = _LINE.match(text, at)
        if not match or match.end() > end:
            raise _problem(text, at, name, "is no KEY=VALUE")
        found[match[1]], at = _value(text, match.end(), name)
    return found


def _value(text: str, at: int, name: str) -> tuple[str, int]:
    """Return a value and where the next line begins."""
    quote = text[at : at + 1]
    if quote in ("'", '"') and quote:
        value, after = _quoted(text, at, name)
        rest = _REST.match(text, after)
        if not rest:
            raise _problem(text, after, name, "has text after the closing quote")
        return value, rest.end() + 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return re.split(r"(?:^|\s)#", text[at:end], maxsplit=1)[0].strip(), end + 1


def _quoted(text: str, at: int, name: str) -> tuple[str, int]:
    quote, value, place = text[at], "", at + 1
    while place < len(text):
        one = text[place]
        if one == quote:
            return value, place + 1
        if one == "\\" and quote == '"' and place + 1 < len(text):
            value += _ESCAPES.get(text[place + 1], "\\" + text[place + 1])
            place += 2
            continue
        value += one
        place += 1
    raise _problem(text, at, name, "opens a quote that is never closed")


def _problem(text: str, at: int, name: str, what: str) -> CannotStart:
    return CannotStart(f"{name}:{text.count(chr(10), 0, at) + 1}: this line {what}")
