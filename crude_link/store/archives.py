"""Archives: the output of tasks and how each ended, as the agent writes them, one file for each slot of an attempt.

runs/ID/steps/STEP/tasks/N-K.archive     what ended in slot K of attempt N of the fan-out, one after the other:
    S TASK NUMBER BEGAN_US               before the process is started
    E TASK NUMBER DIGEST ENDING EXIT SIGNAL BEGAN_US WALL_US CPU_US PEAK OUT ERR WHERE
                                         after its end; behind it OUT bytes of stdout, ERR of stderr, a newline;
                                         BEGAN_US is `=` where the S line before it says it
N-K.TASK.NUMBER.stdout, .stderr          output that is too large for an archive: WHERE is `f`, not `a`
N-K.out, N-K.err                         what the task that runs now has written, nothing masked
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from crude_link.model.run import Ending
from crude_link.model.task import TaskEnd
from crude_link.model.words import signal_words
from crude_link.store.failures import translated
from crude_link.store.log_reader import open_if_there

ENDINGS = {
    "e": Ending.EXITED,
    "s": Ending.SIGNALLED,
    "t": Ending.TIMED_OUT,
    "x": Ending.STOPPED,
    "n": Ending.NOT_STARTED,
    "w": Ending.WITHOUT_RESULT,
    "l": Ending.LOST,
}
LETTERS = {ending: letter for letter, ending in ENDINGS.items()}

_BEGUN = re.compile(rb"S (\d{1,18}) (\d{1,18}) (\d{1,18})\n")
_ENDED = re.compile(
    rb"E (\d{1,18}) (\d{1,18}) ([0-9a-f]{16}|-) ([estxn]) (\d{1,18}|-) (\d{1,18}|-) (\d{1,18}|=)"
    rb" (\d{1,18}) (\d{1,18}) (\d{1,18}|-) (\d{1,18}) (\d{1,18}) ([af])\n"
)
_ARCHIVE = re.compile(r"(\d{1,18})-(\d{1,18})\.archive")
_LONGEST_ENTRY = 300
_LONGEST_LINE = 500
_TAIL = 16 * 1024


class ArchiveName(NamedTuple):
    """Which archive: of an attempt at the whole, and a slot."""

    attempt: int
    slot: int

    def path(self, folder: Path) -> Path:
        """Return the file."""
        return folder / f"{self.attempt}-{self.slot}.archive"

    def own(self, folder: Path, task: int, number: int) -> tuple[Path, Path]:
        """Return the files of a try whose output was too large for the archive: stdout and stderr."""
        start = f"{self.attempt}-{self.slot}.{task}.{number}"
        return folder / f"{start}.stdout", folder / f"{start}.stderr"


class Begun(NamedTuple):
    """A try that was about to begin when the archive was written so far."""

    task: int
    number: int
    began_us: int


class Entry(NamedTuple):
    """The end of a try, and where the archive goes on behind its output."""

    end: TaskEnd
    next: int


def archives_in(folder: Path) -> list[ArchiveName]:
    """Return all archives of a fan-out, in order."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = (_ARCHIVE.fullmatch(name) for name in names)
    return sorted(ArchiveName(int(match[1]), int(match[2])) for match in found if match)


def read_archive(folder: Path, name: ArchiveName, start: int = 0) -> Iterator[Entry | Begun]:
    """Yield the ends from `start` on, where a line begins, and last the try that has begun and not ended, if any.

    It stops, without a word, before what is torn or damaged: what a task wrote may look like an entry, so nothing
    behind damage can be believed. Reasons and last lines are not worked out; see `with_words`.
    """
    path = name.path(folder)
    with translated(path):
        file = open_if_there(path)
        if file is None:
            return
        with file:
            yield from _entries(file, name.slot, start)


def with_words(end: TaskEnd, folder: Path, name: ArchiveName) -> TaskEnd:
    """Return an end that did not succeed with its reason, and the last line that the task wrote."""
    if end.ending is Ending.NOT_STARTED:
        return end._replace(reason=_tail(end, folder, name, of_stderr=True).decode("utf-8", "surrogateescape"))
    line = _last_line(_tail(end, folder, name, of_stderr=True))
    return end._replace(reason=_reason(end), last_line=line or _last_line(_tail(end, folder, name, of_stderr=False)))


def _entries(file: BinaryIO, slot: int, start: int) -> Iterator[Entry | Begun]:
    size = os.fstat(file.fileno()).st_size
    if start and not _follows_line(file, start):
        return
    begun: Begun | None = None
    file.seek(start)
    while line := file.readline(_LONGEST_ENTRY):
        if match := _BEGUN.fullmatch(line):
            begun = Begun(int(match[1]), int(match[2]), int(match[3]))
            continue
        match = _ENDED.fullmatch(line)
        end = _end_of(match, slot, begun, start=file.tell()) if match else None
        if end is None:
            break
        if end.offset >= 0:
            behind = end.offset + end.stdout_bytes + end.stderr_bytes
            # Far beyond the file's end only damage leads.
            if behind >= size or not _is_newline(file, behind):
                break
        elif file.read(1) != b"\n":
            break
        begun = None
        yield Entry(end, file.tell())
    if begun:
        yield begun


def _follows_line(file: BinaryIO, start: int) -> bool:
    file.seek(start - 1)
    return file.read(1) == b"\n"


def _is_newline(file: BinaryIO, place: int) -> bool:
    file.seek(place)
    return file.read(1) == b"\n"


def _end_of(match: re.Match[bytes], slot: int, begun: Begun | None, *, start: int) -> TaskEnd | None:
    ending = ENDINGS[match[4].decode()]
    if match[7] != b"=":
        began_us = int(match[7])
    elif begun and (begun.task, begun.number) == (int(match[1]), int(match[2])):
        began_us = begun.began_us
    else:
        return None
    exit_status, signal = _number(match[5]), _number(match[6])
    if ending is Ending.EXITED and exit_status is None:
        return None
    return TaskEnd(
        task=int(match[1]),
        number=int(match[2]),
        digest=match[3].decode(),
        slot=slot,
        ending=ending,
        exit_status=exit_status,
        signal=signal,
        began_us=began_us,
        wall_us=int(match[8]),
        cpu_us=int(match[9]),
        peak_memory=_number(match[10]),
        stdout_bytes=int(match[11]),
        stderr_bytes=int(match[12]),
        offset=start if match[13] == b"a" else -1,
    )


def _number(written: bytes) -> int | None:
    return None if written == b"-" else int(written)


def _reason(end: TaskEnd) -> str:
    if end.ending is Ending.EXITED:
        return f"exit {end.exit_status}"
    if end.ending is Ending.SIGNALLED and end.signal is not None:
        return signal_words(end.signal)
    return str(end.ending.value)


def _tail(end: TaskEnd, folder: Path, name: ArchiveName, *, of_stderr: bool) -> bytes:
    """Return the last bytes of one stream; what is gone has none."""
    size = end.stderr_bytes if of_stderr else end.stdout_bytes
    if end.offset < 0:
        path, start = name.own(folder, end.task, end.number)[of_stderr], 0
    else:
        path, start = name.path(folder), end.offset + (end.stdout_bytes if of_stderr else 0)
    with translated(path):
        file = open_if_there(path)
        if file is None:
            return b""
        with file:
            file.seek(start + max(0, size - _TAIL))
            return file.read(min(size, _TAIL))


def _last_line(tail: bytes) -> str:
    lines = tail.decode("utf-8", "replace").rstrip().splitlines()
    return lines[-1].strip()[:_LONGEST_LINE] if lines else ""
