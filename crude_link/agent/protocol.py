"""Protocol: messages as lines of JSON, and the two ends of a pipe that carry them."""

from __future__ import annotations

import os

from crude_link.agent.lean import decode_json, quote_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

_ATOMS = {None: "null", True: "true", False: "false"}
_PIECE = 1 << 16
#: Nobody is listened to for longer than this at once.
_MOST_PIECES = 64


def encode(message: Message) -> bytes:
    """Write a message as one line."""
    return (_text(message) + "\n").encode("ascii")


def decode(line: bytes) -> Message:
    """Read back one line."""
    message: Message = decode_json(line.decode("ascii"))
    return message


def _text(value: Any) -> str:
    if isinstance(value, str):
        return quote_json(value)
    if value is None or isinstance(value, bool):
        return _ATOMS[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join([quote_json(key) + ":" + _text(child) for key, child in value.items()]) + "}"
    return "[" + ",".join([_text(child) for child in value]) + "]"


class Inbox:
    """Reads messages from a non-blocking descriptor."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.has_ended = False
        self._pieces: list[bytes] = []
        os.set_blocking(fd, False)

    def read(self) -> list[Message]:
        """Return the whole messages that are there, without waiting; `has_ended` turns true at the end."""
        lines: list[bytes] = []
        if self.has_ended:
            return []
        for _ in range(_MOST_PIECES):
            try:
                data = os.read(self.fd, _PIECE)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.has_ended = True
                break
            lines += self._whole_lines(data)
            if len(data) < _PIECE:
                break
        return [decode(line) for line in lines]

    def _whole_lines(self, data: bytes) -> list[bytes]:
        end = data.rfind(b"\n")
        if end < 0:
            self._pieces.append(data)
            return []
        whole = b"".join(self._pieces) + data[:end]
        self._pieces = [data[end + 1 :]] if end + 1 < len(data) else []
        return whole.split(b"\n")


class Outbox:
    """Sends messages through a non-blocking descriptor, with a buffer of its own so that nobody waits."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_broken = False
        self.size = 0
        self._pieces: list[bytes] = []
        os.set_blocking(fd, False)

    def put(self, message: Message) -> None:
        """Queue a message; `flush` sends it."""
        self.put_line(encode(message))

    def put_line(self, line: bytes) -> None:
        """Queue a message that is encoded already."""
        if not self.is_broken:
            self._pieces.append(line)
            self.size += len(line)

    def abandon(self) -> None:
        """Nobody reads any more: forget what is queued and what may still come."""
        self.is_broken = True
        self._pieces = []
        self.size = 0

    def flush(self) -> None:
        """Send what can be sent without waiting; `is_broken` turns true when nobody reads any more."""
        while self.size:
            data = b"".join(self._pieces)
            try:
                sent = os.write(self.fd, data)
            except BlockingIOError:
                self._pieces = [data]
                return
            except OSError:
                self.abandon()
                return
            self._pieces = [data[sent:]] if sent < len(data) else []
            self.size = len(data) - sent
