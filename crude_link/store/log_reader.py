"""LogReader: the output of an attempt line by line, both streams in order of arrival, while it grows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeAlias

from crude_link.model.event import Stream
from crude_link.model.order import LogPlace
from crude_link.store.failures import translated

Line: TypeAlias = tuple[Stream, bytes]

_ENTRY = re.compile(rb"([oe]) (\d{1,18}) \d{1,18}\n?")
_STREAMS = {b"o": Stream.STDOUT, b"e": Stream.STDERR}
_CHUNK = 256 * 1024


def read_entry(line: bytes) -> tuple[Stream, int] | None:
    """Return what a line of an index says: a stream, and the offset up to which it had come. None: nothing."""
    match = _ENTRY.fullmatch(line)
    return (_STREAMS[match[1]], int(match[2])) if match else None


def open_if_there(path: Path, *, buffering: int = -1) -> BinaryIO | None:
    """Open a file for reading; None when it is gone."""
    try:
        return path.open("rb", buffering=buffering)
    except (FileNotFoundError, NotADirectoryError):
        return None


class LogReader:
    """Reads on where it stopped. With `stream` only that one is read."""

    def __init__(self, place: LogPlace, stream: Stream | None = None) -> None:
        self._paths = {Stream.STDOUT: place.stdout, Stream.STDERR: place.stderr}
        self._index_path = place.index
        self._streams = [stream] if stream else list(Stream)
        self._files: dict[Stream, BinaryIO] = {}
        self._index: BinaryIO | None = None
        self._at = dict.fromkeys(Stream, 0)
        self._unfinished = {each: bytearray() for each in Stream}

    def __enter__(self) -> LogReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in [*self._files.values(), *([self._index] if self._index else [])]:
            file.close()

    def more(self) -> Iterator[Line]:
        """Yield the whole lines that have arrived since the last call, without their ends."""
        if self._index is None:
            with translated(self._index_path):
                self._index = open_if_there(self._index_path)
        if self._index is None:
            for stream in self._streams:
                yield from self._read(stream, None)
            return
        for stream, end in self._new_entries(self._index):
            if stream in self._streams:
                yield from self._read(stream, end)

    def rest(self) -> Iterator[Line]:
        """Yield what is left, lines that the index does not know and unfinished ones; the attempt is over."""
        for stream in self._streams:
            yield from self._read(stream, None)
            if self._unfinished[stream]:
                yield stream, bytes(self._unfinished[stream]).removesuffix(b"\r")
                self._unfinished[stream].clear()

    def _new_entries(self, index: BinaryIO) -> Iterator[tuple[Stream, int]]:
        while True:
            before = index.tell()
            line = index.readline()
            if not line.endswith(b"\n"):
                # It is still being written; the whole of it comes with the next call.
                index.seek(before)
                return
            entry = read_entry(line)
            if entry:
                yield entry

    def _read(self, stream: Stream, end: int | None) -> Iterator[Line]:
        """Yield the whole lines of a stream from where it stands up to `end`, or up to what is there."""
        while end is None or self._at[stream] < end:
            chunk = self._chunk(stream, _CHUNK if end is None else min(_CHUNK, end - self._at[stream]))
            if not chunk:
                return
            self._at[stream] += len(chunk)
            unfinished = self._unfinished[stream]
            unfinished += chunk
            if b"\n" not in chunk:
                continue
            *lines, left = bytes(unfinished).split(b"\n")
            unfinished[:] = left
            for line in lines:
                yield stream, line.removesuffix(b"\r")

    def _chunk(self, stream: Stream, size: int) -> bytes:
        path = self._paths[stream]
        with translated(path):
            # Unbuffered: what lies past the index may still be written anew in place.
            file = self._files.get(stream) or open_if_there(path, buffering=0)
            if file is None:
                return b""
            self._files[stream] = file
            return file.read(size)
