"""Screen lines: what a terminal would show in the end of a stream of bytes, as text that mostly only grows.

A bare carriage return goes back to the start of the line, the cursor moves up within the last lines, parts are
erased: so a progress bar leaves its last state instead of a thousand. Text without such things passes unchanged.
The result does not depend on how the stream was cut into pieces.
"""

from __future__ import annotations

from crude_link.agent.screen_row import WIDEST, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

#: How far up the cursor can go: so many lines, as far as they lie in so many bytes.
WINDOW_LINES = 64
WINDOW_BYTES = 1 << 14
#: A longer row is no line of a terminal.
LONGEST_ROW = 1 << 16

# A sequence that moves or dyes (CSI), and one that names a title or a link (OSC), each without its end.
_CSI = rb"\x1b\[[0-?]{0,40}[ -/]{0,4}"
_OSC = rb"\x1b\][^\x00-\x1f]{0,1024}"
# Line ends, moves, sequences, text; an ESC that begins no sequence stands alone.
_TOKENS = (
    rb"\r?\n|\r|\x08|" + _CSI + rb"[@-~]|" + _OSC + rb"(?:\x07|\x1b\\)|\x1b[ -/]{1,4}[0-~]|\x1b[0-Z\\^-~]|\x1b"
    rb"|[^\r\n\x08\x1b]+"
)
# What at the end of a piece may still become a longer token.
_UNDECIDED = rb"(?:\r|" + _CSI + rb"|" + _OSC + rb"\x1b?|\x1b[ -/]{0,4})\Z"
_MOVES = rb"\r(?!\n)|\x08|\x1b\[[0-9;?]{0,40}[A-GJK]"


