"""Pre-flight of a function or class: it is there, and takes what it is given; nothing is imported."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.model.pipeline import Script, Step
from crude_link.model.value import Placeholder, Plain, references_in
from crude_link.steps.class_preflight import wrong_with_class
from crude_link.steps.definitions import AnyFunction, definition, yields
from crude_link.steps.function import TaskFunction
from crude_link.steps.item_values import Turn, late_filled


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongCall:
    """What is wrong with a call, and the keys of the step that say so."""

    text: str
    keys: tuple[str, ...] = ("function",)
    is_of_syntax: bool = False


def wrong_with_call(step: Step, path: Path, first: Plain) -> Iterator[WrongCall]:
    """Yield what is surely wrong; `first` is the first input, None where there is none or it is not known."""
    script = step.action
    assert isinstance(script, Script)
    assert script.function
    try:
        tree = ast.parse(path.read_bytes())
    except OSError as error:
        raise CannotStart(f"the file {script.path} cannot be read: {error.strerror}") from error
    except SyntaxError as error:
        text = f"the file has a syntax error: {script.path}:{error.lineno or 1}: {error.msg}"
        yield WrongCall(text=text, is_of_syntax=True)
        return
    except (ValueError, RecursionError):
        return
    found = definition(tree, script.function)
    where = f"{script.path}:{script.function}"
    if found is None:
        names = [node.name for node in tree.body if isinstance(node, AnyFunction | ast.ClassDef)]
        if not _may_have(tree, script.function):
            yield WrongCall(text=f"there is no function '{script.function}' in {script.path}{_near(script, names)}")
    elif isinstance(found, ast.ClassDef):
        yield from (WrongCall(text=text) for text in wrong_with_class(found, where))
        return
    elif isinstance(found, ast.AsyncFunctionDef):
        yield WrongCall(text=f"{where} is an async function; name one that calls asyncio.run")
    elif yields(found):
        yield WrongCall(text=f"{where} is a generator, and nobody would take what it yields; return a list")
    else:
        yield from _wrong_arguments(step, found, where, first)
    if step.foreach and step.arguments and not _names_input(step):
        message = "`foreach`: its input is used nowhere, and every task would do the same; give it as an argument"
        yield WrongCall(text=f"{message}: `arguments: {{image: '{{item}}'}}`", keys=("foreach",))


def wrong_with_first_call(step: Step, item: Plain) -> None:
    """Make the first task as far as can be. CannotStart when it cannot be."""
    arguments = {key: late_filled(value, lambda _: "x") for key, value in step.arguments.items()}
    if any(one.path.split(".")[0] in ("slot", "gpu", "resource") for one in references_in(tuple(arguments.values()))):
        return
    try:
        TaskFunction([], arguments).argv(item, Turn(1))
    except CannotStart as problem:
        raise CannotStart(f"with the first input: {problem}") from problem


def _may_have(tree: ast.Module, name: str) -> bool:
    """True when the file may make a name in another way: import it, assign it, or define it under a condition."""
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return True
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, AnyFunction | ast.ClassDef) and node not in tree.body and node.name == name:
            return True
    return any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)


def _near(script: Script, names: list[str]) -> str:
    close = difflib.get_close_matches(str(script.function), names, n=1)
    if close:
        return f". Did you mean '{close[0]}'?"
    return f"; it has: {', '.join(names)}" if names else "; it has none"


def _wrong_arguments(step: Step, function: ast.FunctionDef, where: str, first: Plain) -> Iterator[WrongCall]:
    if function.decorator_list:  # it may take anything
        return
    takes = function.args
    by_place = [one.arg for one in (*takes.posonlyargs, *takes.args)]
    required = by_place[: len(by_place) - len(takes.defaults)]
    named = [one.arg for one in takes.args] + [one.arg for one in takes.kwonlyargs]
    required += [one.arg for one, default in zip(takes.kwonlyargs, takes.kw_defaults, strict=True) if default is None]
    given = _given_names(step, first)
    if given is None:
        missing = ", ".join(f"'{name}'" for name in required if name not in by_place[:1])
        if first is not None and not by_place and not takes.vararg:
            yield WrongCall(text=f"{where} takes nothing by place, but is given the input")
        elif first is not None and missing:
            yield WrongCall(text=f"{where} needs {missing} beside the input; give it under `arguments`")
        return
    for name in given:
        if name not in named and not takes.kwarg:
            close = difflib.get_close_matches(name, named, n=1)
            hint = f". Did you mean '{close[0]}'?" if close else f"; it has: {', '.join(named)}" if named else ""
            key = f"arguments.{name}" if step.arguments else "foreach"
            yield WrongCall(text=f"{where} has no argument '{name}'{hint}", keys=(key, "arguments", "foreach"))
    missing = ", ".join(f"'{name}'" for name in required if name not in given)
    if missing:
        yield WrongCall(text=f"{where} needs {missing}, which is not given", keys=("arguments", "function"))


def _given_names(step: Step, first: Plain) -> list[str] | None:
    """Return the names of what it is given; None: one thing by place, or nothing is known."""
    if step.arguments or not step.foreach:
        return list(step.arguments)
    if isinstance(first, Mapping) and first.keys() == {"task_id", "data"}:
        first = first["data"]
    return [str(key) for key in first] if isinstance(first, Mapping) else None


def _names_input(step: Step) -> bool:
    values = (*step.arguments.values(), *step.env.values())
    return any(isinstance(one, Placeholder) for value in values for one in references_in(value))
