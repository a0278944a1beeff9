"""Interrupts: what INT, TERM and HUP ask of this process, as a flag that the loop reads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

#: INT is Ctrl-C, TERM what init and `kill` send, HUP the terminal that goes away.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: `timeout`, `uv run` and others pass on to us what the terminal, or they themselves, have sent to us already: what
#: comes again within so many seconds is no second wish.
_SAME = 0.08
#: Seconds in which a question is left after a signal, unless what the signal raised was lost.
_AGAIN = 1.0


class Interrupts:
    """While entered, signals only set flags: the first asks for a gentle end, the second for one at once.

    The Ctrl-C after two signals is the ordinary one, for the day on which the loop itself hangs. A signal that was
    ignored when the process began (`nohup`) stays ignored. `fileno` is readable after a signal.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.count = 0
        self._monotonic = monotonic
        self._noted_at = -_SAME
        self.signal: signal.Signals | None = None
        self._read, self._write = os.pipe()
        self._before: dict[signal.Signals, object] = {}
        self._wakeup_before = -1

    def fileno(self) -> int:
        """A descriptor that is readable after a signal, so that a wait ends."""
        return self._read

    @property
    def exit_status(self) -> int:
        """What a process that ended for this signal returns: 128 and the signal's number."""
        return 128 + self.signal if self.signal else 0

    @property
    def who(self) -> str:
        """Who asked, in words; empty when nobody did."""
        words = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "TERM", signal.SIGHUP: "the closing of the terminal"}
        return words[self.signal] if self.signal else ""

    def drain(self) -> None:
        """Empty the descriptor; called by the loop when it wakes."""
        try:
            os.read(self._read, 1024)
        except BlockingIOError:
            return

    def note(self, number: signal.Signals) -> None:
        """Take note of a signal, or of a Ctrl-C that came as a key."""
        now = self._monotonic()
        if number is not self.signal or now - self._noted_at >= _SAME:
            self.count += 1
        self._noted_at = now
        self.signal = number

    @contextmanager
    def raising(self) -> Iterator[None]:
        """While a person is asked something, a signal is noted and raises KeyboardInterrupt.

        What a signal raises can come at a place that lets no exception out, such as a finalizer: it is raised again
        and again until the question is left.
        """

        def leave(number: int, _frame: FrameType | None) -> None:
            self.note(signal.Signals(number))
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            raise KeyboardInterrupt

        def leave_again(_number: int, _frame: FrameType | None) -> None:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            raise KeyboardInterrupt

        before: dict[signal.Signals, object] = {number: signal.signal(number, leave) for number in self._before}
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, leave_again)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)  # type: ignore[arg-type]  # it is what signal.signal returned
            signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)  # a library's event loop took it

    def __enter__(self) -> Interrupts:
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._flag)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            # What came twice may come for the second time when all is over.
            last = self._echo_of(handler) if self.signal else handler
            signal.signal(number, last)  # type: ignore[arg-type]  # it is what signal.signal returned
        os.close(self._read)
        os.close(self._write)

    def _echo_of(self, before: object) -> Callable[[int, FrameType | None], None]:
        """Return a handler that drops what comes again, and leaves all else to the handler that was there before."""

        def leave(number: int, _frame: FrameType | None) -> None:
            if self._monotonic() - self._noted_at >= _SAME:
                signal.signal(number, before)  # type: ignore[arg-type]  # it is what signal.signal returned
                signal.raise_signal(number)

        return leave

    def _flag(self, number: int, _frame: FrameType | None) -> None:
        self.note(signal.Signals(number))
        if self.count >= 2:
            signal.signal(signal.SIGINT, signal.default_int_handler)
