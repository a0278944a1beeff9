"""Inputs in shell text arrive whole, wherever they stand: the texts are really run."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crude_link.errors import CannotStart
from crude_link.model.pipeline import ArgumentStyle, Command
from crude_link.model.value import Placeholder, Reference, Template, Value
from crude_link.steps.item_values import Turn
from crude_link.steps.signature import UNKNOWN
from crude_link.steps.task_arguments import Given, TaskArguments
from crude_link.steps.task_command import TaskShell, TaskWords

ITEM = Placeholder("item")
#: Shell texts with one place for an input, each of which prints it between two bars.
PLACES = (
    ("printf '|%s|' ", ""),
    ("printf '|%s|' \"", '"'),
    ("printf '|%s|' '", "'"),
    ('printf "|%s|" "$(printf "%s|" ', ')"'),
    ('printf "|%s" "$(printf "%s|" "', '")"'),
    ("printf '|%s' `printf '%s|' ", "`"),
    ("(printf '|%s|' ", ")"),
    ("x=", '; printf "|%s|" "$x"'),
    ("cat <<EOF\n|", "|\nEOF\n"),
    ("cat <<'EOF'\n|", "|\nEOF\n"),
    ("# it's\nprintf '|%s|' ", ""),
)
#: The fourth and fifth print one bar more or less, the sixth splits words as shells do outside of quotes.
SHOWN = {3: "|{0}||", 4: "|{0}|"}
AWKWARD = "'\"\\$`\n\t !*?~#;&|<>(){}[]=%-^é\udcff€ ab0"
TEXTS = st.text(st.sampled_from(AWKWARD), max_size=12) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)


def shell_of(*parts: str | Reference, arguments: dict[str, Value] | None = None) -> TaskShell:
    given_ = Given(style=ArgumentStyle.PLAIN, arguments=arguments or {}, signature=UNKNOWN, is_by_hand=True)
    return TaskShell(Command(text=Template(parts)), TaskArguments(given_), lambda _: "late 'one'")


def output_of(argv: tuple[str, ...]) -> str:
    done = subprocess.run([os.fsencode(word) for word in argv], capture_output=True, check=True, timeout=20)
    return os.fsdecode(done.stdout)


@pytest.mark.parametrize("place", [number for number in range(len(PLACES)) if number != 5])
@settings(max_examples=30, deadline=None)
@given(item=TEXTS)
def test_an_input_arrives_whole_wherever_it_stands(place: int, item: str) -> None:
    before, after = PLACES[place]
    shown = output_of(shell_of(before, ITEM, after).argv(item, Turn(1)))
    assert shown.rstrip("\n") == SHOWN.get(place, "|{0}|").format(item) or (
        place in (8, 9) and shown == f"|{item}|\n"
    )


@settings(max_examples=30, deadline=None)
@given(item=TEXTS)
def test_an_input_in_backquotes_arrives_whole(item: str) -> None:
    shell = shell_of("printf '%s' \"`printf '|%s|' ", ITEM, '`"')
    assert output_of(shell.argv(item, Turn(1))) == f"|{item}|"


@settings(max_examples=30, deadline=None)
@given(items=st.lists(TEXTS, min_size=1, max_size=3))
def test_inputs_appended_as_arguments_arrive_whole(items: list[str]) -> None:
    shell = shell_of(
        "printf '%s\\0' ", Placeholder("index"), " ", arguments={"a": Template((ITEM,)), "b": Template(("x", ITEM))}
    )
    for item in items:
        assert output_of(shell.argv(item, Turn(7))).split("\0")[:-1] == ["7", f"--a={item}", f"--b=x{item}"]


def test_late_references_are_put_in_once_and_quoted() -> None:
    shell = shell_of("printf '%s' ", Reference("run.dir"), " ", ITEM)
    assert output_of(shell.argv("b c", Turn(1))) == "late 'one'b c"
    assert shell.written()[-1] == "printf '%s' 'late '\"'\"'one'\"'\"'' {item}"


@pytest.mark.parametrize(
    ("item", "text"), [(True, "true"), (1.5, "1.5"), ([1, "a b"], '[1, "a b"]'), ({"a": None}, '{"a": null}')]
)
def test_values_are_written_as_yaml_or_json(item: Any, text: str) -> None:
    assert output_of(shell_of("printf '%s' ", ITEM).argv(item, Turn(1))) == text


@pytest.mark.parametrize("item", ["a\0b", None, "x" * 200_000])
def test_what_no_process_can_be_given_is_refused(item: Any) -> None:
    with pytest.raises(CannotStart):
        shell_of("echo ", ITEM).argv(item, Turn(1))


def test_an_input_that_would_end_the_here_document_is_refused() -> None:
    with pytest.raises(CannotStart, match="would end the here-document"):
        shell_of("cat <<EOF\n", ITEM, "\nEOF\n").argv("a\nEOF\nb", Turn(1))


def test_arguments_cannot_follow_a_comment() -> None:
    with pytest.raises(CannotStart, match="cannot follow a comment"):
        shell_of("ls # ", ITEM, arguments={"a": Template((ITEM,))})


def test_words_without_a_shell_are_given_as_they_are() -> None:
    given_ = Given(style=ArgumentStyle.PLAIN, arguments={"a": Template((ITEM,))}, signature=UNKNOWN, is_by_hand=True)
    words = TaskWords(Command(argv=("x", Template(("-", ITEM)), 3)), TaskArguments(given_), lambda _: "")
    assert words.argv("a b$", Turn(1)) == ("x", "-a b$", "3", "--a=a b$")
    assert words.written() == ("x", "-{item}", "3", "--a={item}")
