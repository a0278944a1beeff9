"""Zygote imports: finds the imports of a script that can be done before it runs, and does them.

They are those on top: of what stands between them, nothing may change what they do, for it runs in each task only.
Says also whether a process may be forked when they are done.
"""

from __future__ import annotations

import _ast
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_PARSE_ONLY = 0x400  # ast.PyCF_ONLY_AST
_DEFINITIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef, _ast.Pass)
_IMPORTS = (_ast.Import, _ast.ImportFrom)


def import_all(text: bytes, file: str) -> tuple[str, str]:
    """Do the imports of a script; return why it cannot be done, or nothing, and what a person should know."""
    tree: Any = compile(text, file, "exec", _PARSE_ONLY, dont_inherit=True)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": file}
    stopped_at = 0
    for node in tree.body:
        if stopped_at:
            if _is_import(node):
                return "", (
                    f"imports below line {stopped_at} of {file} are not kept warm: that line may change what they do"
                )
        elif _is_import(node):
            why = _import(node, names, file)
            if why:
                return f"the import in line {node.lineno} {why}", ""
        elif isinstance(node, _ast.Try) and _holds_imports_only(node):
            for child in node.body:
                if _is_import(child) and _import(child, names, file):
                    break
        elif not _is_harmless(node):
            stopped_at = node.lineno
    return "", ""


def load(load_file: Callable[[str], object], file: str) -> str:
    """Import the module of a function's file; return why that cannot be done."""
    try:
        load_file(file)
    except BaseException as error:  # noqa: BLE001  # the task itself is to fail with it
        return f"the import of {file} fails: {type(error).__name__}: {error}"
    return ""


def danger() -> str:
    """Say why no process can be forked from here: what a thread or a GPU is doing would stand still in it."""
    threading = sys.modules.get("threading")
    others = [one for one in threading.enumerate() if one is not threading.main_thread()] if threading else []
    if others:
        return f"a thread runs after its imports ({others[0].name})"
    try:
        cuda = any(os.readlink("/proc/self/fd/" + fd).startswith("/dev/nvidia") for fd in os.listdir("/proc/self/fd"))
    except OSError:
        cuda = False
    if cuda:
        return "CUDA is initialised after its imports"
    try:
        threads = len(os.listdir("/proc/self/task")) - 1
        with open("/proc/self/maps", "rb") as file:
            blas = {line.split(None, 5)[5] for line in file if b"openblas" in line}
    except OSError:
        return ""
    # OpenBLAS has a thread for each core but one, and starts its threads anew in a child.
    if threads > len(blas) * max(1, (os.cpu_count() or 1) - 1):
        return f"{threads} threads of its libraries run after its imports"
    return ""


def _is_import(node: Any) -> bool:
    return isinstance(node, _IMPORTS) and getattr(node, "module", "") != "__future__"


def _import(node: Any, names: dict[str, Any], file: str) -> str:
    """Do one import; return what went wrong."""
    try:
        exec(compile(_ast.Module(body=[node], type_ignores=[]), file, "exec", dont_inherit=True), names)
    except BaseException as error:  # noqa: BLE001  # the task itself is to fail with it
        return f"fails: {type(error).__name__}: {error}"
    return ""


def _is_harmless(node: Any) -> bool:
    """True for what changes nothing outside of the script's own names."""
    if isinstance(node, (*_DEFINITIONS, *_IMPORTS)):
        return True
    if isinstance(node, _ast.Expr):
        return isinstance(node.value, _ast.Constant)
    if isinstance(node, _ast.Assign):
        return all(isinstance(target, _ast.Name) for target in node.targets) and _is_still(node.value)
    if isinstance(node, _ast.AnnAssign):
        return isinstance(node.target, _ast.Name) and (node.value is None or _is_still(node.value))
    if isinstance(node, _ast.If):
        return _is_main_guard(node) or all(_is_harmless(child) for child in (*node.body, *node.orelse))
    return isinstance(node, _ast.Try) and _holds_imports_only(node)


def _holds_imports_only(node: Any) -> bool:
    parts = [*node.body, *node.orelse, *node.finalbody, *(child for each in node.handlers for child in each.body)]
    return all(_is_harmless(child) or isinstance(child, _ast.Raise) for child in parts)


def _is_main_guard(node: Any) -> bool:
    test = node.test
    return isinstance(test, _ast.Compare) and isinstance(test.left, _ast.Name) and test.left.id == "__name__"


def _is_still(node: Any) -> bool:
    """True for an expression that calls nothing."""
    return not any(isinstance(each, (_ast.Call, _ast.Await, _ast.NamedExpr)) for each in _walk(node))


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, _ast.AST):
                yield from _walk(child)
