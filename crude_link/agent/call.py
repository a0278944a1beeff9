"""Call: runs one function or class of a file with the arguments of a task, and keeps what it returns.

    python call.py FILE NAME ARGUMENTS [validate]

ARGUMENTS is JSON: a list of what is given by place, and a mapping of what is given by name; a third element is the
config that a class is made with, whose `run` is called then. What is returned is written to the file in
CRUDE_LINK_RESULT, if it can be, as `"value":JSON`, else as `"repr":TEXT`; one that raises `crude_link.Retry` writes
`"retry":{"why":TEXT,"after":SECONDS}`. It runs under the Python of the step, any from 3.8 on; a warm Python has
loaded FILE already. With `validate` that of the class is called in place of `run`, if it has one.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType
    from typing import Any, NoReturn

#: More than this is no result but a file that should have been written.
_MOST = 16 << 20
#: The exit status of one that asks for another try; what it wrote beside it says so.
_RETRY_STATUS = 75
_LONGEST_WHY = 500
_HERE = os.path.dirname(os.path.abspath(__file__))
_RESULT = "CRUDE_LINK_RESULT"
_LEAN = "_crude_link_lean"


def load(file: str) -> ModuleType:
    """Return the module of a file, as `import` would from its folder."""
    lean = sys.modules.get(_LEAN)
    loaded: dict[str, ModuleType] = lean.__dict__.setdefault("loaded", {}) if lean else {}
    if file not in loaded:
        loaded[file] = _loaded(file)
    return loaded[file]


def _loaded(file: str) -> ModuleType:
    path = os.path.realpath(file)
    name = os.path.splitext(os.path.basename(path))[0]
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == path:
        return known
    try:  # `importlib.util` offers these, with much that each fork would cost
        from _frozen_importlib import module_from_spec
        from _frozen_importlib_external import spec_from_file_location
    except ImportError:
        from importlib.util import module_from_spec, spec_from_file_location

    _find_ours()
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _find_ours() -> None:
    """Let `crude_link`, from which `Retry` comes, be found where this Python has none of its own."""

    class Ours:  # made here, for each fork of a warm Python defines what stands above anew
        def find_spec(self, name: str, *_: object) -> Any:
            if name != "crude_link":
                return None
            from _frozen_importlib_external import PathFinder

            return PathFinder.find_spec(name, [os.path.dirname(os.path.dirname(_HERE))])

    sys.meta_path.append(Ours())


def main() -> None:
    """Call it."""
    _, file, name, text, *only_check = sys.argv
    sys.excepthook = _without_our_frames
    if sys.path and sys.path[0] == _HERE:
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    sys.argv[:] = [file]
    path, own = os.environ.pop(_RESULT, ""), os.getpid()
    lean = _lean(os.path.join(_HERE, "lean.py"))
    if only_check:
        _check(getattr(load(file), name), lean.decode_json(text)[2])
        return
    try:
        value = _called(getattr(load(file), name), lean.decode_json(text))
    except Exception as error:
        if not _asks_again(error):
            raise
        _ask_again(error, path, lean.quote_json)
    wrong = _wrong_with(value)
    if wrong:
        sys.exit(f"{name} {wrong}")
    data = _written(value, lean.quote_json)
    if len(data) > _MOST:
        sys.exit(f"{name} returned {len(data) / 1e6:.0f} MB; write that into a file, and return its path")
    if path and os.getpid() == own:  # the function may have forked, and both of them return
        _keep(path, data)


def _called(target: Any, given: list[Any]) -> object:
    """Call a function, or make what a class makes of the config, and run that."""
    by_place, by_name, *config = given
    if config:
        return target(config[0]).run()
    if isinstance(target, type):  # it would be made, and thrown away
        name = target.__name__
        sys.exit(f"the file only imports the class {name}; let it say `class My{name}({name}): pass`, and name that")
    return target(*by_place, **by_name)


def _check(target: Any, config: Any) -> None:
    """Let a class look at its config before anything runs."""
    made = target(config)
    if hasattr(made, "validate") and made.validate() is False:
        sys.exit("its `validate` returned False")


def _asks_again(error: Exception) -> bool:
    """True for `crude_link.Retry`, also that of a crude-link of another version that this Python has."""
    return any((kind.__module__, kind.__name__) == ("crude_link", "Retry") for kind in type(error).__mro__)


def _ask_again(error: Any, path: str, quote: Callable[[str], str]) -> NoReturn:
    why = " ".join(str(error).split())[:_LONGEST_WHY]
    seconds = error.after_seconds
    if path:
        after = "null" if seconds is None else repr(float(seconds))
        _keep(path, f'"retry":{{"why":{quote(why)},"after":{after}}}'.encode("ascii"))
    sys.stderr.write(f"asked for another try: {why}\n" if why else "asked for another try\n")
    sys.exit(_RETRY_STATUS)


def _keep(path: str, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while data:
        data = data[os.write(file, data) :]
    os.close(file)


def _wrong_with(value: object) -> str:
    kind = type(value).__name__
    if kind == "coroutine":
        return "is an async function, and nobody awaits it; call asyncio.run in a function of its own"
    if kind in ("generator", "async_generator"):
        return "is a generator, and nobody takes what it yields; return a list"
    return ""


def _written(value: object, quote: Any) -> bytes:
    """Return a value as JSON, or, where there is none for it, its repr."""
    try:
        text = f'"value":{_encoded(value, quote)}'
    except (TypeError, ValueError, RecursionError):
        text = f'"repr":{quote(repr(value))}'
    return text.encode("ascii")


def _encoded(value: object, quote: Any) -> str:
    try:
        from _json import make_encoder
    except ImportError:
        import json

        return json.dumps(value, default=_plain, separators=(",", ":"))
    # What `json.JSONEncoder` makes of itself; the whole module costs more than a fork.
    encode: Any = make_encoder({}, _plain, quote, None, ":", ",", False, False, True)
    return "".join(encode(value, 0))


def _plain(value: Any) -> object:
    """Return what stands for a value that JSON does not know: arrays and numbers of numpy and its kin."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(type(value).__name__)


def _lean(path: str) -> Any:
    """Return what reads and writes JSON; a warm Python has it already."""
    known = sys.modules.get(_LEAN)
    if known is None:
        known = type(sys)(_LEAN)
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec", dont_inherit=True), known.__dict__)
    return known


def _without_our_frames(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace
    sys.__excepthook__(kind, error, trace)


if __name__ == "__main__":
    main()
