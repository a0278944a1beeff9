"""Programs: the small ones that are not steps (`${exec:}`, git, an interpreter's version, editor, shell)."""

from __future__ import annotations

import hashlib
import os
import select
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.errors import CrudeLinkError
from crude_link.model.run import Code

if TYPE_CHECKING:
    import subprocess

GIT_TIME = timedelta(seconds=10)
INTERPRETER_TIME = timedelta(seconds=30)
#: What a signal handler or an editor may have set to "ignore" must not reach a program that we start.
DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


class ProgramError(CrudeLinkError):
    """A small program could not be started, failed or took too long; the text says so in one line."""

    exit_status = 2


# --- programs whose output is wanted ----------------------------------------------------------------------


def output_of(
    command: str | Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    timeout: timedelta = timedelta(seconds=60),
    name: str | None = None,
    given: bytes | None = None,
) -> str:
    """Return what a command (shell text, or an argv list) writes to stdout, its last newline cut.

    It has no keyboard and no terminal, and reads what is `given`. ProgramError when it cannot start, fails or does
    not end in time; then nothing of its group is left running. Errors call it `name`, by default as it was given.
    Bytes that are not UTF-8 come as surrogate escapes.
    """
    shown = name or (command if isinstance(command, str) else shlex.join(command))
    words = ["sh", "-c", command] if isinstance(command, str) else list(command)
    status, stdout, stderr = _ran(words, shown, cwd, environment, timeout, given)
    if status:
        raise ProgramError(f"`{shown}` {ending(status, stderr)}")
    return os.fsdecode(stdout).removesuffix("\n")


def complaint_of(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout: timedelta,
    name: str,
    errors_only: bool = False,
) -> str | None:
    """Return all that a program wrote, or only what it wrote to stderr, if it fails; None when it goes well.

    ProgramError as for `output_of`.
    """
    status, stdout, stderr = _ran(argv, name, cwd, environment, timeout)
    if not status:
        return None
    said = (stderr if errors_only else stdout + stderr).decode(errors="replace").rstrip()
    return f"{said}\n{ending(status, b'')}" if status < 0 or not said else said


def _ran(
    argv: Sequence[str],
    shown: str,
    cwd: Path,
    environment: Mapping[str, str] | None,
    timeout: timedelta,
    given: bytes | None = None,
) -> tuple[int, bytes, bytes]:
    """Run a program to its end, with what is `given` on stdin; return its status, stdout and stderr."""
    import subprocess

    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(f"`{shown}` cannot be started: {in_words(error)}") from error
    with process:
        try:
            stdout, stderr = process.communicate(given, timeout=timeout.total_seconds())
        except subprocess.TimeoutExpired as error:
            raise ProgramError(f"`{shown}` took longer than {timeout.total_seconds():g} s and was ended") from error
        finally:
            end_group(process)
    return process.returncode, stdout, stderr


def check_interpreter(path: str, *, cwd: Path) -> str | None:
    """Say in words why a Python interpreter cannot be used; None when it starts."""
    try:
        interpreter_version(path, cwd=cwd)
    except ProgramError as error:
        return str(error)
    return None


def interpreter_version(path: str, *, cwd: Path) -> str:
    """Start a Python interpreter and return its version ("3.12.4"); a relative path with a slash starts at `cwd`.

    ProgramError, in words, when it does not exist, does not start or is no Python.
    """
    if path == sys.executable:
        return sys.version.split()[0]
    question = "import sys; sys.stdout.write('python ' + sys.version.split()[0])"
    answer = output_of([path, "-S", "-E", "-c", question], cwd=cwd, timeout=INTERPRETER_TIME, name=path)
    word, _, version = answer.partition(" ")
    if word != "python" or not version:
        raise ProgramError(f"`{path}` is no Python interpreter")
    return version


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left of the group that the process leads; its number is ours until it is waited for."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def ending(returncode: int, stderr: bytes) -> str:
    ended = f"ended with exit {returncode}" if returncode > 0 else f"was killed by signal {-returncode}"
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    return f"{ended}: {lines[-1]}" if lines else ended


def in_words(error: OSError) -> str:
    """Say what the machine said, with the path where it is not the program's own."""
    return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror or error)


# --- the state of the project's code ----------------------------------------------------------------------


