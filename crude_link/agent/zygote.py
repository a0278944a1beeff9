"""Zygote: a Python that has the imports of a script behind it, and forks a process of its own for each task.

It runs under the Python of the step, any from 3.8 on, as a file of its own: standard library only, and nothing that
would make each fork dearer (threading, logging, subprocess, asyncio).

    python zygote.py HOW TURNS SCRIPT [FILE]

HOW is `orphans`, where what a task leaves becomes the agent's child, or `groups`; TURNS is how many tasks each
process does, see zygote_reuse.py, and FILE what is imported in place of the imports of SCRIPT.

Descriptor 0 is a socket to the agent. From it come lines of JSON: `[serial, stem, argv, env]` begins a task, whose
output goes to STEM.out and STEM.err; `[serial, signal]` signals its group. To it go lines: `R` ready; `C WHY` tasks
are to be started the ordinary way; `? TEXT` a remark; `B SERIAL PID` begun; `N SERIAL WHY` no process to be had;
`E SERIAL STATUS USER SYSTEM PEAK` ended, by wait4.
"""

from __future__ import annotations

import gc
import os
import select
import sys

#: What stands in a `__main__` before its first line, in this version of Python.
_OF_MAIN = [name for name in list(globals()) if name.startswith("__")]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any, NoReturn
else:
    import _signal as signal

