"""Sessions: the list, beside a run's lock, of the sessions in which its steps run, for whoever sweeps after a crash.

A mark can be lost (`env -i`); the session of a process is lost only by leaving it on purpose.
"""

from __future__ import annotations

import os

from crude_link.agent.processes import all_pids, is_alive, session_of, start_of

_BOOT = "/proc/sys/kernel/random/boot_id"


class SessionList:
    """A file of lines: the machine's boot and the writing agent's mark, then `+ session start` or `- session`."""

    def __init__(self, lock: str, writer: str) -> None:
        self._path = _list_path(lock)
        self._writer = writer
        self._fd = -1
        self._living: set[int] = set()

    def begin(self, session: int) -> None:
        """Write down the session of a process that was just started; a list that cannot be written is no list."""
        start = start_of(session)
        if start:
            self._living.add(session)
            self._add(b"+ %d %d\n" % (session, start))

    def end(self, session: int) -> None:
        """Nothing of a session lives any more."""
        if session in self._living:
            self._living.remove(session)
            self._add(b"- %d\n" % session)

    def close(self) -> None:
        """Take the list away, unless something in it lives."""
        if self._fd < 0:
            return
        os.close(self._fd)
        self._fd = -1
        if not self._living:
            try:
                os.unlink(self._path)
            except OSError:
                pass

    def _add(self, line: bytes) -> None:
        try:
            if self._fd < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
                self._fd = os.open(self._path, flags, 0o600)
                line = b"%s %s\n%s" % (_boot(), self._writer.encode(), line)
            os.write(self._fd, line)
        except OSError:
            pass


def listed_sessions(lock: str, writer: str | None = None) -> dict[int, int]:
    """Return the sessions that had not ended by what the list says, each with the time of its start.

    With `writer` only what that agent wrote.
    """
    try:
        with open(_list_path(lock), "rb") as file:
            head, *lines = file.read().split(b"\n")
    except OSError:
        return {}
    boot, _, name = head.partition(b" ")
    if boot != _boot() or (writer is not None and name != writer.encode()):
        return {}
    sessions: dict[int, int] = {}
    for words in [line.split() for line in lines[:-1]]:  # behind the last line end: nothing, or a line that was cut
        if words[:1] == [b"+"]:
            sessions[int(words[1])] = int(words[2])
        elif words[:1] == [b"-"]:
            sessions.pop(int(words[1]), None)
    return sessions


def members(sessions: dict[int, int]) -> list[int]:
    """Return the living processes of some sessions, ourselves excepted; none where they cannot be seen."""
    return [pid for pid in all_pids() if _is_in(pid, sessions) and is_alive(pid)] if sessions else []


def _is_in(pid: int, sessions: dict[int, int]) -> bool:
    """A number is not used again while anything of its session lives; when it is, its leader has another start."""
    session = session_of(pid)
    if session not in sessions:
        return False
    start = start_of(session)
    return start in (0, sessions[session])


def _list_path(lock: str) -> str:
    return lock + ".sessions"


def _boot() -> bytes:
    try:
        with open(_BOOT, "rb") as file:
            return file.read().strip()
    except OSError:
        return b"-"
