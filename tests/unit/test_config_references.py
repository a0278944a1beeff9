"""`${...}`: finding it, telling ours from the shell's, keeping it in a document."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crude_link.config.references import (
    Hole,
    Tongue,
    Unclosed,
    is_ours,
    read_back,
    scan,
    values_read_back,
    written,
)
from crude_link.model.value import Reference, Template, Value

_TRICKY = st.text(alphabet=st.sampled_from(list("\\${}.a ")), max_size=12)
_LITERAL = st.one_of(
    st.text(max_size=20),
    _TRICKY,
    st.builds(lambda a, b: f"{a}${{run.id}}{b}", _TRICKY, _TRICKY),
    st.builds(lambda a, b: f"{a}${{secrets.{b}", _TRICKY, _TRICKY),
)
_REFERENCE = st.sampled_from(["run.id", "run.started:%Y-%m-%d", "secrets.TOKEN", "steps.train.metrics.loss"])


@st.composite
def _templates(draw: st.DrawFn) -> Template:
    parts: list[str | Reference] = []
    for text, path in draw(st.lists(st.tuples(_LITERAL, _REFERENCE), min_size=1, max_size=3)):
        parts += [text, Reference(path)] if text else [Reference(path)]
    last = draw(_LITERAL)
    return Template(tuple([*parts, last] if last else parts))


@given(_LITERAL)
@example("\\${run.id}")
@example("\\\\${run.id}\\")
@example("${${run.id}}")
def test_text_that_looks_like_a_reference_comes_back_from_a_document_as_text(text: str) -> None:
    kept = written(text)
    assert isinstance(kept, str)
    assert read_back(kept) == text


@given(_templates())
def test_references_come_back_from_a_document_in_their_places(template: Template) -> None:
    kept = written(template)
    assert isinstance(kept, str)
    assert read_back(kept) == template


def test_ordinary_text_stands_in_a_document_as_it_is() -> None:
    value: Value = {"a": ["${HOME}", "x\\y", 3, None], "b": Template(("at ", Reference("run.dir")))}
    assert written(value) == {"a": ["${HOME}", "x\\y", 3, None], "b": "at ${run.dir}"}
    assert values_read_back(written(value)) == value


@given(st.text(max_size=30).filter(lambda text: "${" not in text))
def test_text_without_references_is_one_piece(text: str) -> None:
    for tongue in Tongue:
        assert "".join(str(part) for part in scan(text, tongue)) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a ${params.x} b", ("a ", Hole("params.x"), " b")),
        ("${a.${b.c}}", (Hole("a.${b.c}"),)),
        ("${exec:awk '{print $1}' f}", (Hole("exec:awk '{print $1}' f"),)),
        (r"\${params.x}", ("${params.x}",)),
        (r"\\${params.x}", ("\\", Hole("params.x"))),
        (r"\\\${params.x}", ("\\${params.x}",)),
        (r"a\b", (r"a\b",)),
        ("$x $$ {y}", ("$x $$ {y}",)),
    ],
)
def test_outside_of_the_shell_every_brace_is_ours_unless_escaped(text: str, parts: tuple[str | Hole, ...]) -> None:
    assert scan(text, Tongue.PLAIN) == parts


@pytest.mark.parametrize(
    "text",
    [
        "echo ${HOME} ${x:-y} ${#x} ${x%.txt} ${!x} ${a[0]} ${file:-x} ${exec:=y} ${now:?gone} ${file:0:3}",
        "awk '{print $4}' f | find . -exec ls {} +",
        "echo ${unclosed",
        r"echo \${params.x} \${HOME}",
        'for i in ${run}; do echo "${params}"; done',
    ],
)
def test_the_syntax_of_the_shell_stays_in_a_command(text: str) -> None:
    assert scan(text, Tongue.COMMAND) == (text,)


def test_a_reference_within_the_shells_own_braces_is_ours() -> None:
    assert scan("${x:-${params.y}}", Tongue.COMMAND) == ("${x:-", Hole("params.y"), "}")


@pytest.mark.parametrize("content", ["params.lr", "param.lr", "runn.id", ".x", "exec:date", "oc.env:X", "now:%Y"])
def test_near_misses_are_ours_so_that_they_become_errors(content: str) -> None:
    assert is_ours(content)


def test_a_missing_brace_is_told() -> None:
    with pytest.raises(Unclosed, match="no closing brace"):
        scan("x ${params.lr", Tongue.PLAIN)
