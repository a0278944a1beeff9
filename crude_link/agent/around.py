"""Around: does something before the program of a task and after it, as one attempt: what a task fetches and brings.

    python around.py FILE ORDER -- PROGRAM ARGUMENT ...

FILE is a module of this package with a function `work_of(ORDER)`, see `Work`, another, `ready()`, that imports what
it will need, and `HIDDEN`, the variables that the program is not to see. The program is a child in our session and
group, with our files and directory; then this ends as the program ended. A warm Python has loaded FILE already.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import ModuleType
    from typing import Any, NoReturn, Protocol

    class Work(Protocol):
        """What is done around the program; each method may be left by Stopped."""

        def before(self) -> int | None:
            """Do what comes first; return the exit status with which it all ends, None to run the program."""

        def after(self, succeeded: bool) -> int:
            """Do what comes after the program; an exit status other than 0 takes the place of a success."""

        def stop(self) -> None:
            """It was told to end: leave as little behind as can be done at once."""
else:
    import _signal as signal

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))
#: What tells a whole group to end; a hangup is told by a terminal.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOT_FOUND, _NOT_STARTED = 127, 126


class Stopped(BaseException):
    """A signal came that means the end, while the program did not run."""


class Around:
    """The work, the program in its midst, and the signals that come meanwhile."""

    def __init__(self, work: Work, hidden: tuple[str, ...], argv: list[str]) -> None:
        self._work = work
        self._argv = argv
        self._env = {name: value for name, value in os.environ.items() if name not in hidden}
        #: The signal that told us to end; 0: none has.
        self._signal = 0
        self._may_raise = True

    def run(self) -> NoReturn:
        """Do it all, and end."""
        for number in _ENDING:
            signal.signal(number, self._take)
        try:
            status = self._work.before()
            # From here on the program hears of signals itself.
            self._may_raise = False
        except Stopped:
            self._give_up()
        if status is not None:
            _end(status)
        ended = self._waited(self._started())
        if self._signal:
            self._work.stop()
            _end_as(ended)
        try:
            self._may_raise = True
            status = self._work.after(ended == 0)
            self._may_raise = False
        except Stopped:
            self._give_up()
        _end(status) if status and not ended else _end_as(ended)
        raise AssertionError

    def _take(self, number: int, _frame: object) -> None:
        self._signal = number
        if self._may_raise:
            self._may_raise = False
            raise Stopped

    def _give_up(self) -> NoReturn:
        self._work.stop()
        _end_by(self._signal)

    def _started(self) -> int:
        """Return the pid of the program."""
        from crude_link.agent.spawn import CannotSpawn, find_program, refusal_of, spawn_beside_us  # loaded before

        program = name = self._argv[0] if self._argv else ""
        try:
            program = find_program(name, self._env.get("PATH", os.defpath))
            pid = spawn_beside_us(program, self._argv, self._env)
        except CannotSpawn as error:
            self._refuse(str(error), _NOT_FOUND)
        except (ValueError, OSError) as error:
            self._refuse(str(refusal_of(self._argv, program, error)), _NOT_STARTED)
        if self._signal:  # it came before there was a program to hear it
            os.kill(pid, self._signal)
        return pid

    def _refuse(self, why: str, status: int) -> NoReturn:
        self._work.stop()
        os.write(2, f"{why}\n".encode("utf-8", "surrogateescape"))
        _end(status)

    def _waited(self, pid: int) -> int:
        """Return the status of the program, as `wait` gives it."""
        return os.waitpid(pid, 0)[1]


def _end_as(status: int) -> NoReturn:
    """End as the program ended."""
    if os.WIFSIGNALED(status):
        _end_by(os.WTERMSIG(status))
    _end(os.WEXITSTATUS(status))


def _end_by(number: int) -> NoReturn:
    import resource

    # The program has left its memory already, where that is wanted; ours tells nobody anything.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _flush()
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # where a signal is blocked


def _end(status: int) -> NoReturn:
    """End at once: threads that still wait for a server are not waited for."""
    _flush()
    os._exit(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass


def load(file: str) -> ModuleType:
    """Return the module of a file of this package, by its own name: it imports others of its kind."""
    if sys.path and sys.path[0] in (_HERE, os.path.dirname(file)):
        sys.path[0] = _ROOT
    name = os.path.splitext(os.path.relpath(file, _ROOT))[0].replace(os.sep, ".")
    __import__("crude_link.agent.spawn")  # which each fork would have to read
    module: Any = __import__(name)
    for part in name.split(".")[1:]:
        module = getattr(module, part)
    module.ready()
    loaded: ModuleType = module
    return loaded


def main() -> None:
    """Do what the order says around the program."""
    _, file, order, _, *argv = sys.argv
    module = load(file)
    Around(module.work_of(order), module.HIDDEN, argv).run()


if __name__ == "__main__":
    main()
