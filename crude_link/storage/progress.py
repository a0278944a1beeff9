"""Progress: how far a transfer is, on one live line of a terminal or on a line every few seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from datetime import timedelta
from typing import TextIO

from crude_link.model.words import duration_words, size_words

#: Seconds between two looks of the live line, and between two lines where nothing can be written over.
_LIVE = 0.2
_LINE = 5.0
#: The rate is that of so many seconds.
_WINDOW = 10.0


class Progress:
    """Counts files and bytes, from any thread, and tells of them on a stream."""

    def __init__(self, verb: str, stream: TextIO, *, is_live: bool = False, is_terse: bool = False) -> None:
        """Terse, it tells only how it ended."""
        self._verb = verb
        self._stream = stream
        self._is_live = is_live
        self._is_terse = is_terse
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._shown = self._began
        self._samples: deque[tuple[float, int]] = deque([(self._began, 0)])
        self._line = ""
        self.files = 0
        self.bytes = 0
        self.all_files = 0
        self.all_bytes = 0

    def expect(self, files: int, size: int) -> None:
        """Note that so much more is to come."""
        with self._lock:
            self.all_files += files
            self.all_bytes += size

    def moved(self, size: int) -> None:
        """Note bytes that were moved; fewer than none when they have to be moved again."""
        with self._lock:
            self.bytes += size

    def finished(self) -> None:
        """Note a file that is done."""
        with self._lock:
            self.files += 1

    def remark(self, text: str) -> None:
        """Tell something on a line of its own."""
        with self._lock:
            self._clear()
            self._stream.write(text + "\n")
            self._stream.flush()

    def fail(self, text: str) -> None:
        """Tell on stderr why nothing, or not all, was done."""
        with self._lock:
            self._clear()
            self._stream.flush()
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def tick(self) -> None:
        """Tell how far it is, if it is time to."""
        now = time.monotonic()
        if self._is_terse or now - self._shown < (_LIVE if self._is_live else _LINE):
            return
        self._shown = now
        with self._lock:
            text = self._words(now)
            if self._is_live:
                self._stream.write(f"\r\x1b[K{text}")
                self._line = text
            else:
                self._stream.write(text + "\n")
            self._stream.flush()

    def close(self, summary: str) -> None:
        """Tell how it ended."""
        took = timedelta(seconds=max(0.1, time.monotonic() - self._began))
        self.remark(summary.format(took=duration_words(took)))

    def _words(self, now: float) -> str:
        while len(self._samples) > 1 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        (since, had), done = self._samples[0], self.bytes
        self._samples.append((now, done))
        rate = max(0.0, (done - had) / (now - since)) if now > since else 0.0
        left = self.all_bytes - done
        words = f"{self._verb} {self.files:,} of {self.all_files:,} files, {size_words(max(0, done))}"
        words += f" of {size_words(self.all_bytes)}, {size_words(int(rate))}/s"
        if rate > 0 and left > 0:
            words += f", {duration_words(timedelta(seconds=left / rate))} left"
        return words

    def _clear(self) -> None:
        if self._line:
            self._stream.write("\r\x1b[K")
            self._line = ""
