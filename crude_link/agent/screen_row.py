"""Screen row: one line of a terminal that may still be written over."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_RESET = "\x1b[0m"
#: Colours pile up until they are reset; after so many characters only the newest counts.
_LONGEST_STYLE = 200
#: Beyond this a row is no line of a terminal; the cursor is not moved further.
WIDEST = 4096


class Row:
    """Bytes as they came, or, once the cursor has moved in it, cells of a character and its colours."""

    def __init__(self, raw: bytes = b"", end: bytes = b"") -> None:
        self.raw: bytes | None = raw
        #: The line end that was written; empty in the lowest row.
        self.end = end
        self._cells: list[tuple[str, str]] = []
        self._style = ""
        self._is_touched = False

    def append(self, data: bytes) -> None:
        """Add to a row in which the cursor has not moved."""
        self.raw = (self.raw or b"") + data

    def open(self, tokens: Callable[[bytes], Iterable[bytes]]) -> int:
        """Turn bytes into cells; return the column behind the last."""
        raw, self.raw = self.raw, None
        self._is_touched = True
        column = 0
        for token in tokens(raw or b""):
            if token[:1] == b"\x1b":
                self.dye(token)
            else:
                column = self.write(column, token.decode("utf-8", "surrogateescape"))
        return column

    def write(self, column: int, text: str) -> int:
        """Write characters over what is at `column`; return the column behind them."""
        cells = self._cells
        if column > len(cells):
            cells += [(" ", "")] * (column - len(cells))
        style = self._style
        cells[column : column + len(text)] = [(character, style) for character in text]
        return column + len(text)

    def dye(self, sequence: bytes) -> None:
        """Take a colour code; other sequences leave no trace in a row with cells."""
        if sequence[:2] != b"\x1b[" or sequence[-1:] != b"m":
            return
        numbers = sequence[2:-1]
        if numbers in (b"", b"0", b"00"):
            self._style = ""
        else:
            text = sequence.decode("ascii")
            style = "" if numbers.startswith(b"0;") or len(self._style) > _LONGEST_STYLE else self._style
            self._style = style.replace(text, "") + text

    def erase(self, column: int, how: int) -> None:
        """Erase from the cursor on (0), up to it (1), or all (2)."""
        if how == 0:
            del self._cells[column:]
        elif how == 1:
            stop = min(column + 1, len(self._cells))
            self._cells[:stop] = [(" ", "")] * stop
        else:
            self._cells.clear()

    def text(self) -> bytes:
        """Return the row as it looks now, without its line end."""
        if self.raw is not None:
            return self.raw
        cells = self._cells
        size = len(cells)
        while size and cells[size - 1] == (" ", ""):
            size -= 1
        out: list[str] = []
        style = ""
        for character, wanted in cells[:size]:
            if wanted != style:
                out.append(_change(style, wanted))
                style = wanted
            out.append(character)
        if style:
            out.append(_RESET)
        return "".join(out).encode("utf-8", "surrogateescape")


def _change(style: str, wanted: str) -> str:
    if not style:
        return wanted
    return wanted[len(style) :] if wanted.startswith(style) else _RESET + wanted
