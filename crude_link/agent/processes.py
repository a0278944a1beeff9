"""Processes: who descends from us, who bears a mark, how much memory a session uses.

Linux answers from /proc. Elsewhere `ps` is asked for the tree, and marks cannot be seen.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: The environment variable that holds the marks of a process, with spaces between: the outer crude-link's first.
MARK = "CRUDE_LINK_MARK"
_HAS_PROC = os.path.exists("/proc/self/stat")
_ENTRY = MARK.encode() + b"="


def mark_word(kind: str, text: str) -> str:
    """Make one mark of any text: without spaces, and not the beginning of another."""
    return kind + ":" + text.replace("%", "%25").replace(" ", "%20").replace("\n", "%0A").replace("\0", "%00")


def bearers(word: str) -> list[int]:
    """Return the living processes that bear a mark, ourselves excepted; none where they cannot be seen."""
    return [pid for pid in all_pids() if word in marks_of(pid)]


def marks_of(pid: int) -> list[str]:
    """Return the marks of a process; none when it is dead or not ours to look at."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read()
    except OSError:
        return []
    at = 0 if environ.startswith(_ENTRY) else environ.find(b"\0" + _ENTRY) + 1
    if at == 0 and not environ.startswith(_ENTRY):
        return []
    value = environ[at + len(_ENTRY) :].split(b"\0", 1)[0]
    return value.decode("utf-8", "surrogateescape").split(" ")


def is_alive(pid: int) -> bool:
    """True while a process exists and is no zombie."""
    fields = _stat(pid)
    return fields[0] not in ("Z", "X") if fields else False


def children() -> list[int] | None:
    """Return our living and dead children; None where they cannot be listed."""
    if not _HAS_PROC:
        return None
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return [pid for pid in all_pids() if (_stat(pid) or ["", ""])[1] == str(me)]


def next_zombie() -> int:
    """Return a dead child that nobody has reaped yet, and do not reap it; 0 when there is none."""
    try:
        dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return dead.si_pid if dead else 0


def session_of(pid: int) -> int:
    """Return the session of a process, 0 when it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def start_of(pid: int) -> int:
    """Return when a process was started, in ticks since the machine was; 0 when it is gone or that is not told."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def all_pids() -> Iterator[int]:
    """Yield every process of the machine but ourselves; none where they cannot be listed."""
    if not _HAS_PROC:
        return
    me = os.getpid()
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != me:
            yield int(name)


def name_of(pid: int) -> str:
    """Return the name of a process's program, at most 15 characters; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            name = file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
    return "".join([character if character.isprintable() else "?" for character in name])


def session_memory(session: int) -> int:
    """Return the resident bytes of all processes of a session together; 0 where it is not known."""
    wanted = str(session)
    pages = 0
    for pid in all_pids():
        fields = _stat(pid)
        if fields and fields[3] == wanted:
            pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descendants(root: int) -> dict[int, str]:
    """Return the processes below `root` with the times of their start, as `ps` tells them."""
    table: dict[int, tuple[int, str]] = {}
    for line in _ps():
        words = line.split(None, 2)
        if len(words) == 3:
            table[int(words[0])] = (int(words[1]), words[2])
    found: dict[int, str] = {}
    level = {root}
    while level:
        level = {pid for pid, (parent, _) in table.items() if parent in level and pid not in found}
        found.update((pid, table[pid][1]) for pid in level)
    return found


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat behind the name: state, parent, group, session ..."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    return text[text.rfind(b")") + 2 :].decode("ascii").split()


def _ps() -> list[str]:
    source, sink = os.pipe()
    try:
        pid = os.posix_spawn(
            "/bin/ps",
            ["ps", "-A", "-o", "pid=,ppid=,lstart="],
            {"PATH": "/bin:/usr/bin", "LC_ALL": "C"},
            file_actions=[(os.POSIX_SPAWN_DUP2, sink, 1)],
        )
    except OSError:
        os.close(source)
        os.close(sink)
        return []
    os.close(sink)
    with open(source, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    os.waitpid(pid, 0)
    return lines
