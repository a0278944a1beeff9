"""Merging: from a Draft to one tree in which every step stands complete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath

from crude_link.config.draft import Body, Draft, StepDraft
from crude_link.config.keys import MERGED_BY_KEY, STEP_KEYS
from crude_link.config.node import Node
from crude_link.config.schema import NAME

#: Keys of the file that every step has unless it says otherwise; `defaults` weighs more than the rest.
_FOR_EVERY_STEP = ("env", "cwd", "python")
#: Keys of a file with several pipelines that merge with a pipeline's own by key; every other is replaced.
MERGED_KEYS = ("params", "secrets", "env", "storage", "defaults")


def combined(shared: Draft, own: Draft) -> Draft:
    """Return a pipeline of a file with several: its own keys over the shared ones."""
    keys = {**shared.keys, **own.keys}
    for key, other in (("cron", "schedule"), ("schedule", "cron")):  # two ways to say when: its own wins here too
        if key in own.keys and other not in own.keys:
            keys.pop(other, None)
    for key in MERGED_KEYS:
        lower, upper = shared.keys.get(key), own.keys.get(key)
        if lower and upper:
            keys[key] = _over(_by_name(lower), _by_name(upper)) if key == "secrets" else _over(lower, upper)
    return replace(
        own,
        keys=keys,
        configs={**shared.configs, **own.configs},
        steps=own.steps if own.steps is not None else shared.steps,
    )


def named(draft: Draft) -> Draft:
    """Return the draft with a name for every step: its own, its config's, its script's stem, or its number."""
    steps: list[StepDraft] = []
    wanted = [_name_of(step, draft, number) for number, step in enumerate(draft.steps or (), start=1)]
    taken = {name for name, is_fixed in wanted if is_fixed}
    for step, (name, is_fixed) in zip(draft.steps or (), wanted, strict=True):
        steps.append(replace(step, name=name if is_fixed else _free(name, taken)))
    return replace(draft, steps=tuple(steps) if draft.steps is not None else None)


def tree_of(draft: Draft) -> Node:
    """Return the pipeline as one mapping: its keys, `configs` by name, and `steps`, all merged."""
    defaults = _defaults(draft)
    steps = []
    for step in draft.steps or ():
        merged = merge([defaults, *layers(step.body, draft.configs)])
        entries = {"name": merged.entries.get("name", Node(step.name)), **merged.entries}
        ordered = {key: entries[key] for key in (*STEP_KEYS, *entries) if key in entries}
        steps.append(Node(ordered, step.at, step.at))
    entries = dict(draft.keys)
    for key in ("download", "upload"):
        if key in entries:
            entries[key] = _with_env(entries[key], defaults.entries)
    if "schedule" in entries:
        entries["schedule"] = _with_env(entries["schedule"], defaults.entries, "new_files")
    entries["configs"] = Node({name: merge(layers(body, draft.configs)) for name, body in draft.configs.items()})
    if draft.steps is not None:
        entries["steps"] = Node(tuple(steps), draft.at)
    return Node(entries, draft.at)


def _with_env(transfers: Node, defaults: Mapping[str, Node], where: str = "") -> Node:
    """Return transfers of the run, or what else speaks to stores, with the environment that every step has.

    With `where`, only what has that key.
    """
    if transfers.items:
        each_with_env = tuple(_with_env(each, defaults, where) for each in transfers.items)
        return Node(each_with_env, transfers.at, transfers.key_at)
    if not transfers.entries or (where and where not in transfers.entries):
        return transfers
    ours = Node({key: defaults[key] for key in ("env", "env_file") if key in defaults})
    return Node(merge([ours, transfers]).value, transfers.at, transfers.key_at)


def layers(body: Body, configs: Mapping[str, Body], above: tuple[str, ...] = ()) -> list[Node]:
    """Return what a body is merged from, the lightest first. A config that merges itself is left out there."""
    found: list[Node] = []
    for base in body.bases:
        if isinstance(base, Body):
            found += layers(base, configs, above)
        elif base in configs and base not in above:
            found += layers(configs[base], configs, (*above, base))
    return [*found, body.own]


def merge(nodes: Iterable[Node]) -> Node:
    """Merge mappings, the lightest first: `arguments` and `env` by key, where null removes; the rest is replaced."""
    made: dict[str, Node] = {}
    last = Node({})
    for node in nodes:
        last = node
        for key, value in node.entries.items():
            if key not in MERGED_BY_KEY or key not in made:
                made[key] = value
            elif value.value is not None:
                made[key] = _over(made[key], value, null_removes=True)
    present = {key: _without_null_env(key, value) for key, value in made.items() if value.value is not None}
    return Node(present, last.at, last.key_at)


def pipeline_name(path: PurePath) -> str:
    """Return the name of a pipeline without `name`: its file's folder, and the file's stem unless it is `config`."""
    words = [path.parent.name] if path.stem == "config" else [path.parent.name, path.stem]
    text = re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(word for word in words if word)).strip("-")
    return f"pipeline-{text}" if text.isdigit() or text == "last" else text or "pipeline"


def _by_name(secrets: Node) -> Node:
    """Return a list of names as the mapping for which it is short."""
    if not secrets.items or not all(isinstance(word.value, str) for word in secrets.items):
        return secrets
    return Node({str(word.value): word for word in secrets.items}, secrets.at, secrets.key_at)


def _over(lower: Node, upper: Node, null_removes: bool = False) -> Node:
    if not isinstance(lower.value, Mapping) or not isinstance(upper.value, Mapping):
        return upper
    entries = {**lower.value, **upper.value}
    if null_removes:
        removed = {key for key, child in upper.value.items() if child.value is None and key in lower.value}
        entries = {key: child for key, child in entries.items() if key not in removed}
    return Node(entries, upper.at, upper.key_at)


def _without_null_env(key: str, node: Node) -> Node:
    if key != "env" or not isinstance(node.value, Mapping):
        return node
    return Node({name: word for name, word in node.value.items() if word.value is not None}, node.at, node.key_at)


def _defaults(draft: Draft) -> Node:
    simple = Node({key: draft.keys[key] for key in _FOR_EVERY_STEP if key in draft.keys})
    return merge([simple, draft.keys["defaults"]]) if "defaults" in draft.keys else simple


def _name_of(step: StepDraft, draft: Draft, number: int) -> tuple[str, bool]:
    """Return a step's name, and whether it was given by hand."""
    given = step.body.own.entries.get("name")
    if given is not None and given.value is not None:
        return str(given.value), True
    if step.body.made_from:
        return step.body.made_from, False
    merged = merge(layers(step.body, draft.configs)).entries
    script = merged.get("script")
    path = script.value if script and isinstance(script.value, str) else ""
    function = merged.get("function")
    if function and isinstance(function.value, str):
        path = function.value.rpartition(":")[2]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePath(path).stem).strip("-")
    is_name = NAME.fullmatch(stem) and not stem.isdigit() and stem != "last"
    return (stem if is_name else f"step-{number}"), False


def _free(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}-{count}"
    taken.add(candidate)
    return candidate
