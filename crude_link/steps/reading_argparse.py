"""Read an argparse command line from a script's syntax tree, as far as its calls are literal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from crude_link.model.value import Plain
from crude_link.steps.signature import Parameter, ScriptStyle, Signature, Takes, ValueType, as_key
from crude_link.steps.syntax import NOT_LITERAL, Syntax, keywords, literal

_TYPES = {"int": ValueType.INT, "float": ValueType.FLOAT, "bool": ValueType.BOOL, "str": ValueType.TEXT}
_FLAGS = ("store_true", "store_false", "store_const", "append_const")
_REPEATED = ("append", "append_const")
#: What can be said to a parser's constructor without changing how it reads options.
_HARMLESS = frozenset(
    ("prog", "usage", "description", "epilog", "formatter_class", "add_help", "allow_abbrev", "exit_on_error")
)
_PARSERS = ("argparse.ArgumentParser",)
_GROUPS = ("add_argument_group", "add_mutually_exclusive_group")


def read_argparse(syntax: Syntax) -> Signature | None:
    """Return the signature of a script that reads its command line with argparse; None when it does not."""
    calls = list(syntax.calls())
    constructors = [call for call in calls if syntax.origin(call.func) in _PARSERS]
    methods = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)}
    if not constructors and not methods & {"parse_args", "parse_known_args"}:
        return None
    unknown = Signature(style=ScriptStyle.ARGPARSE)
    if len(constructors) != 1 or "add_subparsers" in methods:
        return unknown
    parameters = [_parameter(syntax, call, is_sure) for call, is_sure in _additions(syntax.tree.body, True)]
    known = [parameter for parameter in parameters if parameter]
    is_complete = (
        len(known) == len(parameters)
        and not methods & {"parse_known_args", "parse_known_intermixed_args"}
        and _is_harmless(constructors[0])
        and not _is_given_away(syntax, calls)
    )
    if not is_complete:  # what was not seen may stand between them, so places are not known
        known = [parameter for parameter in known if not parameter.is_positional]
    return Signature(style=ScriptStyle.ARGPARSE, parameters=tuple(_paired(known)), is_complete=is_complete)


def _is_harmless(constructor: ast.Call) -> bool:
    given = keywords(constructor)
    return given is not None and set(given) <= _HARMLESS


def _additions(nodes: list[ast.stmt], is_sure: bool) -> Iterator[tuple[ast.Call, bool]]:
    """Yield the `add_argument` calls in order, and whether they surely happen, once."""
    for node in nodes:
        bodies = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        if not bodies:
            yield from ((call, is_sure) for call in ast.walk(node) if _adds(call))  # type: ignore[misc]  # a Call
            continue
        branches = isinstance(node, ast.If | ast.For | ast.While | ast.Try) and not _is_main_guard(node)
        yield from _additions(bodies, is_sure and not branches)


def _adds(node: ast.AST) -> bool:
    is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return is_method and node.func.attr == "add_argument"  # type: ignore[attr-defined]  # the line above


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(
        isinstance(name, ast.Name) and name.id == "__name__" for name in ast.walk(node.test)
    )


def _is_given_away(syntax: Syntax, calls: list[ast.Call]) -> bool:
    """True when the parser goes to a function of another file, which may add to it."""
    parsers = {
        target.id
        for node in ast.walk(syntax.tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _makes_parser(syntax, node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in calls:
        is_own = isinstance(call.func, ast.Name) and call.func.id in syntax.functions
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if not is_own and any(isinstance(one, ast.Name) and one.id in parsers for one in given):
            return True
    return any(isinstance(base, ast.expr) and syntax.origin(base) in _PARSERS for base in _bases(syntax))


def _makes_parser(syntax: Syntax, call: ast.Call) -> bool:
    is_group = isinstance(call.func, ast.Attribute) and call.func.attr in _GROUPS
    return is_group or syntax.origin(call.func) in _PARSERS


def _bases(syntax: Syntax) -> Iterator[ast.expr]:
    return (base for node in ast.walk(syntax.tree) if isinstance(node, ast.ClassDef) for base in node.bases)


def _parameter(syntax: Syntax, call: ast.Call, is_sure: bool) -> Parameter | None:
    names = [literal(argument) for argument in call.args]
    texts = [name for name in names if isinstance(name, str) and name]
    given = keywords(call)
    if not texts or len(texts) != len(names):
        return None
    is_positional = not texts[0].startswith("-")
    known = given if given is not None else {}
    named = literal(known["dest"]) if "dest" in known else None
    long_names = [text for text in texts if text.startswith("--")] or texts
    keys = () if is_positional else tuple(as_key(text) for text in texts)
    parameter = Parameter(
        name=named if isinstance(named, str) else as_key(long_names[0]),
        spelling="" if is_positional else long_names[0],
        keys=keys,
        is_positional=is_positional,
        is_required=is_sure and literal(known.get("required")) is True,
        type=_type(syntax, known.get("type")),
        choices=_choices(known.get("choices")),
    )
    if given is None or named is NOT_LITERAL:
        return replace(parameter, takes=Takes.UNKNOWN, type=ValueType.OTHER, choices=None)
    return _with_arity(_with_action(syntax, parameter, given.get("action")), given, is_sure)


def _type(syntax: Syntax, node: ast.expr | None) -> ValueType | None:
    if node is None:
        return None
    if isinstance(node, ast.Name) and node.id not in syntax.functions:
        return _TYPES.get(node.id, ValueType.OTHER)
    return ValueType.OTHER


def _choices(node: ast.expr | None) -> tuple[Plain, ...] | None:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "range"
        and not node.keywords
    ):
        bounds = [literal(argument) for argument in node.args]
        numbers = [bound for bound in bounds if isinstance(bound, int)]
        is_short = numbers and len(numbers) == len(bounds) and max(map(abs, numbers)) <= 1000
        return tuple(range(*numbers)) if is_short else None
    values = literal(node)
    return tuple(values) if isinstance(values, list | tuple | set | dict) else None


def _with_action(syntax: Syntax, parameter: Parameter, node: ast.expr | None) -> Parameter:
    if node is None:
        return parameter
    if syntax.origin(node) == "argparse.BooleanOptionalAction":
        negative = "--no-" + parameter.spelling[2:] if parameter.spelling.startswith("--") else ""
        return replace(parameter, takes=Takes.NOTHING, negative=negative)
    action = literal(node)
    if action in _FLAGS:
        return replace(
            parameter,
            takes=Takes.NOTHING,
            is_inverted=action == "store_false",
            is_repeated=action in _REPEATED,
        )
    if action == "count":
        return replace(parameter, takes=Takes.COUNT)
    if action == "append":
        return replace(parameter, is_repeated=True)
    if action == "extend":
        return replace(parameter, takes=Takes.MANY)
    return parameter if action == "store" else replace(parameter, takes=Takes.UNKNOWN, type=ValueType.OTHER)


def _with_arity(parameter: Parameter, given: dict[str, ast.expr], is_sure: bool) -> Parameter:
    if "nargs" in given:
        parameter = _with_nargs(parameter, literal(given["nargs"]))
    if not parameter.is_positional:
        return parameter
    needs_one = parameter.takes is Takes.VALUE or parameter.least > 0 or bool(parameter.count)
    is_optional = "nargs" in given and literal(given["nargs"]) == "?"
    return replace(parameter, is_required=is_sure and needs_one and not is_optional)


def _with_nargs(parameter: Parameter, nargs: object) -> Parameter:
    if nargs == "?":
        return parameter
    if nargs in ("*", "+"):
        return replace(parameter, takes=Takes.MANY, least=int(nargs == "+"))
    if isinstance(nargs, int) and not isinstance(nargs, bool):
        return replace(parameter, takes=Takes.MANY, count=nargs)
    return replace(parameter, takes=Takes.UNKNOWN)


def _paired(parameters: list[Parameter]) -> Iterator[Parameter]:
    """Join a `--cache` and a `--no-cache` with the same destination: each is how the other's opposite is said."""
    inverted = {one.name: one.spelling for one in parameters if one.is_inverted}
    for parameter in parameters:
        is_plain_flag = parameter.takes is Takes.NOTHING and not parameter.is_inverted and not parameter.is_repeated
        if is_plain_flag and not parameter.negative and parameter.name in inverted:
            yield replace(parameter, negative=inverted[parameter.name])
        else:
            yield parameter
