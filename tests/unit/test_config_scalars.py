"""How a word of YAML becomes a value: as OmegaConf reads it."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from crude_link.config.scalars import Loader, scalar_of, text_of, value_of
from crude_link.model.value import Plain

_WORDS = st.one_of(
    st.from_regex(r"[-+]?[0-9_.:]{1,8}([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(
        ["yes", "no", "on", "off", "true", "False", "null", "~", "", "010", "12:30", "1e-4", "1E5", "0x1F"]
    ),
    st.sampled_from([".inf", "-.INF", ".nan", "2024-01-01", "0o10", "0b11", "1_000", "<<x", "=", "a b"]),
    st.from_regex(r"[A-Za-z][A-Za-z0-9 ./-]{0,8}[a-z]", fullmatch=True),
)


@given(_WORDS)
@example("1e-4")
@example("2024-01-01")
@example("12:30:45.5")
def test_a_word_means_what_omegaconf_reads(word: str) -> None:
    try:
        made = OmegaConf.create(f"x: {word}\n")
    except (yaml.YAMLError, ValueError, IndexError):
        return
    expected = OmegaConf.to_container(made)
    assert isinstance(expected, dict)
    node = yaml.compose(f"x: {word}\n", Loader=Loader)
    assert isinstance(node, yaml.MappingNode)
    scalar = node.value[0][1]
    assert isinstance(scalar, yaml.ScalarNode)
    ours, theirs = scalar_of(scalar), expected["x"]
    assert type(ours) is type(theirs)
    assert ours == theirs or (isinstance(ours, float) and math.isnan(ours))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("3", 3),
        ("true", True),
        ("null", None),
        ("", None),
        ("[1, two]", [1, "two"]),
        ("{a: 1}", {"a": 1}),
        ("'3'", "3"),
        ("*.png", "*.png"),
        ("a: b: c", "a: b: c"),
        ("!!binary aGk=", "!!binary aGk="),
        ("2024-01-01", "2024-01-01"),
    ],
)
def test_the_value_of_a_setting_is_read_as_in_the_file(text: str, value: Plain) -> None:
    assert value_of(text) == value


def test_values_in_the_midst_of_text_stand_as_yaml_writes_them() -> None:
    assert [text_of(value) for value in (True, False, None, 3, 0.1, 1e-5, "x")] == [
        "true", "false", "null", "3", "0.1", "1e-05", "x",
    ]  # fmt: skip


def test_an_unknown_tag_is_refused() -> None:
    node = yaml.compose("!thing x", Loader=Loader)
    assert isinstance(node, yaml.ScalarNode)
    with pytest.raises(ValueError, match="!thing is not known"):
        scalar_of(node)
