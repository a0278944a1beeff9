"""Settings: `--set K=V`, put into a Draft before anything is merged, so that they reach all that is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from crude_link.config.draft import Body, Draft
from crude_link.config.keys import FILE_KEYS, MERGED_BY_KEY, PIPELINE_KEYS, STEP_KEYS
from crude_link.config.merging import layers, merge
from crude_link.config.node import Node, Path, node_of
from crude_link.config.problems import did_you_mean, one_of
from crude_link.config.scalars import text_of, value_of
from crude_link.model.value import Plain, Scalar


class BadSetting(Exception):
    """A `--set` that cannot be applied; the text says why."""


class OtherPipeline(BadSetting):
    """A `--set pipelines.NAME...` that is about another pipeline than this one."""


def param_setting(pipeline: str, name: str, value: Scalar) -> str:
    """Return the `K=V` that sets a param of one pipeline, whatever others its file has."""
    return f"pipelines.{pipeline}.params.{name}={text_of(value)}"


def with_setting(draft: Draft, setting: str) -> Draft:
    """Return the draft with one `K=V` put in. BadSetting when there is no such place, or the value does not fit."""
    key, equals, text = setting.partition("=")
    path = tuple(part for part in key.strip().split(".") if part)
    if not equals or not path:
        raise BadSetting(f"--set {setting}: write NAME=VALUE")
    if path[0] == "pipelines" and len(path) > 2:
        return _with_own_setting(draft, path, text)
    params = draft.keys["params"].entries if "params" in draft.keys else {}
    if len(path) == 1 and path[0] in params:
        path = ("params", path[0])
    try:
        match path:
            case ("params", param):
                return _with_param(draft, params, param, text)
            case ("configs", config, *rest) if rest:
                return _with_config(draft, config, tuple(rest), text)
            case ("steps", step, *rest) if rest:
                return _with_step(draft, step, tuple(rest), text)
        return _with_key(draft, path, text, params)
    except BadSetting as error:
        raise BadSetting(f"--set {setting}: {error}") from error


def _with_own_setting(draft: Draft, path: Path, text: str) -> Draft:
    """Put in what is for the pipeline of one name only."""
    setting = f"{'.'.join(map(str, path))}={text}"
    own = draft.keys["name"].value if "name" in draft.keys else None
    if path[1] != own:
        near = did_you_mean(str(path[1]), [str(own)])
        raise OtherPipeline(f"--set {setting}: there is no pipeline '{path[1]}'{near}")
    return with_setting(draft, f"{'.'.join(map(str, path[2:]))}={text}")


def _with_param(draft: Draft, params: Mapping[str, Node], param: str, text: str) -> Draft:
    if param not in params:
        raise BadSetting(f"there is no param '{param}'{did_you_mean(param, params)}; params: {one_of(params)}")
    node = params[param]
    declared = node.entries.get("default") if isinstance(node.value, Mapping) else node
    choices = [choice.value for choice in node.entries["choices"].items] if "choices" in node.entries else []
    value = fitting(text, declared.plain() if declared else None, choices)
    made = node_of(value)
    entry = node.with_child("default", made) if isinstance(node.value, Mapping) else made
    return replace(draft, keys={**draft.keys, "params": draft.keys["params"].with_child(param, entry)})


def fitting(text: str, default: Plain, choices: Iterable[object]) -> Plain:
    """Read `text` as the type that a param's default, or else its choices, have. BadSetting when it is not of it."""
    samples = [default] if default is not None and default != "???" else list(choices)
    if isinstance(default, str) and "${" in default:
        return value_of(text)
    if samples and all(isinstance(sample, str) for sample in samples):
        return text
    value = value_of(text)
    if not samples or value in samples:
        return value
    wanted = _kind(samples[0])
    if wanted == "a whole number" and isinstance(value, float) and value.is_integer():
        return int(value)
    if _kind(value) != wanted and not (wanted == "a number" and _kind(value) == "a whole number"):
        raise BadSetting(f"{text!r} is not {wanted}, as the param is")
    return value


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    return "text" if isinstance(value, str) else "a single value"


def _with_config(draft: Draft, config: str, rest: Path, text: str) -> Draft:
    if config not in draft.configs:
        near = did_you_mean(config, draft.configs)
        raise BadSetting(f"there is no config '{config}'{near}; configs: {one_of(draft.configs)}")
    body = _with_place(draft.configs[config], draft, rest, text)
    return replace(draft, configs={**draft.configs, config: body})


def _with_step(draft: Draft, name: str, rest: Path, text: str) -> Draft:
    steps = list(draft.steps or ())
    for index, step in enumerate(steps):
        if step.name == name:
            steps[index] = replace(step, body=_with_place(step.body, draft, rest, text))
            return replace(draft, steps=tuple(steps))
    names = [step.name or "" for step in steps]
    raise BadSetting(f"there is no step '{name}'{did_you_mean(name, names)}; steps: {one_of(names)}")


def _with_place(body: Body, draft: Draft, rest: Path, text: str) -> Body:
    merged = merge(layers(body, draft.configs))
    _check_place(merged, rest, STEP_KEYS)
    own, head = body.own, str(rest[0])
    if len(rest) > 1 and head not in own.entries and head not in MERGED_BY_KEY and head in merged.entries:
        own = own.with_child(head, merged.entries[head])
    return replace(body, own=_put(own, rest, node_of(value_of(text))))


def _with_key(draft: Draft, path: Path, text: str, params: Mapping[str, Node]) -> Draft:
    root = Node(dict(draft.keys))
    head = str(path[0])
    if head in STEP_KEYS and head not in (*PIPELINE_KEYS, *FILE_KEYS):
        raise BadSetting(f"`{head}` is a key of a step: write steps.NAME.{head} or defaults.{head}")
    if head in ("configs", "steps"):
        raise BadSetting(f"name the place in full: {head}.NAME.KEY")
    if head not in (*PIPELINE_KEYS, *FILE_KEYS) or head in ("pipelines", "jobs"):
        near = did_you_mean(head, (*params, *PIPELINE_KEYS, *FILE_KEYS))
        raise BadSetting(f"there is no param '{head}'{near}; params: {one_of(params)}")
    _check_place(root, path, (*PIPELINE_KEYS, *FILE_KEYS))
    return replace(draft, keys=_put(root, path, node_of(value_of(text))).entries)


def _check_place(node: Node, path: Path, words: Iterable[str]) -> None:
    """A new key is allowed where keys are the user's own, unless it looks like one that is there."""
    head, known = str(path[0]), set(words)
    if head not in node.entries and head not in known:
        raise BadSetting(f"`{head}` is no key here{did_you_mean(head, known) or '; known: ' + one_of(sorted(known))}")
    place = node.child(head)
    for step in path[1:-1]:
        place = place.child(_index(place, step)) if place else None
        if place is None:
            raise BadSetting(f"there is no {'.'.join(str(part) for part in path[:-1])}")
    if place is None or len(path) < 2:
        return
    last = _index(place, path[-1])
    if place.child(last) is not None:
        return
    near = did_you_mean(str(last), place.entries)
    if near or not isinstance(place.value, Mapping):
        raise BadSetting(f"there is no {'.'.join(str(part) for part in path)}{near}")


def _index(node: Node, step: str | int) -> str | int:
    return int(step) if isinstance(node.value, tuple) and str(step).isdigit() else step


def _put(node: Node, path: Path, value: Node) -> Node:
    """Return `node` with `value` at `path`; mappings on the way are made where there are none."""
    if not path:
        return value
    step = _index(node, path[0])
    child = node.child(step) or Node({})
    return node.with_child(step, _put(child, path[1:], value))
