"""Spawn: starts the process of an attempt, or says in words why it cannot be started."""

from __future__ import annotations

import errno
import os
import stat
import sys

from crude_link.agent.lean import signal
from crude_link.agent.machine import NoRoom, is_want_of_room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Set back to what a process expects: Python ignores some of them, and so may whoever started us.
_DEFAULT_SIGNALS = [
    getattr(signal, name)
    for name in (
        "SIGPIPE", "SIGXFSZ", "SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGALRM",
        "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGWINCH", "SIGCONT",
    )
    if hasattr(signal, name)
]  # fmt: skip

# Runs in the child where the terminal must become its controlling one: posix_spawn cannot do that.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
import _signal as signal
if os.getsid(0) != os.getpid():
    os.setsid()
if sys.argv[1] == "terminal":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.SIG_DFL)
if hasattr(signal, "SIGXFSZ"):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
try:
    os.execv(sys.argv[2], sys.argv[3:])
except OSError as error:
    sys.stderr.write("%s: %s\\n" % (sys.argv[2], error.strerror))
    os._exit(126)
"""


class CannotSpawn(Exception):
    """No process came into being; the text says why, for a person."""


def spawn(argv: list[str], env: dict[str, str], cwd: str, fds: tuple[int, int, int], takes_terminal: bool) -> int:
    """Start `argv` in a session of its own with the three descriptors (-1: /dev/null); return its pid.

    Leaves this process in the root directory. CannotSpawn; NoRoom.
    """
    try:
        os.chdir(_bytes(cwd))
    except OSError as error:
        raise CannotSpawn(f"cannot start in {cwd}: {_why(error)}") from error
    try:
        return _spawn_here(argv, env, fds, takes_terminal)
    finally:
        os.chdir("/")


def _spawn_here(argv: list[str], env: dict[str, str], fds: tuple[int, int, int], takes_terminal: bool) -> int:
    program = find_program(argv[0] if argv else "", env.get("PATH", os.defpath))
    try:
        arguments = [_bytes(argument) for argument in argv]
        environment = {_bytes(name): _bytes(value) for name, value in env.items()}
        if takes_terminal:
            return _spawn_by_helper(program, arguments, environment, fds, "terminal")
        return spawn_quickly(program, arguments, environment, fds)
    except (ValueError, OSError) as error:
        raise refusal_of(argv, program, error) from error


def spawn_quickly(program: str, argv: list[bytes], env: dict[bytes, bytes], fds: tuple[int, int, int]) -> int:
    """Start a program that was found before, in the current directory. ValueError, OSError: see `refusal_of`."""
    try:
        return _posix_spawn(_bytes(program), argv, env, fds, setsid=True)
    except NotImplementedError:  # a C library whose posix_spawn makes no sessions
        return _spawn_by_helper(program, argv, env, fds, "plain")


def spawn_beside_us(program: str, argv: list[str], env: dict[str, str]) -> int:
    """Start a program that was found before in our own session and group, with our files. ValueError, OSError."""
    words = [_bytes(argument) for argument in argv]
    environment = {_bytes(name): _bytes(value) for name, value in env.items()}
    return os.posix_spawn(_bytes(program), words, environment, setsigmask=[], setsigdef=_DEFAULT_SIGNALS)


def refusal_of(argv: list[str], program: str, error: ValueError | OSError) -> CannotSpawn | NoRoom:
    """Return what an error of a spawn means."""
    if isinstance(error, ValueError):
        return CannotSpawn(f"cannot start {argv[0]}: {error}")
    if is_want_of_room(error):
        return NoRoom(_why(error))
    return CannotSpawn(_spawn_words(argv, program, error))


def _spawn_by_helper(
    program: str, argv: list[bytes], env: dict[bytes, bytes], fds: tuple[int, int, int], how: str
) -> int:
    python = sys.executable.encode()
    whole = [python, b"-I", b"-S", b"-c", _TAKE_TERMINAL.encode(), how.encode(), _bytes(program), *argv]
    return _posix_spawn(python, whole, env, fds, setsid=how == "terminal")


def _posix_spawn(
    program: bytes, argv: list[bytes], env: dict[bytes, bytes], fds: tuple[int, int, int], setsid: bool
) -> int:
    actions: list[Any] = []
    for number, fd in enumerate(fds):
        if fd < 0:
            actions.append((os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDONLY if number == 0 else os.O_WRONLY, 0))
        else:
            actions.append((os.POSIX_SPAWN_DUP2, fd, number))
    if not setsid:
        return os.posix_spawn(program, argv, env, file_actions=actions, setsigmask=[], setsigdef=_DEFAULT_SIGNALS)
    return os.posix_spawn(
        program, argv, env, file_actions=actions, setsid=True, setsigmask=[], setsigdef=_DEFAULT_SIGNALS
    )


def find_program(name: str, path: str) -> str:
    """Return the file that `name` stands for, seen from the current directory. CannotSpawn."""
    if not name:
        raise CannotSpawn("there is no program to start: the command is empty")
    if "/" in name:
        return _checked(name)
    refused = ""
    for folder in path.split(":"):
        candidate = os.path.join(folder or ".", name)
        if not os.path.isfile(_bytes(candidate)):
            continue
        if os.access(_bytes(candidate), os.X_OK):
            return candidate
        refused = refused or candidate
    if refused:
        raise CannotSpawn(f"{refused} is not executable: chmod +x {refused}")
    raise CannotSpawn(f"no such program: {name} (looked in PATH: {path})")


def _checked(name: str) -> str:
    try:
        mode = os.stat(_bytes(name)).st_mode
    except OSError as error:
        raise CannotSpawn(f"cannot start {name}: {_why(error)}") from error
    if stat.S_ISDIR(mode):
        raise CannotSpawn(f"{name} is a directory, no program")
    if not os.access(_bytes(name), os.X_OK):
        raise CannotSpawn(f"{name} is not executable: chmod +x {name}")
    return name


def _spawn_words(argv: list[str], program: str, error: OSError) -> str:
    if error.errno == errno.ENOEXEC:
        return f"{program} cannot be executed (Exec format error): no #! line at its top, or made for another machine"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{program} cannot be executed: {_interpreter_words(program)}"
    if error.errno == errno.E2BIG:
        size = sum(len(argument) for argument in argv)
        return f"cannot start {program}: its arguments ({size} characters) or environment are too long"
    return f"cannot start {program}: {_why(error)}"


def _interpreter_words(program: str) -> str:
    try:
        with open(_bytes(program), "rb") as file:
            first = file.readline(300)
    except OSError:
        first = b""
    if not first.startswith(b"#!"):
        return "it, or the loader it needs, does not exist"
    if first.endswith(b"\r\n"):
        return "its #! line ends with a carriage return: save it with Unix line ends"
    return f"the interpreter of its #! line does not exist: {first[2:].decode('utf-8', 'replace').strip()}"


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
