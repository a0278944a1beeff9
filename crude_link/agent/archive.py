"""Archive: the file of a slot, to which the begin and the end of each task are appended, its output with the end.

A line each, and behind that of an end the bytes of stdout, those of stderr, and a line end:

    S TASK NUMBER BEGAN_US
    E TASK NUMBER DIGEST ENDING EXIT SIGNAL BEGAN_US WALL_US CPU_US PEAK OUT ERR WHERE

BEGAN_US of an end is `=`: it stands in the line before. ENDING is one letter, see `End.letter`; WHERE is `a`, or `f`
when the output is in files of its own and no bytes follow. A `-` stands for what there is not.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class End:
    """How one try at a task ended, and what it wrote."""

    __slots__ = (
        "began_us",
        "cpu_us",
        "digest",
        "err",
        "exit",
        "has_killed",
        "is_apart",
        "letter",
        "number",
        "out",
        "out_of_memory",
        "peak",
        "reason",
        "retry",
        "signal",
        "sizes",
        "survivors",
        "tails",
        "task",
        "trouble",
        "wall_us",
    )

    def __init__(self, task: int, number: int, digest: str) -> None:
        self.task = task
        self.number = number
        self.digest = digest
        #: Exited, signalled, timed out, x: stopped, not started.
        self.letter = "n"
        self.exit: int | None = None
        self.signal: int | None = None
        self.began_us = 0
        self.wall_us = 0
        self.cpu_us = 0
        self.peak = 0
        self.out = b""
        #: Of one that was not started: the reason.
        self.err = b""
        #: The output is in files of its own; `tails` are the ends of it.
        self.is_apart = False
        self.tails = (b"", b"")
        self.sizes = (0, 0)
        self.reason = ""
        self.has_killed = False
        self.out_of_memory = False
        self.survivors: list[int] = []
        #: Why its output is not complete.
        self.trouble = ""
        #: JSON: it asks for another try, why, and when.
        self.retry = ""

    @property
    def has_succeeded(self) -> bool:
        """True for one that exited with 0."""
        return self.exit == 0 and self.letter == "e"

    def header(self) -> bytes:
        """Return the first line of its entry."""
        return b"E %d %d %s %s %s %s = %d %d %s %d %d %s\n" % (
            self.task,
            self.number,
            self.digest.encode() or b"-",
            self.letter.encode(),
            b"-" if self.exit is None else b"%d" % self.exit,
            b"-" if self.signal is None else b"%d" % self.signal,
            self.wall_us,
            self.cpu_us,
            b"%d" % self.peak if self.peak else b"-",
            self.sizes[0],
            self.sizes[1],
            b"f" if self.is_apart else b"a",
        )

    def drop_output(self, why: str) -> None:
        """Do without its output: it cannot be written."""
        self.out = self.err = b""
        self.is_apart = False
        self.sizes = (0, 0)
        self.trouble = why


class Archive:
    """Only ever grows by whole entries; what cannot be written is dropped, and remarked once. OSError when opened."""

    def __init__(self, path: str, remark: Callable[[str], None]) -> None:
        self._path = path
        self._remark = remark
        self._has_complained = False
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.lseek(self._fd, 0, os.SEEK_END)

    def append(self, end: End | None, start: bytes) -> int:
        """Write the end of a task, and then the line of the next one's start; return where the end's stdout begins.

        -1 when it is not in here. Where there is no room for an output, its end is written without it.
        """
        if end is None:
            self._write(start)
            return -1
        header = end.header()
        if end.is_apart:
            self._write(header + b"\n" + start)
            return -1
        offset = self._size + len(header)
        why = self._write(b"".join((header, end.out, end.err, b"\n", start)))
        if not why:
            return offset
        end.drop_output(why)
        header = end.header()
        offset = self._size + len(header)
        self._write(header + b"\n" + start)
        return offset

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def _write(self, data: bytes) -> str:
        """Write all or nothing; return why nothing was written."""
        if not data:
            return ""
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:] if written else data)
        except OSError as error:
            self._take_back()
            return self._complain(error)
        self._size += written
        return ""

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> str:
        why = error.strerror or str(error)
        if not self._has_complained:
            self._has_complained = True
            self._remark(f"{self._path} is not complete: {why}")
        return why


def start_line(task: int, number: int, began_us: int) -> bytes:
    """Return the entry of a task that is about to begin."""
    return b"S %d %d %d\n" % (task, number, began_us)
