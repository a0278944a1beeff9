"""Far ends for alerts: an HTTP server and a mail server of this machine, which keep what they get."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass
class Request:
    """What came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server; `statuses` are what it answers, the last of them for ever."""

    port: int
    statuses: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    words: str = ""
    #: While it is not set, nobody is answered.
    answers: threading.Event = field(default_factory=threading.Event)
    got: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def http_receiver() -> Iterator[Receiver]:
    """Give an HTTP server."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.got.append(Request(self.command, self.path, dict(self.headers), body))
            receiver.answers.wait(60)
            status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
            self.send_response(status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            words = receiver.words.encode()
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        do_GET = do_POST  # noqa: N815  # http.server's name

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up is no news
    receiver = Receiver(server.server_port)
    receiver.answers.set()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.answers.set()
        server.shutdown()
        server.server_close()


@dataclass
class MailBox:
    """A mail server, and what it took; it refuses mail to `nobody@`."""

    port: int = 0
    took: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.took.append(message_from_bytes(envelope.content, policy=policy.default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 taken"

    def login(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password != b"wrong-password", handled=False)


@contextmanager
def mail_box() -> Iterator[MailBox]:
    """Give a mail server without encryption."""
    box = MailBox()
    controller = _Controller(
        box, hostname="127.0.0.1", port=0, authenticator=box.login, auth_require_tls=False, auth_required=False
    )
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()


class _Controller(Controller):
    """One that is content with whatever port it gets."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd says nothing of its types
