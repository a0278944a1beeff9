"""The words of the cloud storage job runner's document: jobs of folders, and placeholders for them in commands.

`path-to-remote-inputs`, `bucket-name` and their fellows become `download` and `upload`; hyphens and underscores are
the same. The placeholders are known beside `download` and `upload` too, and become references, which are quoted for
the shell like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from crude_link.config.draft import Draft
from crude_link.config.node import Node
from crude_link.config.problems import Position, Problems, did_you_mean, one_of

#: The keys, by the names that they have in here.
_KEYS = (
    "path-to-remote-inputs",
    "path-to-local-inputs",
    "path-to-local-outputs",
    "path-to-remote-outputs",
    "bucket-name",
    "cloud-service-provider",
)
WORDS = {word: key for key in _KEYS for word in (key, key.replace("-", "_"))}
_SCHEMES = {
    "gcp": "gs", "google": "gs", "google-cloud": "gs", "google-cloud-platform": "gs", "gcs": "gs", "gs": "gs",
    "aws": "s3", "amazon": "s3", "amazon-web-services": "s3", "s3": "s3",
    "azure": "az", "microsoft": "az", "microsoft-azure": "az", "az": "az",
}  # fmt: skip
#: Each transfer: its key, where it brings from, and where to.
_TRANSFERS = (
    ("download", "path-to-remote-inputs", "path-to-local-inputs"),
    ("upload", "path-to-local-outputs", "path-to-remote-outputs"),
)
#: What a placeholder stands for: the key of a transfer, and its side that is here.
_PLACEHOLDERS = {"path-to-local-inputs": ("download", "to"), "path-to-local-outputs": ("upload", "from")}
_BRACKETS = re.compile(r"\[(path[-_]to[-_]\w+[-_]\w+)\]")


def without_foreign_words(draft: Draft, problems: Problems) -> Draft:
    """Return a pipeline whose folders are said in words of ours."""
    said = {WORDS[key]: node for key, node in draft.keys.items() if key in WORDS}
    if not said:
        return draft
    keys = {key: node for key, node in draft.keys.items() if key not in WORDS}
    for key, source, target in _TRANSFERS:
        if source not in said and target not in said:
            continue
        at = (said.get(source) or said[target]).place
        missing = [word for word in (source, target) if word not in said]
        if missing:
            problems.add(f"`{missing[0]}` is missing: a folder is brought from somewhere to somewhere", at)
        elif key in keys:
            problems.add(f"`{source}` and `{key}` say the same in two ways; keep one", at)
        else:
            keys[key] = _transfer(said, source, target, problems)
    return replace(draft, keys=keys)


def _transfer(said: Mapping[str, Node], source: str, target: str, problems: Problems) -> Node:
    sides = {"from": said[source], "to": said[target]}
    far = "from" if "remote" in source else "to"
    sides[far] = _remote(sides[far], said, problems)
    return Node(sides, said[source].at, said[source].key_at)


def _remote(path: Node, said: Mapping[str, Node], problems: Problems) -> Node:
    """Return the URL of a path in the bucket."""
    text = str(path.value if path.value is not None else "")
    if "://" in text:
        return path
    bucket = said.get("bucket-name")
    if bucket is None or not bucket.value:
        problems.add("`bucket-name` is missing: the bucket in which this path lies", path.place)
        return path
    name = str(bucket.value).strip("/")
    if "://" in name:
        return Node(f"{name}/{text.lstrip('/')}", path.at, path.key_at)
    scheme = _scheme(said.get("cloud-service-provider"), path.place, problems)
    return Node(f"{scheme}://{name}/{text.lstrip('/')}", path.at, path.key_at)


def _scheme(provider: Node | None, at: Position, problems: Problems) -> str:
    if provider is None or provider.value is None:
        problems.add("`cloud-service-provider` is missing: gcp, aws or azure", at)
        return "gs"
    word = re.sub(r"[\s_-]+", "-", str(provider.value).strip().lower())
    if word not in _SCHEMES:
        near = did_you_mean(word, _SCHEMES)
        problems.add(f"`cloud-service-provider` is gcp, aws or azure, not '{provider.value}'{near}", provider.at)
    return _SCHEMES.get(word, "gs")


def with_folders(tree: Node, problems: Problems) -> Node:
    """Return a pipeline's tree with references in its commands where placeholders for folders stood."""
    steps = tree.entries.get("steps")
    if steps is None:
        return tree
    made = []
    for step in steps.items:
        command = step.entries.get("command")
        if command is None:
            made.append(step)
        elif command.items:
            words = tuple(_filled(word, step, tree, problems, above="..") for word in command.items)
            made.append(step.with_child("command", Node(words, command.at, command.key_at)))
        else:
            made.append(step.with_child("command", _filled(command, step, tree, problems, above=".")))
    return tree.with_child("steps", Node(tuple(made), steps.at, steps.key_at))


def _filled(command: Node, step: Node, tree: Node, problems: Problems, *, above: str) -> Node:
    """Return a text with its placeholders as references; `above` leads from there to the step."""
    if not isinstance(command.value, str) or "[path" not in command.value:
        return command

    def put_in(match: re.Match[str]) -> str:
        word = match[1].replace("_", "-")
        if word not in _PLACEHOLDERS:
            near = did_you_mean(word, _PLACEHOLDERS) or f"; known: {one_of(_PLACEHOLDERS)}"
            problems.add(f"`{match[0]}` stands for no folder{near}", command.at)
            return match[0]
        return _reference(*_PLACEHOLDERS[word], match[0])

    def _reference(key: str, side: str, shown: str) -> str:
        own, of_all = step.entries.get(key), tree.entries.get(key)
        transfers, dots = (own, above) if own is not None and own.value is not None else (of_all, "")
        if transfers is None or transfers.value is None:
            problems.add(f"`{shown}` stands for `{side}` of `{key}`, and there is no `{key}`", command.at)
        elif len(transfers.items) > 1:
            problems.add(f"`{shown}` could be each of several; write the folder itself", command.at)
        else:
            return f"${{{dots}{key}{'.0' if transfers.items else ''}.{side}}}"
        return shown

    return Node(_BRACKETS.sub(put_in, command.value), command.at, command.key_at)
