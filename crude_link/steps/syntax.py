"""Syntax: a script's syntax tree, and the few questions that the readers of command lines ask of it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: What a node stands for when it is not a literal.
NOT_LITERAL = object()


class Syntax:
    """The tree of one script and what its imported names stand for."""

    def __init__(self, source: str | bytes) -> None:
        """Read `source`. SyntaxError or ValueError (a NUL in it) when Python cannot."""
        self.tree = ast.parse(source)
        self._origins = dict(_imports(self.tree))

    def origin(self, node: ast.AST | None) -> str:
        """Return the dotted name under which the world knows what `node` names (`fire.Fire`), or an empty text."""
        if isinstance(node, ast.Name):
            return self._origins.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self.origin(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""

    def calls(self) -> Iterator[ast.Call]:
        """Yield every call."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def function(self, node: ast.AST | None) -> Function | None:
        """Return the plain function that `node` surely names: bound once in the whole file, and not decorated."""
        if isinstance(node, ast.Lambda):
            return node
        if not isinstance(node, ast.Name) or self._bindings()[node.id] != 1:
            return None
        for statement in ast.walk(self.tree):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == node.id:
                is_inside = statement not in _module_level(self.tree)
                return None if is_inside or statement.decorator_list else statement
        return None

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names of all functions that the file has."""
        return frozenset(node.name for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))

    def _bindings(self) -> Counter[str]:
        bound: Counter[str] = Counter()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                bound[node.name] += 1
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound[node.id] += 1
            elif isinstance(node, ast.arg):
                bound[node.arg] += 1
            elif isinstance(node, ast.alias):
                bound[(node.asname or node.name).split(".")[0]] += 1
        return bound


def literal(node: ast.AST | None) -> object:
    """Return the value of a literal, or NOT_LITERAL."""
    if node is None:
        return NOT_LITERAL
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return NOT_LITERAL


def keywords(call: ast.Call) -> dict[str, ast.expr] | None:
    """Return the named arguments of a call; None when `**` hides some."""
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _module_level(tree: ast.Module) -> set[ast.stmt]:
    """The statements of the module itself, also those under `if` and `try`."""
    found: set[ast.stmt] = set()
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        found.add(statement)
        if isinstance(statement, ast.If | ast.Try):
            waiting += [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
    return found