_HERE = os.path.dirname(os.path.abspath(__file__))
#: For call.py, which needs it in each child.
_LEAN = "_crude_link_lean"
#: zygote_end.py, once it is read.
_ends: Any = None
#: Not to be heard before a child is a process of its own.
_HELD_BACK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Zygote:
    """Waits for orders and for the ends of its children."""

    def __init__(self, script: Script, link: int, turns: int, *, kills_groups: bool) -> None:
        self._script = script
        self._link = link
        self._kills_groups = kills_groups
        self._decode = sys.modules[_LEAN].decode_json
        self._wake, self._sink = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._sink, False)
        self._rest = b""
        self._pids: dict[int, int] = {}
        #: Tasks that are being ended: nothing of their groups is to live on.
        self._signalled: set[int] = set()
        #: What the imports wrote, which each task of an ordinary Python would have written.
        self._said = (_read_all(1), _read_all(2))
        self._poll = select.poll()
        self._reuse: Any = _named("zygote_reuse.py").Workers(turns, self._poll) if turns > 1 else None
        self._environment = dict(os.environ) if turns > 1 else {}
        #: What the task of this process has over it.
        self._own: dict[str, str] = {}

    def serve(self) -> None:
        """Work until the agent hangs up."""
        before = signal.signal(signal.SIGCHLD, lambda *_: None)
        old_wake = signal.set_wakeup_fd(self._sink, warn_on_full_buffer=False)
        self._before: tuple[Any, int] = (before, old_wake)
        self._poll.register(self._link, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._wake:
                    os.read(self._wake, 4096)
                elif fd == self._link:
                    self._obey()
            self._hear()
            self._reap()

    def _obey(self) -> None:
        try:
            data = os.read(self._link, 1 << 18)
        except OSError:
            data = b""
        if not data:
            os._exit(0)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            order = self._decode(line.decode("ascii"))
            if len(order) == 2:
                self._signal(*order)
            else:
                pid = self._reuse.hand(order[0], order[1], line + b"\n") if self._reuse else 0
                self._has_begun(order[0], pid) if pid else self._begin(*order)

    def _begin(self, serial: int, stem: str, argv: list[str], env: dict[str, str]) -> None:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
        worker, pid = None, -1
        try:
            worker = self._reuse.new(stem) if self._reuse else None
            pid = os.fork()
        except OSError as error:
            _tell(self._link, f"N {serial} {error.strerror}")
            if worker:
                worker.give_up()
        if pid == 0:
            try:
                self._separate(stem, env)
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                if worker:
                    worker.work(self._script, argv, self._dress)
            except BaseException:  # noqa: BLE001  # whatever it is, the loop above must not run in a child
                os._exit(126)
            self._script.run(argv)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if pid > 0:
            if worker:
                worker.begun(serial, pid)
                self._reuse.add(worker)
            self._has_begun(serial, pid)

    def _has_begun(self, serial: int, pid: int) -> None:
        self._pids[serial] = pid
        _tell(self._link, f"B {serial} {pid}")

    def _separate(self, stem: str, env: dict[str, str]) -> None:
        """Become what a process is that was started for the task alone."""
        os.setsid()
        handler, wake = self._before
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL if handler is None else handler)
        for fd in (self._link, self._wake, self._sink):
            os.close(fd)
        if self._reuse:
            self._reuse.leave()
        self._dress(stem, env)
        _reseed()

    def _dress(self, stem: str, env: dict[str, str]) -> None:
        """Take on the files and the environment of a task; what the one before had of its own goes."""
        for number, ending in ((1, ".out"), (2, ".err")):
            fd = os.open(stem + ending, os.O_RDWR | os.O_APPEND)
            os.dup2(fd, number)
            if fd != number:
                os.close(fd)
            if self._said[number - 1]:
                os.write(number, self._said[number - 1])
        for name in self._own:
            if name in self._environment:
                os.environ[name] = self._environment[name]
            else:
                os.environ.pop(name, None)
        self._own = env
        for name, value in env.items():  # `update` touches memory all over the place, and each page costs a copy
            os.environ[name] = value

    def _signal(self, serial: int, number: int) -> None:
        self._hear()
        pid = self._pids.get(serial)
        if pid is None:
            return
        self._signalled.add(serial)
        try:
            os.killpg(pid, number)
        except OSError:  # it is no group yet
            os.kill(pid, number)
        if number != signal.SIGKILL:
            os.kill(pid, signal.SIGCONT)

    def _hear(self) -> None:
        """Take note of tasks that are done though their processes live on."""
        for serial, used in self._reuse.done(self._signalled) if self._reuse else ():
            self._has_ended(serial, 0, used)

    def _has_ended(self, serial: int, status: int, used: tuple[float, float, int]) -> None:
        del self._pids[serial]
        self._signalled.discard(serial)
        _tell(self._link, f"E {serial} {status} {used[0]:.6f} {used[1]:.6f} {used[2]}")

    def _reap(self) -> None:
        for pid in self._reuse.idle() if self._reuse else ():
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._reuse.died(pid)
        for serial, pid in list(self._pids.items()):
            is_last = self._kills_groups or serial in self._signalled
            if is_last and hasattr(os, "waitid"):
                # While its zombie is there, its number cannot be another's.
                if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    continue
                _kill_group(pid)
            dead, status, usage = os.wait4(pid, os.WNOHANG)
            if dead:
                if is_last and not hasattr(os, "waitid"):
                    _kill_group(pid)
                self._hear()  # it may have done its task before it died
                worker = self._reuse.died(pid) if self._reuse else None
                if serial in self._pids:
                    used = (usage.ru_utime, usage.ru_stime, usage.ru_maxrss)
                    self._has_ended(serial, status, worker.since(*used) if worker else used)


