"""Advice: what is allowed in a config and probably not meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from crude_link.config.checks import Subject, of_step, references_below
from crude_link.config.needs import earlier_than, needs_of
from crude_link.model.value import Plain

#: Words of a list that were meant for a shell.
_SHELL_SIGNS = ("|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "2>&1")


def advise(subject: Subject) -> None:
    """Warn of all that a careful reader would ask about."""
    for each in (_commands, _conditions, _paths, _secrets, _idle):
        each(subject)


def _commands(subject: Subject) -> None:
    for index, step in enumerate(subject.steps):
        command = step.get("command")
        at = subject.at("steps", index, "command")
        signs = [word for word in command if word in _SHELL_SIGNS] if isinstance(command, list) else []
        if signs:
            message = f"no shell sees a list: `{signs[0]}` is passed on as a word; write the command as text"
            subject.problems.warn(message, at, of_step(step))
        if isinstance(command, str) and step.get("shell", "sh") == "sh" and _has_pipe(command):
            message = "under `sh` a pipe hides failures of all but its last command; write `shell: bash`"
            subject.problems.warn(message, at, of_step(step))


def _has_pipe(command: str) -> bool:
    bare = re.sub(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|#.*", "", command)
    return re.search(r"(?<![|>])\|(?!\|)", bare) is not None


def _conditions(subject: Subject) -> None:
    needs = needs_of(subject.steps)
    for index, step in enumerate(subject.steps):
        if step.get("when") == "failed" and not earlier_than(str(step.get("name")), needs):
            message = "`when: failed` never holds here, for no step comes before this one"
            subject.problems.warn(message, subject.at("steps", index, "when"), of_step(step))


def _paths(subject: Subject) -> None:
    for index, step in enumerate(subject.steps):
        for key in ("inputs", "outputs"):
            said = step.get(key)
            for number, text in enumerate(
                [said] if isinstance(said, str) else said if isinstance(said, list) else []
            ):
                if isinstance(text, str) and re.search(r"[*?]", text):
                    message = f"`{text}` is taken as a name: patterns are not expanded here"
                    subject.problems.warn(message, subject.at("steps", index, key, number), of_step(step))


def _secrets(subject: Subject) -> None:
    for index, step in enumerate(subject.steps):
        for path, reference in references_below(step.get("arguments"), ("steps", index, "arguments")):
            if reference.head == "secrets":
                message = f"`{reference}` in `arguments` is visible to everyone in `ps`; pass it in `env`"
                subject.problems.warn(message, subject.at(*path), of_step(step))


def _idle(subject: Subject) -> None:
    """Warn of keys that do nothing where they are said; what a step has from the top is said for others."""
    for index, step in enumerate(subject.steps):
        for key, reason in _idle_keys(step):
            node = subject.tree.descend(("steps", index, key))
            from_above = (subject.tree.descend(("defaults", key)), subject.tree.descend((key,)))
            if node and node not in from_above:
                subject.problems.warn(f"`{key}` does nothing here: {reason}", node.place, of_step(step))


def _idle_keys(step: Mapping[str, Plain]) -> Iterator[tuple[str, str]]:
    script = step.get("script")
    if step.get("foreach") is None:
        for key in ("parallel", "allow_failed", "stop_after_failed"):
            yield key, "it is about the tasks of a step with `foreach`"
    if "function" in step:
        yield "argument_style", "a function receives its arguments as they are"
        yield "shell", "it runs `command` text, and this is a function"
    elif "command" in step:
        yield "python", "it runs `.py` scripts, and this is a command"
    elif isinstance(script, str):
        yield "shell", "it runs `command` text, and this is a script"
        if "${" not in script and not script.endswith(".py"):
            yield "python", "it runs `.py` scripts, and this is another"
