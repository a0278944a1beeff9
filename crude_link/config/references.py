"""References: finding `${...}` in text, telling ours from the shell's, and writing late ones into a document.

A backslash takes the meaning from `${`; two backslashes before a reference stand for one. In `command` and `env`
the shell's own syntax stays the shell's: there only known heads and resolvers are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from crude_link.config.node import Path
from crude_link.model.value import Plain, Reference, Template, Text, Value

LATE_HEADS = ("steps", "run", "secrets")
EARLY_HEADS = ("params", "configs")
#: Resolvers that we give to OmegaConf, its own `oc.env` among them: it must ask the run's environment.
OWN_RESOLVERS = ("exec", "file", "now", "oc.env")

_OPEN = re.compile(r"(\\*)\$\{")
_DOTTED = re.compile(r"\s*[A-Za-z_][\w-]*\.[\w${-]")
_RESOLVER = re.compile(r"\s*(oc\.[\w.]+|[A-Za-z_]\w*):(?!:)(.*)", re.DOTALL)
_SHELL_OPERATOR = re.compile(r"[-=?+]|\s*-?\d")
_LATE = re.compile(r"\s*(?:steps|run|secrets)\s*\.")
_WRITTEN_LATE = re.compile(r"(\\*)\$\{((?:steps|run|secrets)\.)")


class Tongue(Enum):
    """What kind of text references stand in."""

    #: Every `${` is ours; a backslash before it is taken away.
    PLAIN = "plain"
    #: As PLAIN, but `${HOME}` and the like pass through.
    ENV = "env"
    #: Shell text: as ENV, but backslashes are the shell's, and what is put in is quoted.
    COMMAND = "command"


def tongue_of(path: Path) -> Tongue | None:
    """Return what kind of text stands at a place; None for a `when`, which has names of its own in its `${...}`."""
    key: Path = path[2:] if path[0] in ("steps", "configs") else path[1:] if path[0] == "defaults" else ()
    if key[:1] == ("when",):
        return None
    if key in (("command",), ("foreach", "command")) or (path[0] == "resources" and path[2:] == ("command",)):
        return Tongue.COMMAND
    if path[0] == "notify" and path[-1] == "command":
        return Tongue.COMMAND
    if "env" in path and {"download", "upload", "schedule"} & {path[0], *key[:1]}:
        return Tongue.ENV
    return (
        Tongue.ENV
        if key[:1] in (("command",), ("env",)) or key[:2] == ("foreach", "command") or path[0] == "env"
        else Tongue.PLAIN
    )


@dataclass(frozen=True, slots=True)
class Hole:
    """A reference as it stands in text: what is between `${` and `}`."""

    content: str

    @property
    def text(self) -> str:
        """The reference with its braces."""
        return "${" + self.content + "}"

    @property
    def is_late(self) -> bool:
        """True when it is filled only as its step starts."""
        return _LATE.match(self.content) is not None

    @property
    def resolver(self) -> tuple[str, str] | None:
        """The resolver's name and its argument, as in `exec:git rev-parse HEAD`."""
        match = None if self.is_late else _RESOLVER.match(self.content)
        return (match.group(1), match.group(2)) if match else None


class Unclosed(Exception):
    """A `${` without its `}`."""


def scan(text: str, tongue: Tongue) -> tuple[str | Hole, ...]:
    """Return `text` as pieces of plain text and holes; outside of PLAIN what looks like the shell's stays text."""
    parts: list[str | Hole] = []
    at = 0
    while match := _OPEN.search(text, at):
        end = _end_of(text, match.end())
        content = text[match.end() : end] if end is not None else None
        if tongue is not Tongue.PLAIN and (content is None or not is_ours(content)):
            parts.append(text[at : match.end()])
            at = match.end()
            continue
        slashes = match.group(1)
        kept = slashes if tongue is Tongue.COMMAND else slashes[: len(slashes) // 2]
        parts.append(text[at : match.start()] + kept)
        at = match.end()
        if len(slashes) % 2:
            parts.append("${")
        elif end is None or content is None:
            raise Unclosed(f"`{text[at - 2 : at + 20]}` has no closing brace; for the text itself write `\\${{`")
        else:
            parts.append(Hole(content))
            at = end + 1
    parts.append(text[at:])
    return joined(parts)


def is_ours(content: str) -> bool:
    """Say whether `${content}` in a shell text is a reference of ours, or one that was meant to be."""
    resolver = _RESOLVER.match(content)
    if resolver and (resolver.group(1) in OWN_RESOLVERS or resolver.group(1).startswith("oc.")):
        return not _SHELL_OPERATOR.match(resolver.group(2))
    return content.lstrip().startswith(".") or _DOTTED.match(content) is not None


def joined(parts: list[str | Hole]) -> tuple[str | Hole, ...]:
    """Return the parts with neighbouring texts joined and empty ones gone."""
    made: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        elif part:
            made.append(part)
    return tuple(made)


def written(value: Value) -> Plain:
    """Return a value as a document keeps it: late references as `${...}`, text that looks like one escaped."""
    if isinstance(value, str):
        return _escaped(value, before_reference=False)
    if isinstance(value, Template):
        parts = value.parts
        return "".join(
            str(part) if isinstance(part, Reference) else _escaped(part, at + 1 < len(parts))
            for at, part in enumerate(parts)
        )
    if isinstance(value, dict):
        return {key: written(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [written(child) for child in value]
    return value  # type: ignore[return-value]  # what is left are scalars


def read_back(text: str) -> Text:
    """Return the text that `written` wrote."""
    parts: list[str | Reference] = []
    plain, at = "", 0
    while match := _WRITTEN_LATE.search(text, at):
        slashes, end = len(match.group(1)), text.find("}", match.end())
        plain += text[at : match.start()] + "\\" * (slashes // 2)
        if slashes % 2 or end < 0:
            plain += "${" + match.group(2)
            at = match.end()
            continue
        parts += [plain, Reference(text[match.start(2) : end])] if plain else [Reference(text[match.start(2) : end])]
        plain, at = "", end + 1
    plain += text[at:]
    if not parts:
        return plain
    return Template(tuple([*parts, plain] if plain else parts))


def values_read_back(value: Plain) -> Value:
    """Return plain data of a document with all its texts read back."""
    if isinstance(value, str):
        return read_back(value)
    if isinstance(value, dict):
        return {key: values_read_back(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [values_read_back(child) for child in value]
    return value


def _escaped(text: str, before_reference: bool) -> str:
    made = _WRITTEN_LATE.sub(lambda match: match.group(1) * 2 + "\\${" + match.group(2), text)
    if before_reference:
        slashes = len(made) - len(made.rstrip("\\"))
        made += "\\" * slashes
    return made


def _end_of(text: str, start: int) -> int | None:
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return start + match.start()
    return None
