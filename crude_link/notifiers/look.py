"""Look: what a stream can show (colours, characters, width), and how states and times are shown on it."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal

from crude_link.model.status import Status

Colour = Literal["green", "red", "yellow", "cyan", "dark_grey"]

COLOURS: Mapping[Status, Colour] = {
    Status.WAITING: "dark_grey",
    Status.RUNNING: "cyan",
    Status.SUCCEEDED: "green",
    Status.FAILED: "red",
    Status.SKIPPED: "dark_grey",
    Status.CANCELLED: "yellow",
    Status.LOST: "yellow",
}
MARKS: Mapping[Status, str] = {
    Status.WAITING: "·",
    Status.RUNNING: "▶",
    Status.SUCCEEDED: "✓",
    Status.FAILED: "✗",
    Status.SKIPPED: "–",
    Status.CANCELLED: "■",
    Status.LOST: "?",
}
_ASCII = str.maketrans(
    {"·": "-", "▶": ">", "✓": "+", "✗": "x", "–": "-", "■": "!", "…": "~", "→": "->", "│": "|", "×": "x"}
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a stream can show. `width` is None where it is no terminal: then nothing is cut."""

    colours: bool = False
    encoding: str = "utf-8"
    width: int | None = None
    #: A line can be written over.
    can_move: bool = False

    def paint(self, text: str, colour: Colour | None = None, *, bold: bool = False) -> str:
        """Colour `text`, where the stream shows colours."""
        if not text or not self.colours or not (colour or bold):
            return text
        from termcolor import colored

        return colored(text, colour, attrs=["bold"] if bold else None, force_color=True)

    def status(self, status: Status) -> str:
        """Return the mark of a status, coloured."""
        return self.paint(MARKS[status], COLOURS[status], bold=status is not Status.SKIPPED)

    def spell(self, text: str) -> str:
        """Return `text` in characters that the stream's encoding has."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            plain = text.translate(_ASCII)
            return plain.encode(self.encoding, "backslashreplace").decode(self.encoding)
        return text


def look_of(stream: IO[Any], encoding: str | None = None) -> Look:
    """Find out what a stream can show; honours NO_COLOR and TERM=dumb."""
    encoding = encoding or getattr(stream, "encoding", None) or "utf-8"
    if stream.closed or not stream.isatty():
        return Look(encoding=encoding)
    can_move = os.environ.get("TERM") != "dumb"
    colours = can_move and not os.environ.get("NO_COLOR")
    return Look(colours=colours, encoding=encoding, width=_columns(stream), can_move=can_move)


def width_of(text: str) -> int:
    """Return how many columns `text` takes on a terminal; it must hold no escape sequences."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def shortened(text: str, width: int) -> str:
    """Cut `text` to at most `width` columns, with an ellipsis where something is gone."""
    if width_of(text) <= width:
        return text
    taken = 0
    for at, character in enumerate(text):
        taken += _width(character)
        if taken > width - 1:
            return text[:at] + "…" if width > 0 else ""
    return text


def one_line(text: str) -> str:
    """Return `text` on one line, without escape sequences and control characters."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Return `text` without escape sequences, and with blanks for control characters other than tabs."""
    return _CONTROLS.sub(" ", _ESCAPES.sub("", text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _columns(stream: IO[Any]) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
