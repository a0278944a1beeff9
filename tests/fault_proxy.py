"""A proxy between a client and a server of HTTP, that answers badly now and then, as it is told to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit


class Fault(Enum):
    """What becomes of a request."""

    NONE = "passed on"
    #: A 503 instead of the server's answer.
    BUSY = "503"
    #: The answer's body ends in its middle, and so does the connection.
    CUT = "cut"
    #: The connection ends before there is an answer.
    CLOSED = "closed"
    #: The answer comes a little at a time.
    SLOW = "slow"
    #: A byte of the answer's body is another.
    WRONG = "wrong"
    FORBIDDEN = "403"
    GONE = "404"


_STATUSES = {Fault.BUSY: b"503 Slow Down", Fault.FORBIDDEN: b"403 Forbidden", Fault.GONE: b"404 Not Found"}


@dataclass(kw_only=True)
class FaultProxy:
    """The proxy; `choose` is asked for each request, by its first line and its number."""

    target: str
    choose: Callable[[str, int], Fault] = lambda line, number: Fault.NONE
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def endpoint(self) -> str:
        """Return where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str) -> int:
        """Return how many requests of a method came."""
        return sum(line.startswith(f"{method} ") for line in self.requests)

    def serve(self, client: socket.socket) -> None:
        """Do one request after the other on a connection."""
        with client, suppress(OSError):
            while (head := _head(client)) is not None:
                line = head.split(b"\r\n", 1)[0].decode()
                self.requests.append(line)
                fault = self.choose(line, len(self.requests))
                body = _body(client, head)
                if fault is Fault.CLOSED:
                    return
                if fault in _STATUSES:
                    client.sendall(b"HTTP/1.1 " + _STATUSES[fault] + b"\r\nContent-Length: 0\r\n\r\n")
                    continue
                self._pass_on(client, head, body, fault)
                return

    def _pass_on(self, client: socket.socket, head: bytes, body: bytes, fault: Fault) -> None:
        """Pass a request on over a connection of its own, and the answer back."""
        url = urlsplit(self.target)
        with socket.create_connection((url.hostname or "", url.port or 80)) as server:
            server.sendall(_without_keep_alive(head) + body)
            answer = bytearray()
            while piece := server.recv(1 << 18):
                answer += piece
        at = answer.find(b"\r\n\r\n") + 4
        length = len(answer) - at
        match fault:
            case Fault.CUT:
                client.sendall(answer[: at + length // 2])
            case Fault.WRONG if length:
                answer[-1] ^= 1
                client.sendall(answer)
            case Fault.SLOW:
                step = max(1, len(answer) // 5)
                for start in range(0, len(answer), step):
                    client.sendall(answer[start : start + step])
                    time.sleep(0.02)
            case _:
                client.sendall(answer)


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """Run a proxy before a server."""
    proxy = FaultProxy(target=target)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        proxy.port = listener.getsockname()[1]

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield proxy
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _head(client: socket.socket) -> bytes | None:
    """Return a request's lines with the empty one; None when there is no further request."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = client.recv(1)
        if not piece:
            return None
        head += piece
    return head


def _body(client: socket.socket, head: bytes) -> bytes:
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    parts = []
    while length:
        piece = client.recv(min(length, 1 << 16))
        if not piece:
            break
        parts.append(piece)
        length -= len(piece)
    return b"".join(parts)


def _without_keep_alive(head: bytes) -> bytes:
    first, rest = head.split(b"\r\n", 1)
    lines = [line for line in rest.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([first, b"Connection: close", *lines])
