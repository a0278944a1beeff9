"""The entries of a JSON list, decoded one after the other from a file that is never in memory as a whole."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Protocol

from crude_link.model.value import Plain

_BLANK = " \t\r\n"
_PIECE = 1 << 16
_NO_NUMBER = re.compile(r"[^0-9.eE+-]")


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes; none at the end."""


def entries_of_json(file: Readable) -> Iterator[Plain]:
    """Yield the entries. ValueError says what is wrong with the list, and where."""
    text = _Text(file)
    if text.next_sign() != "[":
        raise ValueError("it is no JSON list: it does not begin with `[`")
    text.skip()
    number = 0
    while text.next_sign() != "]":
        if number and text.next_sign() != ",":
            raise ValueError(f"behind entry {number} a comma or `]` is missing")
        if number:
            text.skip()
            text.next_sign()
        number += 1
        yield text.value(number)
    text.skip()
    if text.next_sign():
        raise ValueError("behind the list there is more; the file is one list")


class _Text:
    """What was read and is not decoded yet."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._bytes = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._is_whole = False

    def next_sign(self) -> str:
        """Return the next sign that is not blank; none at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_whole:
                return ""
            self._read_on()

    def skip(self) -> None:
        """Go behind one sign."""
        self._at += 1

    def value(self, number: int) -> Plain:
        """Decode the next value. What is cut off at the end of what was read is tried again with twice as much."""
        while True:
            try:
                found: tuple[Plain, int] = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if self._is_whole or isinstance(error, RecursionError):
                    raise ValueError(f"entry {number} is no JSON: {error}") from error
                self._read_on()
                continue
            value, end = found
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if is_number and not self._is_whole and not _NO_NUMBER.search(self._text, end):
                self._read_on()  # it may go on
                continue
            self._at = end
            return value

    def _read_on(self) -> None:
        left = self._text[self._at :]
        piece = self._file.read(max(_PIECE, len(left)))
        self._is_whole = not piece
        self._text = left + self._bytes.decode(piece, final=not piece)
        self._at = 0
