"""The arguments of tasks are those that a step without inputs would be given, only made faster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crude_link.errors import CannotStart
from crude_link.model.pipeline import ArgumentStyle
from crude_link.model.value import Placeholder, Plain, Template, Value
from crude_link.steps.arguments import argument_list
from crude_link.steps.item_values import Turn, getter_of
from crude_link.steps.references import fill
from crude_link.steps.signature import UNKNOWN, Parameter, ScriptStyle, Signature, Takes, ValueType
from crude_link.steps.task_arguments import Given, TaskArguments

ITEM = Template((Placeholder("item"),))
INDEX = Template((Placeholder("index"),))
MIXED = Template(("a-", Placeholder("item"), ".", Placeholder("index")))
TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", "-", "--", "-5", "-x", "1", "None", "a b", "x/y.png", "[1]", "1e5", "\0"]
)
ITEMS: st.SearchStrategy[Any] = (
    TEXTS | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(TEXTS | st.integers(), max_size=3)
)
PARAMETERS = st.builds(
    Parameter,
    name=st.sampled_from(["a", "b", "c"]),
    takes=st.sampled_from(Takes),
    is_positional=st.booleans(),
    is_repeated=st.booleans(),
    type=st.sampled_from([None, *ValueType]),
    negative=st.sampled_from(["", "--no-a"]),
)
SIGNATURES = st.builds(
    Signature,
    style=st.sampled_from(ScriptStyle),
    parameters=st.lists(PARAMETERS, max_size=3, unique_by=lambda one: one.name).map(
        lambda found: tuple(
            Parameter(
                name=one.name,
                spelling="" if one.is_positional else f"--{one.name}",
                keys=() if one.is_positional else (one.name,),
                takes=one.takes,
                is_positional=one.is_positional,
                is_repeated=one.is_repeated,
                type=one.type,
                negative=one.negative,
            )
            for one in found
        )
    ),
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([ITEM, INDEX, MIXED, "fixed", 3, True, None, ["x", ITEM], {"k": ITEM}]),
)


def compiled(
    style: ArgumentStyle, arguments: Mapping[str, Value], signature: Signature, by_hand: bool
) -> TaskArguments:
    return TaskArguments(Given(style=style, arguments=arguments, signature=signature, is_by_hand=by_hand))


def outcome_of(make: Any) -> Any:
    try:
        return make()
    except CannotStart:
        return "refused"


def filled_with(value: Value, item: Any, task: int) -> Plain:
    return fill(value, lambda one: getter_of(Placeholder(one.path))(item, Turn(task)))


@settings(max_examples=150)
@given(ARGUMENTS, SIGNATURES, st.lists(ITEMS, min_size=1, max_size=3), st.sampled_from(ArgumentStyle))
def test_the_arguments_are_those_of_a_step_with_these_values(
    arguments: dict[str, Any], signature: Signature, items: list[Any], style: ArgumentStyle
) -> None:
    made = outcome_of(lambda: compiled(style, arguments, signature, False))
    if made == "refused":
        return
    for task, item in enumerate(items, start=1):
        filled = outcome_of(lambda: {key: filled_with(value, item, task) for key, value in arguments.items()})  # noqa: B023  # called at once
        expected = filled if filled == "refused" else outcome_of(lambda: argument_list(style, filled, signature))  # noqa: B023  # called at once
        assert outcome_of(lambda: made.words(item, Turn(task))) == expected  # noqa: B023  # called at once


FIRE = Signature(style=ScriptStyle.FIRE)


@pytest.mark.parametrize(("by_hand", "word"), [(True, "--a=12"), (False, "--a='12'")])
def test_text_is_given_to_fire_as_by_hand_where_its_source_is_text(by_hand: bool, word: str) -> None:
    assert compiled(ArgumentStyle.AUTO, {"a": ITEM}, FIRE, by_hand).words("12", Turn(1)) == [word]


def test_text_around_an_input_arrives_as_text() -> None:
    assert compiled(ArgumentStyle.FIRE, {"a": Template((Placeholder("item"), "0"))}, FIRE, True).words(
        "1", Turn(1)
    ) == ["--a='10'"]


def test_the_record_has_the_placeholders_as_they_were_written() -> None:
    arguments = compiled(ArgumentStyle.FIRE, {"a": ITEM, "b": MIXED, "c": "x"}, FIRE, False)
    assert arguments.written() == ["--a={item}", "--b=a-{item}.{index}", "--c=x"]


def test_an_option_that_is_repeated_is_repeated_for_a_number() -> None:
    parameter = Parameter(name="v", spelling="-v", keys=("v",), takes=Takes.COUNT)
    signature = Signature(style=ScriptStyle.ARGPARSE, parameters=(parameter,))
    assert compiled(ArgumentStyle.AUTO, {"v": ITEM}, signature, False).words(3, Turn(1)) == ["-v", "-v", "-v"]


@pytest.mark.parametrize(
    ("path", "item", "value"),
    [
        ("stem", "a/b.tar.gz", "b.tar"),
        ("name", "a/b.png", "b.png"),
        ("parent", "a/b.png", "a"),
        ("parent", "b.png", "."),
        ("suffix", "a/b.png", ".png"),
        ("stem", "a/.hidden", ".hidden"),
        ("name", "a/b/", "b"),
        ("stem", 3, "3"),
        ("item.a", {"a": 1}, 1),
        ("item.a.b", {"a": {"b": [1]}}, [1]),
        ("item.a.b", {"a.b": 2}, 2),
        ("index", "x", 7),
    ],
)
def test_a_placeholder_stands_for_a_part_of_the_input(path: str, item: Any, value: Any) -> None:
    assert getter_of(Placeholder(path))(item, Turn(7)) == value


@pytest.mark.parametrize(
    ("path", "item", "told"),
    [
        ("item.a", {"b": 1, "c": 2}, "has no field 'a'; it has b, c"),
        ("item.a", "text", "has no fields"),
        ("stem", {"a": 1}, "is a part of a path"),
        ("stem", None, "is a part of a path"),
    ],
)
def test_an_input_without_what_a_placeholder_names_is_told(path: str, item: Any, told: str) -> None:
    with pytest.raises(CannotStart, match=told):
        getter_of(Placeholder(path))(item, Turn(1))


def test_arguments_without_placeholders_are_the_same_for_all() -> None:
    assert compiled(ArgumentStyle.PLAIN, {"a": 1}, UNKNOWN, False).words("x", Turn(1)) == ["--a=1"]
