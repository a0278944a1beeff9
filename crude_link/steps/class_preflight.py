"""Pre-flight of a class: it takes the config, and has a `run` that can be called; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crude_link.steps.definitions import AnyFunction, is_plain, may_have, method, yields


def wrong_with_class(found: ast.ClassDef, where: str) -> Iterator[str]:
    """Yield what is surely wrong."""
    maker = method(found, "__init__")
    if maker is None and is_plain(found):
        yield f"{where} takes no config: give it `def __init__(self, config)`"
    elif maker and not _takes(maker, 1):
        yield f"{where} is made with the config alone; its `__init__` takes something else"
    if not may_have(found, "run"):
        yield f"{where} has no method `run`, which is to do its work"
    for name in ("run", "validate"):
        function = method(found, name)
        if function and not _takes(function, 0):
            yield f"{where}: `{name}` is given nothing; what it needs stands in the config"
        if isinstance(function, ast.AsyncFunctionDef):
            yield f"{where}: `{name}` is async, and nobody awaits it; call asyncio.run in it"
        elif function and yields(function):
            yield f"{where}: `{name}` is a generator, and nobody would take what it yields; return a list"


def _takes(function: AnyFunction, given: int) -> bool:
    """True when a method can be called with so many arguments by place; one that is decorated may take anything."""
    if function.decorator_list:
        return True
    takes = function.args
    by_place = len(takes.posonlyargs) + len(takes.args) - 1
    is_asking = any(default is None for default in takes.kw_defaults)
    is_enough = by_place - len(takes.defaults) <= given
    return not is_asking and is_enough and (by_place >= given or takes.vararg is not None)
