"""Zygote end: ends the process of a task as an interpreter ends, from what it was told to the last file."""

from __future__ import annotations

import atexit
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any, NoReturn
else:
    import _signal as signal

#: Its frames are not the script's.
_ZYGOTE = os.path.join(os.path.dirname(__file__), "zygote.py")


def status_of(code: object) -> int:
    """Return the exit status that a SystemExit means."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    try:
        sys.stdout.flush()
        sys.stderr.write(f"{code}\n")
    except (OSError, ValueError, AttributeError):
        pass
    return 1


def complain() -> int:
    """Print the exception as Python does, without our own frames; -1 means the end by SIGINT."""
    kind, error, trace = sys.exc_info()
    assert kind
    assert error
    while trace and trace.tb_frame.f_code.co_filename == _ZYGOTE:
        trace = trace.tb_next
    error.__traceback__ = trace
    try:
        sys.excepthook(kind, error, trace)
    except SystemExit as other:
        return status_of(other.code)
    except BaseException:  # noqa: BLE001  # a hook of the script's
        sys.__excepthook__(*sys.exc_info())
    return -1 if issubclass(kind, KeyboardInterrupt) else 1


def end(status: int, names: dict[str, Any]) -> NoReturn:
    """End as an interpreter does, but for taking apart what it shares with others of its kind.

    Threads are waited for, exit functions called, the names of the script deleted, all files flushed.
    """
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001  # it is told, and the end goes on
        sys.excepthook(*sys.exc_info())
    _forget(names)
    for file in [*written, *open_files(), sys.stdout, sys.stderr]:
        if not flush(file) and file in (sys.stdout, sys.stderr):
            status = 120
    if status < 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(status)


def _forget(names: dict[str, Any]) -> None:
    """Let go of a script's names in the order of the interpreter: what begins with one underscore comes first."""
    for is_private in (True, False):
        for name in list(names):
            if name != "__builtins__" and is_private == (name[:1] == "_" and name[1:2] != "_"):
                names[name] = None
    if names:
        gc.collect()


def flush(file: Any) -> bool:
    try:
        if file is not None and not file.closed:
            file.flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True


#: Files that were open for writing when the imports were done.
written: list[Any] = []


def open_files() -> list[Any]:
    """Return the files that are open, or were, but for those before `gc.freeze`."""
    import io

    kinds = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
    return [each for each in gc.get_objects() if issubclass(type(each), kinds)]
