"""What a schema cannot know of a step that is to be warm."""

from __future__ import annotations

from collections.abc import Mapping

from crude_link.config.checks import Subject, of_step
from crude_link.model.value import Plain


def check_warm(subject: Subject) -> None:
    """Check all steps that are to be warm."""
    for index, step in enumerate(subject.steps):
        if not step.get("warm"):
            continue
        wrong = _wrong(step)
        if wrong:
            subject.problems.add(f"`warm`: {wrong}", subject.at("steps", index, "warm"), of_step(step))


def _wrong(step: Mapping[str, Plain]) -> str:
    if step.get("foreach") is None:
        return "without `foreach` there is one task, and nothing to keep warm for; leave it out"
    script = step.get("script")
    if "command" in step:
        return "a command is no Python that could be kept warm; give the file as `script`"
    if isinstance(script, str) and "${" not in script and not script.endswith(".py"):
        return f"`{script}` is no Python script that could be kept warm; leave it out"
    if isinstance(step.get("warm"), Mapping) and "script" in step:
        return (
            "`reuse` is for functions: a script begins with its first line, in a process of its own; see `function`"
        )
    return ""
