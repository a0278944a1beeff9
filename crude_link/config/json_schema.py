"""The JSON Schema of a config file, with which an editor's YAML plugin helps and from which the reference is made."""

from __future__ import annotations

from typing import Any

from crude_link.config.forms import JsonSchema, Key, anything, by_name, parsed, schema_of, text
from crude_link.config.keys import FILE_KEYS, LATER_PIPELINE_KEYS, LATER_STEP_KEYS
from crude_link.config.schema import PIPELINE, STEP

_STEP: JsonSchema = {"$ref": "#/$defs/step"}
_CONFIGS: JsonSchema = {
    "anyOf": [
        {"type": "object", "additionalProperties": _STEP},
        {"type": "array", "items": {"type": "object", "additionalProperties": _STEP}},
    ]
}
_PIPELINES: JsonSchema = {
    "anyOf": [
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/pipeline"}},
        {"type": "array", "items": {"$ref": "#/$defs/pipeline"}},
    ]
}
_MEANINGS = {
    "configs": Key(anything(_CONFIGS), "Named parts that steps are made from: name -> keys of a step."),
    "pipelines": Key(
        anything(_PIPELINES),
        "Several pipelines: name -> keys of a pipeline, or a list with `name`; other keys are shared.",
    ),
    "jobs": Key(anything(_PIPELINES), "Another word for `pipelines`."),
    "env": Key(by_name(anything({})), "Environment variables of every step."),
    "cwd": Key(text(), "The directory that every step starts in."),
    "python": Key(parsed(str, {"type": "string"}), "The interpreter of every step."),
    "defaults": Key(anything(_STEP), "Any other key of a step, for every step."),
}


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a config file."""
    step = _open_to_merging(schema_of(STEP, LATER_STEP_KEYS), "^<<$")
    keys = {**PIPELINE, **{key: _MEANINGS[key] for key in FILE_KEYS}}
    steps = {
        "type": "array",
        "description": PIPELINE["steps"].help,
        "items": {"anyOf": [_STEP, {"type": "string", "description": "A config's name, or a command line."}]},
    }
    pipeline = _open_to_merging(schema_of(keys, LATER_PIPELINE_KEYS), "^(<<|x-.*)$")
    pipeline["properties"]["steps"] = steps
    del pipeline["required"]
    inner = {**pipeline, "properties": _without(pipeline["properties"], ("pipelines", "jobs"))}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "crude-link config",
        "description": "A pipeline: its steps, in order, and when and how they run.",
        **pipeline,
        "anyOf": [{"required": [key]} for key in ("steps", "pipelines", "jobs")],
        "$defs": {"step": step, "pipeline": inner},
    }


def _open_to_merging(schema: JsonSchema, pattern: str) -> dict[str, Any]:
    """Allow YAML's `<<`, and in a pipeline keys that begin with `x-`, which hold anchors."""
    return {**schema, "patternProperties": {pattern: {}}}


def _without(properties: JsonSchema, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: schema for name, schema in properties.items() if name not in names}
