"""Placeholders in the texts of a step with `foreach`, told from braces that are text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.config.item_text import BadPlaceholder, Braces, as_text, placeholders_in, with_placeholders
from crude_link.model.value import Placeholder, Reference, Template

BRACES = st.lists(
    st.sampled_from(["{", "}", "item", "index", "itme", "slot", "word", "$", ".", "a", " ", "{item}", "{{stem}}"])
).map("".join)


def ours(text: str) -> tuple[str | Reference, ...]:
    return placeholders_in(text, Braces.OURS)


def among_shell(text: str) -> tuple[str | Reference, ...]:
    return placeholders_in(text, Braces.SHELL)


def test_in_arguments_a_double_brace_is_a_brace() -> None:
    assert ours("a{{b}}{item}{{{stem}}}") == ("a{b}", Placeholder("item"), "{", Placeholder("stem"), "}")


def test_a_field_may_have_any_name() -> None:
    assert ours("{item.image path}-{item.a.b}") == (Placeholder("item.image path"), "-", Placeholder("item.a.b"))


@pytest.mark.parametrize(
    "text",
    [
        "${HOME} ${item} ${x:-y}",
        "awk '{print $4}' '{print}'",
        "find . -exec ls {} +",
        "echo {a,b} {1..3} }{",
        "docker ps --format '{{.Names}}'",
        "f() { item; }",
    ],
)
def test_in_a_command_the_braces_of_the_shell_are_text(text: str) -> None:
    assert among_shell(text) == (text,)


def test_in_a_command_a_known_word_in_double_braces_is_text() -> None:
    assert among_shell("echo {{item}} {item}") == ("echo {item} ", Placeholder("item"))


@pytest.mark.parametrize(
    "text", ["{itme}", "{items}", "{Item}", "{item[0]}", "{item:>3}", "{slot.1}", "{gpu.0}", "{resource}"]
)
@pytest.mark.parametrize("braces", Braces)
def test_what_was_meant_as_a_placeholder_is_wrong(text: str, braces: Braces) -> None:
    with pytest.raises(BadPlaceholder):
        placeholders_in(f"a {text} b", braces)


@pytest.mark.parametrize("text", ["{", "a}", "{}", '{"a": 1}', "{4}", "{foo}"])
def test_in_arguments_a_single_brace_is_wrong(text: str) -> None:
    with pytest.raises(BadPlaceholder):
        ours(text)


def test_references_stay_among_placeholders() -> None:
    value = Template((Reference("run.dir"), "/{stem}.npy"))
    assert with_placeholders(value, Braces.OURS) == Template((Reference("run.dir"), "/", Placeholder("stem"), ".npy"))


@given(BRACES | st.text("{}item$", max_size=30), st.sampled_from(Braces))
def test_any_text_can_be_put_in_as_text(text: str, braces: Braces) -> None:
    assert "".join(str(part) for part in placeholders_in(str(as_text(text, braces)), braces)) == text
    assert with_placeholders(as_text([text], braces), braces) == [text]
