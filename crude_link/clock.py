"""SystemClock: the machine's time; with its fake in the tests the only place that asks for it."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

#: So that a machine that was suspended is noticed soon after it woke: a sleeping process does not see the gap.
LONGEST_PIECE_SECONDS = 15.0


class SystemClock:
    """Wall and monotonic time of this machine."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Return seconds that never step back; only differences mean anything."""
        return time.monotonic()

    def sleep_until(self, moment: datetime) -> None:
        """Return when the wall clock has reached `moment`, in pieces of at most 15 s, or early on a signal."""
        with _signals() as signalled:
            poll = select.poll()
            if signalled is not None:
                poll.register(signalled, select.POLLIN)
            while (left := (moment - self.now()).total_seconds()) > 0:
                # Rounded up, so that the last piece does not end a moment early and spin.
                if poll.poll(int(min(left, LONGEST_PIECE_SECONDS) * 1000) + 1):
                    return


def is_synchronised() -> bool | None:
    """True when the kernel knows that somebody keeps its clock right; None where it cannot be asked."""
    import ctypes

    unsynchronised = 5  # TIME_ERROR in adjtimex(2)
    try:
        # A structure of zeros asks, and changes nothing; it is larger than any that the kernel fills.
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != unsynchronised


@contextmanager
def _signals() -> Iterator[int | None]:
    """Give a descriptor that becomes readable when a signal comes that has a Python handler.

    None outside the main thread, which signals do not reach. A wake-up descriptor that somebody else had set
    comes back afterwards, and hears of what came meanwhile.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    try:
        try:
            before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        except ValueError:
            yield None
            return
        try:
            yield read_end
        finally:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
            _pass_on(read_end, before)
    finally:
        os.close(read_end)
        os.close(write_end)


def _pass_on(read_end: int, before: int) -> None:
    """Write what came to the wake-up descriptor that was set before, if there was one."""
    if before < 0:
        return
    try:
        os.write(before, os.read(read_end, 4096))
    except BlockingIOError:
        return  # nothing came, or its pipe is full: then it is readable already
