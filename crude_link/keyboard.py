"""The terminal in front of which a person sits: their keys, lent to a step that wants them, and their window."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

from crude_link.model.order import Screen

_MOST_KEYS = 1 << 12


class PersonsTerminal:
    """A `Front` on descriptors 0, 1 and 2 of this process; `close` leaves the terminal as it was.

    While a step has the keyboard, lines and echo are its own terminal's business, so ours does neither. Ctrl-C stays
    ours: it ends the run.
    """

    def __init__(self) -> None:
        #: What tcgetattr said before the keyboard was lent; None while it is not.
        self._before: list[Any] | None = None
        self._has_ended = False
        self._has_new_size = False
        self._handler_before = signal.signal(signal.SIGWINCH, self._note)

    @property
    def has_keyboard(self) -> bool:
        """True when keys can come: stdin is a terminal, and we are in its foreground."""
        try:
            return not self._has_ended and os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
        except OSError:
            return False

    def listen(self, wanted: bool) -> int | None:
        """Take the keyboard, or give it back; return the descriptor that is readable when keys came."""
        if wanted == (self._before is not None):
            return 0 if wanted else None
        if not wanted:
            self._give_back()
            return None
        return 0 if self.has_keyboard and self._take() else None

    def keys(self) -> bytes:
        """Return the keys that came; none once the terminal is gone."""
        try:
            data = os.read(0, _MOST_KEYS)
        except OSError:
            data = b""
        if not data:
            self._has_ended = True
            self._give_back()
        return data

    def new_screen(self) -> Screen | None:
        """Return the window's size if it was changed since the last call."""
        if not self._has_new_size:
            return None
        self._has_new_size = False
        return next((screen for number in (1, 2, 0) if (screen := screen_of(number))), None)

    def close(self) -> None:
        """Give the keyboard back and hear of the window no more."""
        self._give_back()
        signal.signal(signal.SIGWINCH, self._handler_before)

    def _take(self) -> bool:
        import termios

        try:
            before = termios.tcgetattr(0)
            changed = termios.tcgetattr(0)
            # Return stays Return; the step's own terminal makes of it what it likes.
            changed[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
            changed[3] &= ~(termios.ICANON | termios.ECHO)
            changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
            termios.tcsetattr(0, termios.TCSADRAIN, changed)
        except termios.error:
            return False
        self._before = before
        return True

    def _give_back(self) -> None:
        if self._before is None:
            return
        import termios

        before, self._before = self._before, None
        try:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
        except termios.error:
            self._has_ended = True  # the terminal is gone

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._has_new_size = True


def screen_of(descriptor: int) -> Screen | None:
    """Return the size of the terminal at a descriptor; None when there is none."""
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:
        return None
    return Screen(rows=size.lines or 24, columns=size.columns or 80)