class ScreenLines:
    """Text so far: `settled` bytes that change no more unless the cursor climbs back, then the open rows."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._start = 0
        #: The cursor does not climb above this place.
        self._ceiling = 0
        #: From this place on the text differs from what `take` has given.
        self._dirty = 0
        self._rows = [Row()]
        self._at = 0
        self._column: int | None = None  # None: behind the end of bytes that nobody has moved in
        self._undecided = b""

    @property
    def settled(self) -> int:
        """How many bytes are settled: all whole lines, unless the cursor is above the lowest row."""
        return self._start + len(self._text)

    @property
    def has_news(self) -> bool:
        """True when there are settled bytes that `take` has not given."""
        return self._dirty < self.settled

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        data = self._undecided + data
        self._undecided = b""
        if self._is_plain and not _may_move(data):
            self._append(data)
            return
        self._feed_moves(data)

    def finish(self) -> None:
        """No more comes: what was undecided is text."""
        data, self._undecided = self._undecided, b""
        if data and data != b"\r":
            self._put(data)
        self._settle()

    def take(self) -> tuple[int, bytes]:
        """Return the place from which on the text has changed, and the text from there to its end."""
        place = self._dirty
        news = bytes(self._text[place - self._start :]) + b"".join([row.text() + row.end for row in self._rows])
        self._dirty = self.settled
        if len(self._text) > 4 * WINDOW_BYTES and len(self._rows) == 1:
            spare = len(self._text) - 2 * WINDOW_BYTES
            del self._text[:spare]
            self._start += spare
        return place, news

    @property
    def _is_plain(self) -> bool:
        return self._column is None and len(self._rows) == 1

    def _append(self, data: bytes) -> None:
        row = self._rows[0]
        end = data.rfind(b"\n") + 1
        if end:
            self._text += (row.raw or b"") + data[:end]
            row.raw = data[end:]
        else:
            row.append(data)
        self._settle_long()

    def _feed_moves(self, data: bytes) -> None:
        patterns = _patterns()
        undecided = patterns.undecided.search(data)
        if undecided:
            self._undecided = undecided.group()
            data = data[: undecided.start()]
        if self._is_plain:
            move = patterns.moves.search(data)
            if not move:
                self._append(data)
                return
            start = data.rfind(b"\n", 0, move.start()) + 1
            self._append(data[:start])
            data = data[start:]
        data = self._without_cut_character(data)
        for token in patterns.tokens.findall(data):
            self._take_token(token)

    def _without_cut_character(self, data: bytes) -> bytes:
        """Hold back a UTF-8 character that has not wholly come."""
        if self._undecided:
            return data
        for size in (1, 2, 3):
            lead = data[-size : -size + 1 or None][:1]
            if not lead or lead < b"\x80":
                break
            if lead >= b"\xc0":
                length = 2 if lead < b"\xe0" else 3 if lead < b"\xf0" else 4
                if lead < b"\xf8" and size < length:
                    self._undecided = data[-size:]
                    return data[:-size]
                break
        return data

    def _take_token(self, token: bytes) -> None:
        first = token[:1]
        if first == b"\n" or token == b"\r\n":
            self._end_line(token)
        elif first == b"\r":
            self._move_to(0)
        elif first == b"\x08":
            self._move_to(max(0, self._open_column() - 1))
        elif first == b"\x1b" and token[1:2] == b"[" and token[-1:] in b"ABCDEFGJK":
            self._move(token[-1:], _number(token[2:-1]))
        else:
            self._put(token)

    def _put(self, token: bytes) -> None:
        row = self._rows[self._at]
        if self._column is None:
            row.append(token)
            self._settle_long()
        elif token[:1] == b"\x1b":
            row.dye(token)
        else:
            self._write(token.decode("utf-8", "surrogateescape"))

    def _write(self, text: str) -> None:
        column = self._column or 0
        room = LONGEST_ROW - column
        self._column = self._rows[self._at].write(column, text[:room])
        if len(text) > room:
            self._settle()
            self._put(text[room:].encode("utf-8", "surrogateescape"))

    def _settle_long(self) -> None:
        """A row that is too long for any terminal is settled in pieces."""
        row = self._rows[0]
        raw = row.raw or b""
        size = len(raw) - len(raw) % LONGEST_ROW
        if size and len(self._rows) == 1:
            self._text += raw[:size]
            row.raw = raw[size:]

    def _end_line(self, end: bytes) -> None:
        if self._at < len(self._rows) - 1:
            self._at += 1
            self._column = 0
            self._open_row()
            return
        self._rows[-1].end = end
        self._settle()
        self._rows = [Row()]
        self._at = 0
        self._column = None

    def _settle(self) -> None:
        self._text += b"".join([row.text() + row.end for row in self._rows])
        self._rows = [Row()]
        self._at = 0
        self._column = None

    def _move(self, kind: bytes, number: int | None) -> None:
        count = min(number or 1, WIDEST)
        column = self._open_column()
        if kind in b"AF":
            self._climb(count, 0 if kind == b"F" else column)
        elif kind in b"BE":
            self._at = min(self._at + count, len(self._rows) - 1)
            self._move_to(0 if kind == b"E" else column)
        elif kind == b"K":
            self._rows[self._at].erase(column, number or 0)
        elif kind == b"J":
            self._erase_below(column, number or 0)
        else:
            self._move_to(max(0, {b"C": column + count, b"D": column - count}.get(kind, count - 1)))

    def _erase_below(self, column: int, how: int) -> None:
        if how == 0:
            self._rows[self._at].erase(column, 0)
            self._rows[self._at].end = b""
            del self._rows[self._at + 1 :]

    def _climb(self, count: int, column: int) -> None:
        missing = min(count - self._at, WINDOW_LINES - len(self._rows))
        if missing > 0:
            self._reopen(missing)
        self._at = max(0, self._at - count)
        self._move_to(column)

    def _reopen(self, count: int) -> None:
        """Take back up to `count` settled lines, of those that lie wholly below the ceiling."""
        if len(self._rows) == 1:
            self._ceiling = max(0, self.settled - WINDOW_BYTES)
        lowest = max(0, self._ceiling - self._start)
        at = len(self._text)
        rows: list[Row] = []
        while len(rows) < count and at > lowest:
            start = self._text.rfind(b"\n", 0, at - 1) + 1
            if start < lowest:
                break
            line = bytes(self._text[start:at])
            body = line[:-2] if line.endswith(b"\r\n") else line[:-1]
            rows.append(Row(body, line[len(body) :]))
            at = start
        del self._text[at:]
        self._dirty = min(self._dirty, self.settled)
        self._rows[:0] = reversed(rows)
        self._at += len(rows)

    def _move_to(self, column: int) -> None:
        self._open_row()
        self._column = min(column, WIDEST)

    def _open_column(self) -> int:
        column = self._open_row()
        if self._column is None:
            self._column = column
        return self._column

    def _open_row(self) -> int:
        row = self._rows[self._at]
        return row.open(_patterns().tokens.findall) if row.raw is not None else 0


def _may_move(data: bytes) -> bool:
    return b"\x1b" in data or b"\x08" in data or data.count(b"\r") != data.count(b"\r\n")


class _Patterns:
    """The regular expressions, compiled when the first stream needs them: `re` costs 5 ms."""

    known: _Patterns | None = None

    def __init__(self) -> None:
        import re

        self.tokens: re.Pattern[bytes] = re.compile(_TOKENS)
        self.undecided: re.Pattern[bytes] = re.compile(_UNDECIDED)
        self.moves: re.Pattern[bytes] = re.compile(_MOVES)


def _patterns() -> _Patterns:
    if _Patterns.known is None:
        _Patterns.known = _Patterns()
    return _Patterns.known


def _number(text: bytes) -> int | None:
    first = text.split(b";")[0]
    return int(first) if first.isdigit() else None
