"""ClassConfig: what a class that a step names is made with: the pipeline's document with the step's keys over it."""

from __future__ import annotations

from collections.abc import Mapping

from crude_link.model.pipeline import Pipeline
from crude_link.model.value import Plain

#: The steps themselves are left out: beside its own a task has no use for them, and lists of inputs are long.
_LEFT_OUT = ("steps", "foreach", "arguments")


def class_config(pipeline: Pipeline, step: str) -> dict[str, Plain]:
    """Return the config of a step's class but for `arguments`, and `item`, which are filled for each task."""
    steps = pipeline.document.get("steps")
    found = [each for each in steps if isinstance(each, Mapping)] if isinstance(steps, list | tuple) else []
    own: Mapping[str, Plain] = next((each for each in found if each.get("name") == step), {})
    merged = {**pipeline.document, **own, "name": step}
    return {key: value for key, value in merged.items() if key not in _LEFT_OUT}
