"""Definitions: what the syntax tree of a Python file says of a function or class on top of it."""

from __future__ import annotations

import ast

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


def definition(tree: ast.Module, name: str) -> AnyFunction | ast.ClassDef | None:
    """Return the last definition of a name on top of a file, if it is written out there."""
    nodes = [node for node in tree.body if isinstance(node, AnyFunction | ast.ClassDef) and node.name == name]
    return nodes[-1] if nodes else None


def class_in(source: bytes, name: str) -> ast.ClassDef | None:
    """Return the class of that name; None for anything else, and where the file is no Python for us."""
    try:
        found = definition(ast.parse(source), name)
    except (SyntaxError, ValueError, RecursionError):
        return None
    return found if isinstance(found, ast.ClassDef) else None


def method(found: ast.ClassDef, name: str) -> AnyFunction | None:
    """Return the last method of that name in the class itself."""
    nodes = [node for node in found.body if isinstance(node, AnyFunction) and node.name == name]
    return nodes[-1] if nodes else None


def may_have(found: ast.ClassDef, name: str) -> bool:
    """True when a class has a method, or may have got it in a way that is not written out in it."""
    return method(found, name) is not None or not is_plain(found)


def is_plain(found: ast.ClassDef) -> bool:
    """True when a class has nothing from elsewhere."""
    bases = [base for base in found.bases if not (isinstance(base, ast.Name) and base.id == "object")]
    says_more = any(not isinstance(node, AnyFunction | ast.Pass | ast.Expr) for node in found.body)
    return not (bases or found.keywords or found.decorator_list or says_more)


def yields(function: AnyFunction) -> bool:
    """True for a generator."""
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return False