class Script:
    """A script as `python SCRIPT` runs it, again and again."""

    def __init__(self, path: str) -> None:
        self._path = path
        relative = path[2:] if path.startswith("./") else path
        #: As tracebacks name it: Python makes it absolute from 3.9 on.
        self.file = os.path.join(os.getcwd(), relative) if sys.version_info >= (3, 9) else path
        #: Does what it does, where that need not be read for each task.
        self.call: Callable[[], None] | None = None
        self._stamp: object = None
        self._code: Any = None

    def read(self) -> bytes:
        """Return its text, and keep its code. OSError, SyntaxError, ValueError."""
        with open(self._path, "rb") as file:
            self._stamp = _stamp(os.fstat(file.fileno()))
            text = file.read()
        self._code = compile(text, self.file, "exec", dont_inherit=True)
        return text

    def run(self, argv: list[str]) -> NoReturn:
        """Be `python SCRIPT ARGUMENTS` from its first line to its end."""
        _ends.end(0, self.do(argv))
        raise AssertionError

    def end(self) -> NoReturn:
        """End the process after what went well."""
        _ends.end(0, {})
        raise AssertionError

    def do(self, argv: list[str]) -> dict[str, Any]:
        """Do what it does; return its names, where that neither ends the interpreter nor fails."""
        sys.argv[:] = argv
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[:] = [sys.executable, *argv]
        names = {} if self.call else self._be_main()
        try:
            if self.call:
                self.call()
            else:
                if self._stamp != _stamp(os.stat(self._path)):
                    self.read()
                exec(self._code, names)
        except SystemExit as error:
            status = _ends.status_of(error.code)
        except BaseException:  # noqa: BLE001  # as the interpreter's own end does
            status = _ends.complain()
        else:
            return names
        _ends.end(status, names)
        raise AssertionError

    def _be_main(self) -> dict[str, Any]:
        """Make a `__main__` as the interpreter does; return its names."""
        main = type(sys)("__main__")
        own = globals()
        main.__dict__.update({name: own[name] for name in _OF_MAIN})
        main.__dict__.update(__doc__=None, __file__=self.file)
        main.__loader__ = type(own["__loader__"])("__main__", self.file)
        if "__annotations__" in _OF_MAIN:
            main.__annotations__ = {}
        sys.modules["__main__"] = main
        return main.__dict__


def _reseed() -> None:
    """Give generators that all children have from us a seed of their own; `random` does it by itself."""
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "default_generator"):
        torch.default_generator.seed()


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass


def _stamp(stat: os.stat_result) -> object:
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)


def _read_all(fd: int) -> bytes:
    """Return what a file holds from its beginning."""
    return os.pread(fd, os.fstat(fd).st_size, 0)


def main() -> None:
    """Import, and serve."""
    _, how, turns, path, *files = sys.argv
    link = os.dup(0)
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    global _ends
    _ends, tools = _named("zygote_end.py"), _named("zygote_imports.py")
    if sys.path and sys.path[0] == _HERE:
        sys.path[0] = os.path.dirname(os.path.realpath(files[0] if files else path))
    sys.argv[:] = [path]
    sys.modules[_LEAN] = _named("lean.py")
    script = Script(path)
    try:
        text = script.read()
        why, remark = tools.import_all(text, script.file)
    except (OSError, SyntaxError, ValueError):
        why, remark = "it cannot be read", ""
    if files:
        sys.modules["__main__"] = main = _named(os.path.basename(path))
        script.call = main.main
        why = why or tools.load(main.load, files[0])
    if remark:
        _tell(link, f"? {remark}")
    why = why or tools.danger()
    if why:
        _tell(link, f"C {why}")
        os._exit(0)
    gc.collect()
    for file in _ends.open_files():
        if not file.closed and file.writable() and _ends.flush(file):
            _ends.written.append(file)
    gc.freeze()
    zygote = Zygote(script, link, int(turns), kills_groups=how == "groups")
    _tell(link, "R")
    zygote.serve()


def _named(file: str) -> Any:
    """Return the module of a file beside this one. It has no name to import: the script may have one of that name."""
    path = os.path.join(_HERE, file)
    module = type(sys)("crude_link_" + file)
    module.__file__ = path
    with open(path, "rb") as source:
        exec(compile(source.read(), path, "exec", dont_inherit=True), module.__dict__)
    return module


def _tell(link: int, line: str) -> None:
    """Say something to the agent; without it there is nothing to live for."""
    data = line.replace("\n", " ").encode("ascii", "backslashreplace") + b"\n"
    try:
        while data:
            data = data[os.write(link, data) :]
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main()
