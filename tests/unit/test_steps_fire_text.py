"""What fire reads from a text, against fire itself."""

from __future__ import annotations

import ast
import math
import warnings

import pytest
from fire.parser import DefaultParseValue
from hypothesis import example, given
from hypothesis import strategies as st

from crude_link.errors import CannotStart
from crude_link.model.value import Plain
from crude_link.steps.fire_text import as_fire_argument, fire_reads

#: Characters from which Python's literals are made, so that many texts nearly are one.
LITERAL_LIKE = st.text(alphabet="0123456789eE+-_.,:'\"#[](){} \\nTrueFalsNo\njx", max_size=12)
TEXTS = st.one_of(st.text(max_size=30), LITERAL_LIKE)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS)
VALUES: st.SearchStrategy[Plain] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)


def outcome_of(reader: object, text: str) -> tuple[str, str]:
    assert callable(reader)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = reader(text)
        except Exception as error:  # noqa: BLE001  # whatever it raises is what is compared
            return "raised", type(error).__name__
    return type(value).__name__, repr(value)


@given(TEXTS)
@example("a,b")
@example("1e3")
@example("a#b")
@example("{[]: 1}")
@example("{a: b}")
@example("1+2j")
@example(" a")
@example("-1e999")
def test_it_reads_every_text_as_fire_does(text: str) -> None:
    assert outcome_of(fire_reads, text) == outcome_of(DefaultParseValue, text)


@given(VALUES)
@example("None")
@example("\ud800")
@example("'\\d'")
@example("ﬁ")
@example("1" * 5000)
@example("(" * 300)
@example("{[]: 1}")
@example("a\0b")
@example(-math.inf)
@example("")
def test_fire_gets_back_exactly_the_value_that_was_written(value: Plain) -> None:
    text = as_fire_argument(value)
    assert repr(DefaultParseValue(text)) == repr(value)
    assert "\0" not in text


@given(st.text(alphabet=st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1))
def test_a_text_that_is_quoted_is_one_that_fire_would_change(text: str) -> None:
    written = as_fire_argument(text)
    if written != text:
        assert ast.literal_eval(written) == text
        assert len(text) > 500 or DefaultParseValue(text) != text


def test_an_ordinary_path_stays_readable() -> None:
    assert as_fire_argument("data/dummy.data") == "data/dummy.data"


def test_nan_is_refused_in_words() -> None:
    with pytest.raises(CannotStart, match="NaN"):
        as_fire_argument([1.0, math.nan])
