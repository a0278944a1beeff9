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
#: A log whose last lines are longer than that together is shown from within a line.
_LARGEST_BUDGET = 32 * 1024 * 1024


class Piece(NamedTuple):
    """Some bytes of a stream; after the rest of it an unfinished line counts as one."""

    stream: Stream
    start: int
    end: int
    is_rest: bool = False


def last_lines(place: LogPlace, count: int) -> Sequence[bytes]:
    """Return the last `count` lines of both streams in order of arrival."""
    if count <= 0:
        return ()
    budget = _FIRST_BUDGET
    while True:
        pieces, is_all = _last_pieces(place, budget)
        is_largest = budget >= _LARGEST_BUDGET
        lines = _lines(place, pieces, may_cut=is_largest)
        if is_all or is_largest or len(lines) >= count:
            return lines[-count:]
        budget *= _GROWTH


def _last_pieces(place: LogPlace, budget: int) -> tuple[list[Piece], bool]:
    """Return the newest pieces, in order, that hold about `budget` bytes, and whether there are no older ones."""
    sizes = {stream: _size(_path(place, stream)) for stream in Stream}
    pieces, reached, is_all = _indexed(place, sizes, budget)
    pieces += [Piece(stream, reached[stream], max(reached[stream], sizes[stream]), is_rest=True) for stream in Stream]
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
    window = _read(place.index, max(0, size - budget), size)
    if not is_all:
        window = window[window.find(b"\n") + 1 :]
    # Where the first piece of a stream begins is said further up.
    reached = {stream: 0 if is_all else _reached_before(place.index, stream, size - len(window)) for stream in Stream}
    pieces = []
    for line in window.splitlines():
        entry = read_entry(line)
        if entry is None:
            continue
        stream, end = entry[0], min(entry[1], sizes[entry[0]])
        if end > reached[stream]:
            pieces.append(Piece(stream, reached[stream], end))
            reached[stream] = end
    return pieces, reached, is_all


def _reached_before(index: Path, stream: Stream, place: int) -> int:
    """Return how far a stream had come by what the index says before `place`, looking backwards from there."""
    head = b"\no " if stream is Stream.STDOUT else b"\ne "
    after = b""
    while place > 0:
        start = max(0, place - _FIRST_BUDGET)
        block = (b"" if start else b"\n") + _read(index, start, place) + after
        at = len(block)
        while (at := block.rfind(head, 0, at)) >= 0:
            entry = read_entry(block[at + 1 :].split(b"\n", 1)[0])
            if entry:
                return entry[1]
        # The line that begins before this block ends in it.
        after = block[: block.find(b"\n") + 1]
        place = start
    return 0


def _lines(place: LogPlace, pieces: Sequence[Piece], *, may_cut: bool) -> list[bytes]:
    """Return the lines in some pieces from the last one on that is not whole, if one is not.

    A line is not whole when it begins before the first piece of its stream; `may_cut` takes what there is of it.
    """
    lines: list[bytes] = []
    unfinished: dict[Stream, bytes | None] = {}
    for piece in pieces:
        path = _path(place, piece.stream)
        content = _read(path, piece.start, piece.end)
        if piece.stream not in unfinished:
            cut = not may_cut and piece.start > 0 and _read(path, piece.start - 1, piece.start) != b"\n"
            unfinished[piece.stream] = None if cut else b""
        head, *whole = content.split(b"\n")
        before = unfinished[piece.stream]
        if whole:
            *whole, left = whole
            if before is None:
                lines.clear()
            else:
                lines.append(before + head)
            lines += whole
            unfinished[piece.stream] = left
        elif before is not None:
            unfinished[piece.stream] = before + head
        if piece.is_rest:
            last = unfinished[piece.stream]
            if last is None:
                lines.clear()
            elif last:
                lines.append(last)
    return [line.removesuffix(b"\r") for line in lines]


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
