"""Read a click command line from a script's syntax tree, as far as its decorators are literal."""

from __future__ import annotations

import ast
from dataclasses import replace

from crude_link.steps.signature import Parameter, ScriptStyle, Signature, Takes, ValueType, as_key
from crude_link.steps.syntax import Syntax, keywords, literal

_TYPES = {
    "int": ValueType.INT,
    "float": ValueType.FLOAT,
    "bool": ValueType.BOOL,
    "str": ValueType.TEXT,
    "click.INT": ValueType.INT,
    "click.IntRange": ValueType.INT,
    "click.FLOAT": ValueType.FLOAT,
    "click.FloatRange": ValueType.FLOAT,
    "click.BOOL": ValueType.BOOL,
    "click.STRING": ValueType.TEXT,
    "click.Path": ValueType.TEXT,
    "click.Choice": ValueType.TEXT,
}
_WITHOUT_PARAMETERS = (
    "click.command", "click.version_option", "click.help_option", "click.pass_context", "click.pass_obj",
)  # fmt: skip
_CHANGES_READING = ("cls", "context_settings", "params")


def read_click(syntax: Syntax) -> Signature | None:
    """Return the signature of a script that is one click command; None when it is none."""
    commands = [
        node
        for node in ast.walk(syntax.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(_origin(syntax, one) in ("click.command", "click.group") for one in node.decorator_list)
    ]
    if not commands:
        return None
    unknown = Signature(style=ScriptStyle.CLICK)
    decorators = commands[0].decorator_list
    if len(commands) > 1 or any(_origin(syntax, one) == "click.group" for one in decorators):
        return unknown
    parameters: list[Parameter] = []
    is_complete = True
    for decorator in decorators:
        origin = _origin(syntax, decorator)
        if origin in ("click.option", "click.argument") and isinstance(decorator, ast.Call):
            parameter = _parameter(syntax, decorator, origin == "click.argument")
            parameters += [parameter] if parameter else []
            is_complete = is_complete and parameter is not None
        else:
            is_complete = is_complete and origin in _WITHOUT_PARAMETERS and not _changes_reading(decorator)
    if not is_complete:  # what was not seen may stand between them, so places are not known
        parameters = [parameter for parameter in parameters if not parameter.is_positional]
    return Signature(style=ScriptStyle.CLICK, parameters=tuple(parameters), is_complete=is_complete)


def _origin(syntax: Syntax, decorator: ast.expr) -> str:
    name = syntax.origin(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return name.replace("click.decorators.", "click.")


def _changes_reading(decorator: ast.expr) -> bool:
    given = keywords(decorator) if isinstance(decorator, ast.Call) else {}
    return given is None or any(name in given for name in _CHANGES_READING)


def _parameter(syntax: Syntax, call: ast.Call, is_positional: bool) -> Parameter | None:
    names = [literal(argument) for argument in call.args]
    texts = [name for name in names if isinstance(name, str) and name]
    if not texts or len(texts) != len(names):
        return None
    given = keywords(call)
    known = given if given is not None else {}
    parameter = _positional(texts) if is_positional else _option(texts)
    if not parameter:
        return None
    parameter = replace(
        parameter,
        type=_type(syntax, known),
        choices=_choices(syntax, known.get("type")),
        is_required=_is_required(parameter, known),
    )
    if given is None or "callback" in given or "cls" in given:
        takes = parameter.takes if parameter.takes is Takes.NOTHING else Takes.UNKNOWN
        return replace(parameter, takes=takes, type=ValueType.OTHER, choices=None)
    return _with_arity(parameter, known)


def _positional(texts: list[str]) -> Parameter:
    return Parameter(name=texts[0].replace("-", "_").lower(), is_positional=True)


def _option(texts: list[str]) -> Parameter | None:
    named = [text for text in texts if not text.startswith("-")]
    spellings = [text for text in texts if text.startswith("-")]
    yes = [text.split("/")[0].strip() for text in spellings]
    no = [text.split("/")[1].strip() for text in spellings if "/" in text]
    yes = [text for text in yes if text]
    if not yes:
        return None
    longest = sorted(yes, key=lambda text: not text.startswith("--"))
    negatives = sorted((text for text in no if text), key=lambda text: not text.startswith("--"))
    return Parameter(
        name=named[0] if named else as_key(longest[0]).lower(),
        spelling=longest[0],
        keys=tuple(as_key(text) for text in yes),
        negative=negatives[0] if negatives else "",
        takes=Takes.NOTHING if no else Takes.VALUE,
    )


def _is_required(parameter: Parameter, given: dict[str, ast.expr]) -> bool:
    if "envvar" in given or "default" in given:
        return False
    said = literal(given.get("required"))
    if not parameter.is_positional:
        return said is True
    return said is True or ("required" not in given and literal(given.get("nargs")) != -1)


def _type(syntax: Syntax, given: dict[str, ast.expr]) -> ValueType | None:
    node = given.get("type")
    if node is None:
        default = literal(given.get("default"))
        for kind, found in ((bool, ValueType.BOOL), (int, ValueType.INT), (float, ValueType.FLOAT)):
            if isinstance(default, kind):
                return found
        return None
    if isinstance(node, ast.Call):
        node = node.func
    name = node.id if isinstance(node, ast.Name) and not syntax.origin(node) else syntax.origin(node)
    return _TYPES.get(name, ValueType.OTHER)


def _choices(syntax: Syntax, node: ast.expr | None) -> tuple[str, ...] | None:
    if not isinstance(node, ast.Call) or syntax.origin(node.func) != "click.Choice" or not node.args:
        return None
    values, given = literal(node.args[0]), keywords(node)
    is_plain = given is not None and all(literal(value) is True for value in given.values())  # `case_sensitive=True`
    if len(node.args) > 1 or not is_plain or not isinstance(values, list | tuple):
        return None
    texts = tuple(value for value in values if isinstance(value, str))
    return texts if len(texts) == len(values) else None


def _with_arity(parameter: Parameter, given: dict[str, ast.expr]) -> Parameter:
    if literal(given.get("is_flag")) is True or "flag_value" in given:
        return replace(parameter, takes=Takes.NOTHING)
    if literal(given.get("count")) is True:
        return replace(parameter, takes=Takes.COUNT)
    if literal(given.get("multiple")) is True:
        parameter = replace(parameter, is_repeated=True)
    count = literal(given.get("nargs", ast.Constant(1)))
    if count == 1 or parameter.takes is Takes.NOTHING:
        return parameter
    if count == -1:
        return replace(parameter, takes=Takes.MANY, least=int(parameter.is_required))
    if isinstance(count, int):
        return replace(parameter, takes=Takes.MANY, count=count)
    return replace(parameter, takes=Takes.UNKNOWN)
