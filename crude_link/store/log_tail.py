"""The last lines of a log, read from its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from crude_link.model.event import Stream
from crude_link.model.order import LogPlace
from crude_link.store.log_reader import open_if_there, read_entry

_FIRST_BUDGET = 64 * 1024
_GROWTH = 8


class Piece(NamedTuple):
    """Some bytes of a stream."""

    stream: Stream
    start: int
    end: int


def last_lines(place: LogPlace, count: int) -> Sequence[bytes]:
    """Return the last `count` lines of both streams in order of arrival."""
    if count <= 0:
        return ()
    budget = _FIRST_BUDGET
    while True:
        pieces, is_all = _last_pieces(place, budget)
        lines = _lines(place, pieces)
        if is_all or len(lines) >= count:
            return lines[-count:]
        budget *= _GROWTH


def _last_pieces(place: LogPlace, budget: int) -> tuple[list[Piece], bool]:
    """Return the newest pieces, in order, that hold about `budget` bytes, and whether there are no older ones."""
    sizes = {stream: _size(_path(place, stream)) for stream in Stream}
    pieces, reached, is_all = _indexed(place, sizes, budget)
    for stream in Stream:
        start = reached.get(stream)
        if start is None:
            # The index as far as it was read is silent about this stream: only an unfinished line can be new.
            start = 0 if is_all else _start_of_last_line(place, stream, sizes[stream], budget)
        if start < sizes[stream]:
            pieces.append(Piece(stream, start, sizes[stream]))
    chosen: list[Piece] = []
    for piece in reversed(pieces):
        if budget <= 0:
            is_all = False
            break
        start = max(piece.start, piece.end - budget)
        is_all = is_all and start == piece.start
        chosen.append(piece._replace(start=start))
        budget -= piece.end - start
    return chosen[::-1], is_all


def _indexed(place: LogPlace, sizes: dict[Stream, int], budget: int) -> tuple[list[Piece], dict[Stream, int], bool]:
    """Return pieces from the end of the index, how far they reach, and whether the whole index was read."""
    size = _size(place.index)
    is_all = size <= budget
    reached: dict[Stream, int] = dict.fromkeys(Stream, 0) if is_all else {}
    pieces = []
    for line in _read(place.index, max(0, size - budget), size).splitlines():
        entry = read_entry(line)
        if entry is None:
            continue
        stream, end = entry[0], min(entry[1], sizes[entry[0]])
        start = reached.get(stream)
        if start is None:
            # Where the first piece begins is said further up.
            reached[stream] = end
        elif end > start:
            pieces.append(Piece(stream, start, end))
            reached[stream] = end
    return pieces, reached, is_all


def _lines(place: LogPlace, pieces: Sequence[Piece]) -> list[bytes]:
    """Return the lines in some pieces; one that begins before its stream's first piece is left out."""
    lines: list[bytes] = []
    unfinished: dict[Stream, bytes | None] = {}
    for piece in pieces:
        path = _path(place, piece.stream)
        content = _read(path, piece.start, piece.end)
        if piece.stream not in unfinished:
            cut = piece.start > 0 and _read(path, piece.start - 1, piece.start) != b"\n"
            unfinished[piece.stream] = None if cut else b""
        head, *whole = content.split(b"\n")
        before = unfinished[piece.stream]
        if whole:
            *whole, left = whole
            lines += [before + head] if before is not None else []
            lines += whole
            unfinished[piece.stream] = left
        elif before is not None:
            unfinished[piece.stream] = before + head
    lines += [left for left in unfinished.values() if left]
    return [line.removesuffix(b"\r") for line in lines]


def _start_of_last_line(place: LogPlace, stream: Stream, size: int, budget: int) -> int:
    start = max(0, size - budget)
    return start + _read(_path(place, stream), start, size).rfind(b"\n") + 1


def _path(place: LogPlace, stream: Stream) -> Path:
    return place.stdout if stream is Stream.STDOUT else place.stderr


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _read(path: Path, start: int, end: int) -> bytes:
    file = open_if_there(path)
    if file is None:
        return b""
    with file:
        file.seek(start)
        return file.read(end - start)
