"""What a schema cannot know of `resources`: that pools are there, and what their items may speak of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crude_link.config.checks import Subject, of_step, references_below, wrong_reference
from crude_link.config.problems import did_you_mean, one_of
from crude_link.config.resources_form import NEED_KEYS
from crude_link.model.resources import GPU
from crude_link.model.value import Plain

#: A pool's name becomes a part of an environment variable's.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_resources(subject: Subject) -> None:
    """Check the pools of a pipeline, and what its steps need of them."""
    for name, said in subject.mapping("resources").items():
        _check_pool(subject, name, said)
    for index, step in enumerate(subject.steps):
        for key in NEED_KEYS:
            if step.get(key) is not None and step.get("foreach") is None:
                message = f"`{key}` is what the tasks of a `foreach` need, which this step does not have"
                subject.problems.add(message, subject.at("steps", index, key), of_step(step))
        needs = step.get("resources")
        if isinstance(needs, Mapping) and GPU in needs and step.get("gpus") is not None:
            message = f"`gpus` and `resources.{GPU}` are the same pool; keep one"
            subject.problems.add(message, subject.at("steps", index, "gpus"), of_step(step))
        for word in needs if isinstance(needs, Mapping) else ():
            pools = subject.mapping("resources")
            if word not in pools and word != GPU:  # that one is found on the machine
                message = f"`resources`: there is no pool '{word}'{did_you_mean(word, pools)}; pools: {one_of(pools)}"
                at = subject.tree.nearest(("steps", index, "resources", word)).place
                subject.problems.add(message, at, of_step(step))


def _check_pool(subject: Subject, name: str, said: Plain) -> None:
    if not _NAME.fullmatch(name):
        message = f"'{name}' cannot be a pool: environment variables bear its name, so use letters, digits and `_`"
        subject.problems.add(message, subject.tree.nearest(("resources", name)).place)
    if not isinstance(said, Mapping):
        said = {"items": said}
    items = said.get("items")
    for number, item in enumerate(items if isinstance(items, (list, tuple)) else ()):
        if isinstance(item, (Mapping, list, tuple, bool)) or item is None or item == "":
            message = f"`resources.{name}`: an item is text or a number"
            subject.problems.add(message, subject.at("resources", name, "items", number))
        elif said.get("secret") is True and not (isinstance(item, str) and "${secrets." in item):
            message = f"`resources.{name}` is secret, and the config is kept with each run; read it with `lines`"
            subject.problems.add(message, subject.at("resources", name, "items", number))
            break
    for path, reference in references_below(said, ("resources", name)):
        if reference.head == "steps":
            wrong: str | None = "a pool is the same for all steps, and knows none"
        else:
            wrong = wrong_reference(reference, subject.secrets, {}, "")
        if wrong:
            subject.problems.add(f"`{reference}`: {wrong}", subject.at(*path))
