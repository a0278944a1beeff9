"""Masks: words that stand in for what OmegaConf must leave alone: late references, and `${` that is only text.

The words are made new for each load, so that no value of a file can be taken for one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from crude_link.model.value import Plain, Reference, Template, Value


class Masks:
    """Puts masks on values and takes them off again."""

    def __init__(self) -> None:
        #: A word that stands in no file.
        self.word = f"x{secrets.token_hex(8)}"
        self._pieces: dict[str | Reference, str] = {}
        self._behind: dict[str, str | Reference] = {}
        self._mask = re.compile(rf"({self.word}_\d+_)")

    def masked(self, value: Value) -> Plain:
        """Return a value as OmegaConf can hold it and will not read anything into it."""
        if isinstance(value, str):
            text = value.replace("${", self._masking("${")) if "${" in value else value
            return self._masking(text) if text == "???" else text
        if isinstance(value, Template):
            return "".join(str(self.masked(p)) if isinstance(p, str) else self._masking(p) for p in value.parts)
        if isinstance(value, Mapping):
            return {key: self.masked(child) for key, child in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.masked(child) for child in value]
        return value  # type: ignore[return-value]  # what is left are scalars

    def unmasked(self, value: Plain) -> Value:
        """Return what was masked."""
        if isinstance(value, str):
            return self._text(value) if self.word in value else value
        if isinstance(value, Mapping):
            return {str(key): self.unmasked(child) for key, child in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.unmasked(child) for child in value]
        return value if value is None or isinstance(value, (int, float)) else str(value)  # OmegaConf knows more types

    def _masking(self, piece: str | Reference) -> str:
        mask = self._pieces.setdefault(piece, f"{self.word}_{len(self._pieces)}_")
        self._behind[mask] = piece
        return mask

    def _text(self, text: str) -> str | Template:
        return template([self._behind.get(word, word) for word in self._mask.split(text)])


def template(parts: list[str | Reference]) -> str | Template:
    """Return parts as one text, with neighbouring texts joined."""
    made: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        elif part != "":
            made.append(part)
    if any(isinstance(part, Reference) for part in made):
        return Template(tuple(made))
    return "".join(str(part) for part in made)
