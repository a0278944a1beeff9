"""How a value is escaped at one place of a shell text, so that the shell reads it there as the text it is."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from crude_link.errors import CannotStart

_ACTIVE_IN_DOUBLE_QUOTES = re.compile(r'([\\"$`])')
_ACTIVE_IN_DOCUMENTS = re.compile(r"([\\$`])")
_SAFE = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quoting:
    """What surrounds a place; it depends on the text around it alone, so that many values can be put there."""

    #: The innermost quote: `'`, bash's `$'`, `"`, or none.
    quote: str = ""
    is_in_backquotes: bool = False
    is_comment: bool = False
    #: The word that ends the here-document in which the place is.
    end: str | None = None
    is_expanded: bool = False

    def quoted(self, value: str) -> str:
        """Return `value` escaped. CannotStart when no escape would keep it whole."""
        if not self.quote and not self.is_in_backquotes and not self.is_comment and self.end is None:
            return value if _SAFE.fullmatch(value) else shlex.quote(value)
        if self.is_comment:
            return value.replace("\n", " ")
        if self.end is not None:
            return self._in_document(value, self.end)
        escaped = self._in_quotes(value)
        return _ACTIVE_IN_DOCUMENTS.sub(r"\\\1", escaped) if self.is_in_backquotes else escaped

    def _in_document(self, value: str, end: str) -> str:
        if end in (line.strip("\t") for line in value.split("\n")):
            raise CannotStart(f"a value holds the line {end!r}, which would end the here-document it is put into")
        return _ACTIVE_IN_DOCUMENTS.sub(r"\\\1", value) if self.is_expanded else value

    def _in_quotes(self, value: str) -> str:
        if self.quote == "'":
            return value.replace("'", "'\"'\"'")
        if self.quote == "$'":
            return re.sub(r"([\\'])", r"\\\1", value)
        if self.quote == '"':
            return _ACTIVE_IN_DOUBLE_QUOTES.sub(r"\\\1", value)
        return shlex.quote(value)
