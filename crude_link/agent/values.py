"""Values: what the functions of a slot's tasks return, a line of JSON for each in the order in which they end.

{"task":TASK,"number":NUMBER,"value":VALUE}      or `"repr":TEXT` where there is no JSON for it

One that wants another try has written `"retry":` and how; that is told, and not kept.
"""

from __future__ import annotations

import os

from crude_link.agent.masks import Masker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crude_link.agent.archive import End

#: Where a task is told to write what its function returns.
RESULT = b"CRUDE_LINK_RESULT"
_RETRY = b'"retry":'
_RETRY_STATUS = 75


class Values:
    """A scratch file that a task writes to, and the file in which its value is kept. OSError when they are opened."""

    def __init__(self, stem: str, masks: list[bytes]) -> None:
        self.path = stem + ".value"
        self._masks = masks
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            self._kept = os.open(stem + ".results", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError:
            os.close(self._fd)
            raise

    def take(self, end: End) -> None:
        """Keep what a task has written, masked, if it succeeded, and be empty again."""
        size = os.fstat(self._fd).st_size
        if not size:
            return
        wants_more = end.letter == "e" and end.exit == _RETRY_STATUS
        data = os.pread(self._fd, size, 0) if end.has_succeeded or wants_more else b""
        os.ftruncate(self._fd, 0)
        if not data:
            return
        if self._masks:
            masker = Masker(self._masks)
            data = masker.feed(data) + masker.finish()
        if wants_more:
            if data.startswith(_RETRY):
                end.retry = data[len(_RETRY) :].decode("ascii", "replace")
            return
        place = os.lseek(self._kept, 0, os.SEEK_END)
        try:
            self._write(b'{"task":%d,"number":%d,%s}\n' % (end.task, end.number, data))
        except OSError as error:
            os.ftruncate(self._kept, place)
            end.trouble = f"its returned value is not kept: {error.strerror}"

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._fd)
        os.close(self._kept)
        os.unlink(self.path)

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._kept, line) :]
