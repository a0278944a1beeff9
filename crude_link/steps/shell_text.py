"""Put values into shell text so that the shell reads each as the text it is, wherever it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from crude_link.errors import CannotStart
from crude_link.steps.shell_quoting import Quoting

_HERE_DOCUMENT = re.compile(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([A-Za-z_][\w.-]*))")


class ShellText:
    """Shell text that grows, and what the shell would be in the midst of at its end.

    A value is escaped for the place where it is put: as a word of its own, within quotes, in a here-document.
    Values are never read as shell. Known limit: a `case` pattern's `)` within `$(...)` is taken for its end.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._line = ""
        #: What surrounds the end, innermost last: `'`, bash's `$'`, `"`, `(`, or a backquote.
        self._within: list[str] = []
        self._here: list[tuple[str, bool]] = []
        self._in_here_document = False
        self._in_comment = False
        #: The last thing on it is a comment or the end of a here-document.
        self._ends_deaf = False

    def __str__(self) -> str:
        return "".join(self._parts)

    def with_words(self, words: Sequence[str]) -> str:
        """Return the text with further words at its end. CannotStart when the shell would not read them there."""
        if not words:
            return str(self)
        self.check_end()
        return " ".join([str(self).rstrip(), *(shlex.quote(word) for word in words)])

    def check_end(self) -> None:
        """CannotStart when the shell would not read further words at the end."""
        if self._here or self._ends_deaf:
            raise CannotStart("`arguments` cannot follow a comment or a here-document: write them into the command")

    def add_text(self, text: str) -> None:
        """Append what a person wrote."""
        self._parts.append(text)
        at = 0
        while at < len(text):
            at += self._read(text, at)

    def add_value(self, value: str) -> None:
        """Append a value, escaped."""
        self._parts.append(self.quoting.quoted(value))
        self.pass_value()

    def pass_value(self) -> None:
        """Take note that a value stands here, whatever it is: escaped, it neither opens nor closes anything."""
        self._ends_deaf = self._in_comment
        self._line += "x"

    @property
    def quoting(self) -> Quoting:
        """How a value is escaped that is put here."""
        innermost = self._within[-1] if self._within else ""
        end, is_expanded = self._here[0] if self._in_here_document else (None, False)
        return Quoting(
            quote=innermost if innermost in ("'", "$'", '"') else "",
            is_in_backquotes="`" in self._within,
            is_comment=self._in_comment,
            end=end,
            is_expanded=is_expanded,
        )

    def _read(self, text: str, at: int) -> int:
        """Take in one character or one pair; return how many."""
        one = text[at]
        if one == "\n":
            self._end_line()
            return 1
        self._line += one
        if not (one.isspace() or self._in_comment or self._in_here_document):
            self._ends_deaf = False
        if self._in_comment or self._in_here_document:
            return 1
        if one == "'" and self._within[-1:] in (["'"], ["$'"]):
            self._within.pop()
            return 1
        if self._within[-1:] == ["'"]:
            return 1
        if one == "\\":
            self._line += text[at + 1 : at + 2].replace("\n", "")
            return 2
        return self._read_active(text, at)

    def _read_active(self, text: str, at: int) -> int:
        one = text[at]
        in_double = self._within[-1:] == ['"']
        if self._within[-1:] == ["$'"]:
            return 1
        if text.startswith("$(", at) or (text.startswith("$'", at) and not in_double):
            self._within.append("(" if text[at + 1] == "(" else "$'")
            return 2
        if one in ('"', "`"):
            self._toggle(one)
        elif in_double:
            return 1
        elif one in ("'", "("):
            self._within.append(one)
        elif one == ")" and self._within[-1:] == ["("]:
            self._within.pop()
        elif one == "#" and (len(self._line) == 1 or self._line[-2] in " \t;&|("):
            self._in_comment = self._ends_deaf = True
        elif text.startswith("<<<", at):
            return 3
        elif found := _HERE_DOCUMENT.match(text, at):
            quoted = found[2] or found[3]
            self._here.append((quoted or found[4], not quoted and "\\" not in found[0]))
            return len(found[0])
        return 1

    def _toggle(self, one: str) -> None:
        if self._within[-1:] == [one]:
            self._within.pop()
        else:
            self._within.append(one)

    def _end_line(self) -> None:
        if self._in_here_document:
            if self._line.strip("\t") == self._here[0][0]:
                self._here.pop(0)
                self._in_here_document = bool(self._here)
                self._ends_deaf = True
        elif self._here and self._within[-1:] not in (["'"], ["$'"], ['"']):
            self._in_here_document = True
        self._line = ""
        self._in_comment = False
