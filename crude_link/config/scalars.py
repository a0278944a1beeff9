"""Scalars: how a word of YAML becomes a value, in the file and after `--set` alike.

The loader is OmegaConf's: YAML's safe one, but `1e-4` is a number and a date stays text. Its class is not among
OmegaConf's public names, but only from a loader's nodes can the place of a value be known.
"""

from __future__ import annotations

from typing import Any

import yaml

from crude_link.model.value import Plain, Scalar, Value


def _loader() -> Any:
    try:
        from omegaconf._yaml import get_yaml_loader
    except ImportError:  # OmegaConf 2.3
        from omegaconf._utils import get_yaml_loader as get_older_loader  # type: ignore[attr-defined]  # not in 2.4

        return get_older_loader()
    return get_yaml_loader(max_yaml_expanded_nodes=None)


Loader = _loader()
_TAG = "tag:yaml.org,2002:"


def scalar_of(node: yaml.ScalarNode) -> Scalar:
    """Return the value of a scalar node. ValueError when its tag is none that a config can hold."""
    if node.tag == _TAG + "str":
        return str(node.value)
    if node.tag not in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"):
        raise ValueError(f"the tag {node.tag.replace(_TAG, '!!')} is not known here")
    try:
        value: Scalar = Loader.yaml_constructors[node.tag](Loader(""), node)
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{node.value!r} cannot be read as {node.tag.replace(_TAG, '')}") from error
    return value


def value_of(text: str) -> Plain:
    """Return what `text` stands for as YAML; text that is no YAML (`*.png`) stands for itself."""
    try:
        value: Plain = yaml.load(text, Loader=Loader)  # a safe loader
    except (yaml.YAMLError, ValueError, TypeError):
        return text
    return value if _is_plain(value) else text


def text_of(value: Value) -> str:
    """Return a value as it stands in the midst of text: booleans and null as YAML writes them."""
    if value is True or value is False:
        return "true" if value else "false"
    if value is None:
        return "null"
    return value if isinstance(value, str) else repr(value)


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(child) for key, child in value.items())
    if isinstance(value, list):
        return all(_is_plain(child) for child in value)
    return value is None or isinstance(value, (bool, int, float, str))
