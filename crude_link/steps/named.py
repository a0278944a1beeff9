"""What the steps of a pipeline name of the machine: variables of the environment, programs, interpreters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crude_link.model.pipeline import Command, Pipeline, Script, Step
from crude_link.model.value import Template, Value

_EARLY = re.compile(r"\boc\.env:([A-Za-z_]\w*)")
_IN_CONDITION = re.compile(r"\benv\.([A-Za-z_]\w*)")
_IN_SHELL = re.compile(r"(?<!\\)\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)[}:+=?-])")
#: A variable that the text gives a value itself: `x=1`, `for x in`, `read x`.
_GIVEN = re.compile(r"(?:^|[\s;&|(])(?:([A-Za-z_]\w*)=|(?:for|read)\s+(?:-\w+\s+)*([A-Za-z_]\w*))")
#: The first word of a command, behind what only gives variables values.
_FIRST = re.compile(r"(?:^|[;&|(\n])\s*(?:[A-Za-z_]\w*=[^\s()]*\s+)*([A-Za-z0-9_./+-]+)(?![=\w./+-])")
_PROGRAM = re.compile(r"[A-Za-z0-9_.+-]*[A-Za-z][A-Za-z0-9_.+-]*")
#: What sh does itself, or needs for its sentences.
_SHELL_WORD = re.compile(
    r"alias|bg|break|case|cd|command|continue|do|done|echo|elif|else|esac|eval|exec|exit|export|false|fg|fi|for|"
    r"function|getopts|hash|if|in|jobs|kill|let|local|printf|pwd|read|readonly|return|set|shift|source|test|then|time|times|"
    r"trap|true|type|ulimit|umask|unalias|unset|until|wait|while"
)
#: What a shell or crude-link sets, wherever it is started.
_ALWAYS_SET = re.compile(
    "HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|IFS|PPID|UID|RANDOM|SECONDS|LINENO|HOSTNAME|OPTARG|CRUDE_LINK_.*"
)


def variables_named(pipeline: Pipeline) -> set[str]:
    """Return the variables that the config, its conditions and its commands read and do not set themselves."""
    found = {name for text in pipeline.resolved for name in _EARLY.findall(text)}
    for step in pipeline.steps:
        if step.when is not None:
            found.update(_IN_CONDITION.findall(step.when.text))
        found.update(name for text in _shell_texts(step) for name in _variables_in(text) if name not in step.env)
    return {name for name in found if not _ALWAYS_SET.fullmatch(name)}


def programs_named(pipeline: Pipeline) -> set[str]:
    """Return the programs that commands begin with and that are looked for in PATH, as far as the text shows."""
    found: set[str] = set()
    for step in pipeline.steps:
        if isinstance(step.action, Command):
            found.update(step.action.shell[:1] if step.action.text is not None else ())
            found.update(str(word) for word in step.action.argv[:1] if isinstance(word, str))
        for text in _shell_texts(step):
            found.update(_FIRST.findall(_without_quotes(text)))
    return {name for name in found if _PROGRAM.fullmatch(name) and not _SHELL_WORD.fullmatch(name)}


def interpreters_named(pipeline: Pipeline) -> dict[str, list[str]]:
    """Return the interpreters that scripts and functions name by `python`, each with the steps that do."""
    found: dict[str, list[str]] = {}
    for step in pipeline.steps:
        if isinstance(step.action, Script) and isinstance(step.action.python, str):
            found.setdefault(step.action.python, []).append(step.name)
    return found


def _shell_texts(step: Step) -> Iterator[str]:
    if isinstance(step.action, Command) and step.action.text is not None:
        yield _shown(step.action.text)


def _variables_in(text: str) -> set[str]:
    # Within single quotes a dollar is a dollar.
    seen = re.sub(r"'[^']*'", "''", text)
    given = {name or other for name, other in _GIVEN.findall(seen)}
    return {name or other for name, other in _IN_SHELL.findall(seen)} - given


def _without_quotes(text: str) -> str:
    """The text without quotes and comments, whose first words are no programs; behind `do` a command begins."""
    text = re.sub(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""", '""', text)
    text = re.sub(r"(?:^|(?<=\s))#.*", "", text)
    return re.sub(r"\b(?:do|then|else)\s", "; ", text)


def _shown(value: Value) -> str:
    if isinstance(value, Template):
        return "".join(part if isinstance(part, str) else "_" for part in value.parts)
    return str(value)
