"""Read a script's Signature from its text; nothing is imported and nothing is run."""

from __future__ import annotations

import ast

from crude_link.steps.signature import UNKNOWN, Parameter, ScriptStyle, Signature, ValueType
from crude_link.steps.syntax import Function, Syntax, keywords, literal

_TYPES = {
    "int": ValueType.INT,
    "float": ValueType.FLOAT,
    "bool": ValueType.BOOL,
    "str": ValueType.TEXT,
    "list": ValueType.LIST,
    "List": ValueType.LIST,
    "dict": ValueType.MAPPING,
    "Dict": ValueType.MAPPING,
}


def read_signature(source: str | bytes) -> Signature:
    """Return what a script takes. SyntaxError (with its line) or ValueError when it is no Python.

    What cannot be known is not guessed: parameters that are missing then do not count as wrong.
    """
    syntax = Syntax(source)
    if by_fire := _read_fire(syntax):
        return by_fire
    from crude_link.steps.reading_argparse import read_argparse
    from crude_link.steps.reading_click import read_click

    return read_click(syntax) or read_argparse(syntax) or UNKNOWN


def signature_of(source: bytes) -> Signature:
    """Return what a script takes; nothing is known of one that is no Python for us, the process itself will tell."""
    try:
        return read_signature(source)
    except (SyntaxError, ValueError, RecursionError):
        return UNKNOWN


def _read_fire(syntax: Syntax) -> Signature | None:
    calls = [call for call in syntax.calls() if syntax.origin(call.func) in ("fire.Fire", "fire.core.Fire")]
    if not calls:
        return None
    unknown = Signature(style=ScriptStyle.FIRE)
    given = keywords(calls[0])
    if len(calls) > 1 or given is None or "command" in given or len(calls[0].args) > 1:
        return unknown
    function = syntax.function(calls[0].args[0] if calls[0].args else given.get("component"))
    return _of_function(function) if function else unknown


def _of_function(function: Function) -> Signature:
    listed = function.args.posonlyargs + function.args.args
    first_default = len(listed) - len(function.args.defaults)
    parameters = [_parameter(one, at < first_default) for at, one in enumerate(listed)]
    parameters += [
        _parameter(one, default is None)
        for one, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    ]
    is_complete = function.args.kwarg is None
    return Signature(style=ScriptStyle.FIRE, parameters=tuple(parameters), is_complete=is_complete)


def _parameter(argument: ast.arg, is_required: bool) -> Parameter:
    kind, choices = _annotated(argument.annotation)
    return Parameter(name=argument.arg, is_required=is_required, type=kind, choices=choices)


def _annotated(node: ast.expr | None) -> tuple[ValueType | None, tuple[str, ...] | None]:
    """Read an annotation: its type where it is one of the simple ones, its choices where it is a `Literal`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return None, None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):  # int | None
        if literal(node.right) is None:
            return _annotated(node.left)
        return _annotated(node.right) if literal(node.left) is None else (None, None)
    if isinstance(node, ast.Subscript):
        return _subscripted(node)
    return _TYPES.get(_last_word(node)), None


def _subscripted(node: ast.Subscript) -> tuple[ValueType | None, tuple[str, ...] | None]:
    word = _last_word(node.value)
    if word == "Optional":
        return _annotated(node.slice)
    if word == "Literal":
        values = literal(node.slice)
        values = values if isinstance(values, tuple) else (values,)
        texts = tuple(value for value in values if isinstance(value, str))
        return None, texts if len(texts) == len(values) else None
    return _TYPES.get(word), None


def _last_word(node: ast.expr | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
