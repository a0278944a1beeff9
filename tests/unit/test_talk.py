"""What commands say is for whoever listens; nobody listening is no reason to end what goes on."""

from __future__ import annotations

import contextlib
import io

from crude_link.cli.talk import say


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_what_is_said_goes_to_stderr() -> None:
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard):
        say("stopped")
    assert heard.getvalue() == "stopped\n"


def test_saying_something_to_nobody_ends_nothing() -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (closed, Full()):
        with contextlib.redirect_stderr(stream):
            say("stopped")