class CodeProbe:
    """Git, asked in the background: `start` returns at once, `result` waits for the rest of it.

    `subprocess` is not used because its import costs more than git does.
    """

    def __init__(self, commit: _Background | None, difference: _Background | None) -> None:
        self._commit = commit
        self._difference = difference
        self._found: Code | None = None

    @classmethod
    def start(cls, project: Path) -> CodeProbe:
        """Begin to ask git; starts nothing where no `.git` is found at `project` or above."""
        if not _has_git_above(project):
            return cls(None, None)
        # What could run programs of the repository's or the user's choice, or colour the answer, is turned off.
        git = ("git", "-C", str(project), "--no-pager", "-c", "core.fsmonitor=false")
        difference = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "HEAD", "--")
        try:
            commit = _Background((*git, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"))
            return cls(commit, _Background((*git, *difference)))
        except OSError:
            return cls(None, None)  # there is no git

    def result(self) -> Code | None:
        """Return the state, after 10 s at most; None when git could not tell. Later calls say the same."""
        if self._commit is None or self._difference is None:
            return self._found
        deadline = time.monotonic() + GIT_TIME.total_seconds()
        commit, difference = self._commit.read(deadline), self._difference.read(deadline)
        self._commit = self._difference = None
        if commit is not None and difference is not None:
            size, digest, _ = difference
            digest_text = digest.hexdigest() if size else None
            self._found = Code(commit=commit[2].decode().strip(), dirty=size > 0, diff_digest=digest_text)
        return self._found


class _Background:
    """A program whose stdout goes to a pipe that is read later; OSError when it cannot be started."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        read_end, write_end = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, write_end, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        try:
            self._pid = os.posix_spawnp(
                argv[0], argv, _git_environment(),
                file_actions=actions, setpgroup=0, setsigmask=(), setsigdef=DEFAULT_SIGNALS,
            )  # fmt: skip
        except OSError:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self._pipe = read_end

    def read(self, deadline: float) -> tuple[int, hashlib._Hash, bytes] | None:
        """Return size, SHA-256 and first bytes of the output; None when it failed or was not there in time."""
        size, digest, head = 0, hashlib.sha256(), b""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        in_time = True
        while in_time := bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000)):
            piece = os.read(self._pipe, 1 << 16)
            if not piece:
                break
            size += len(piece)
            digest.update(piece)
            head = head or piece
        os.close(self._pipe)
        if not in_time:
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        return (size, digest, head) if in_time and status == 0 else None


def _has_git_above(project: Path) -> bool:
    return any((folder / ".git").exists() for folder in (project.absolute(), *project.absolute().parents))


def _git_environment() -> dict[str, str]:
    """Ours, without what would point git at another repository, and without locks or questions."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return env | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


# --- programs that a person uses --------------------------------------------------------------------------


def open_editor(path: Path, environment: Mapping[str, str]) -> None:
    """Let the person edit `path` with `$VISUAL`, `$EDITOR`, vi or nano. ProgramError when that fails."""
    chosen = environment.get("VISUAL") or environment.get("EDITOR") or _first_found(("vi", "nano"), environment)
    if not chosen:
        raise ProgramError("no editor was found: set EDITOR to the one you use")
    # The variable may hold options ("code --wait"), and is shell text everywhere else too.
    status = _on_the_terminal(("sh", "-c", f'{chosen} "$@"', chosen, str(path)), path.parent, environment)
    if status:
        raise ProgramError(f"the editor `{chosen}` {ending(status, b'')}")


def open_shell(cwd: Path, environment: Mapping[str, str]) -> None:
    """Give the person a shell (`$SHELL`, else sh) in `cwd` until it is left. ProgramError when it cannot start."""
    _on_the_terminal((environment.get("SHELL") or "sh",), cwd, environment)


def _first_found(names: Sequence[str], environment: Mapping[str, str]) -> str | None:
    return next((name for name in names if shutil.which(name, path=environment.get("PATH"))), None)


def _on_the_terminal(argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> int:
    """Run a program on our terminal and return its exit status; our stdout may go elsewhere."""
    import subprocess

    screen = None if os.isatty(1) else 2
    try:
        with _keys_are_not_for_us():
            return subprocess.call(list(argv), cwd=cwd, env=environment, stdout=screen)
    except OSError as error:
        raise ProgramError(f"`{argv[0]}` cannot be started: {in_words(error)}") from error


@contextmanager
def _keys_are_not_for_us() -> Iterator[None]:
    """While a person uses another program, Ctrl-C and Ctrl-\\ are meant for that one.

    A function rather than SIG_IGN, which the program would inherit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _overhear) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _overhear(_number: int, _frame: object) -> None:
    return None


# --- programs that outlive us -----------------------------------------------------------------------------


#: Not `-m`, which puts the current directory first on the path: a project's own `yaml.py` would be imported.
_OURSELVES = """import sys
sys.path[:] = [place for place in sys.path if place] + [{!r}]
from crude_link.cli import main
sys.exit(main())
"""


def ourselves(*words: str) -> list[str]:
    """Return the argv that starts a command of ours, wherever it is started."""
    return [sys.executable, "-c", _OURSELVES.format(str(Path(__file__).resolve().parent.parent)), *words]


def entrance(*words: str) -> list[str]:
    """Return the argv of a command of ours for people to read: by the installed program, where there is one.

    The interpreter stands first, whatever the program's own first line says of it.
    """
    installed = Path(sys.executable).parent / "crude-link"
    return [sys.executable, str(installed), *words] if installed.is_file() else ourselves(*words)


def start_detached(argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> int:
    """Start a program in a session of its own that goes on when we end, and return its pid.

    It reads nothing and appends what it writes to `log`. ProgramError when it cannot be started.
    """
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log.absolute()), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    here = Path.cwd()
    try:
        os.chdir(cwd)
        return os.posix_spawnp(
            argv[0], list(argv), environment,
            file_actions=actions, setsid=True, setsigmask=(), setsigdef=DEFAULT_SIGNALS,
        )  # fmt: skip
    except OSError as error:
        raise ProgramError(f"`{shlex.join(argv)}` cannot be started: {in_words(error)}") from error
    finally:
        os.chdir(here)


def is_over(pid: int) -> bool:
    """True when a program that `start_detached` has started is over; then its number is nobody's any more."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
