"""Scalars: how a word of YAML becomes a value, in the file and after `--set` alike.

The rules are OmegaConf's: PyYAML's, but `1e-4` is a number and a date stays text. They are stated here, with public
means of PyYAML only, so that a file without references is read without importing OmegaConf (85 ms); a test compares
the two on arbitrary text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from crude_link.model.value import Plain, Scalar

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FLOAT = re.compile(
    r"""^(?:
     [-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
_TAG = "tag:yaml.org,2002:"


class Loader(_Base):  # type: ignore[misc]  # PyYAML's C loader has no types
    """A YAML loader with OmegaConf's rules for scalars."""


Loader.add_implicit_resolver(_TAG + "float", _FLOAT, list("-+0123456789."))
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TAG + "timestamp"]
    for first, resolvers in Loader.yaml_implicit_resolvers.items()
}

_constructor = yaml.constructor.SafeConstructor()


def scalar_of(node: yaml.ScalarNode) -> Scalar:
    """Return the value of a scalar node. ValueError when its tag is none that a config can hold."""
    if node.tag == _TAG + "str":
        return str(node.value)
    if node.tag not in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"):
        raise ValueError(f"the tag {node.tag.replace(_TAG, '!!')} is not known here")
    try:
        value: Scalar = _constructor.construct_object(node)
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


def text_of(value: Plain) -> str:
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
