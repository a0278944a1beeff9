"""From arguments to argv elements, style by style."""

from __future__ import annotations

import pytest

from crude_link.errors import CannotStart
from crude_link.model.pipeline import ArgumentStyle
from crude_link.model.value import Plain
from crude_link.steps.arguments import argument_list
from crude_link.steps.reading import read_signature
from crude_link.steps.signature import ScriptStyle, Signature

AUTO, FIRE, PLAIN = ArgumentStyle.AUTO, ArgumentStyle.FIRE, ArgumentStyle.PLAIN
ARGPARSE = ArgumentStyle.ARGPARSE


def test_an_unknown_script_gets_plain_arguments() -> None:
    arguments: dict[str, Plain] = {
        "a": True, "b": False, "c": None, "d": 1.5, "e": "x y", "f": [1, None], "g": {"k": "ä"},
    }  # fmt: skip
    assert argument_list(AUTO, arguments) == [
        "--a=true", "--b=false", "--d=1.5", "--e=x y", "--f=[1, null]", '--g={"k": "ä"}',
    ]  # fmt: skip


def test_a_fire_script_gets_literals() -> None:
    signature = Signature(style=ScriptStyle.FIRE)
    arguments: dict[str, Plain] = {"filters": True, "none": None, "text": "1e3", "file": "data/dummy.data"}
    assert argument_list(AUTO, arguments, signature) == [
        "--filters=True", "--none=None", "--text='1e3'", "--file=data/dummy.data",
    ]  # fmt: skip


def test_argparse_without_a_signature_follows_the_contract() -> None:
    arguments: dict[str, Plain] = {"a": True, "b": False, "c": None, "d": [1, 2], "e": "-x", "f": ["-x"], "g": []}
    assert argument_list(ARGPARSE, arguments) == ["--a", "--d", "1", "2", "--e=-x", "--f=-x", "--g"]


def test_the_style_that_is_asked_for_wins_over_the_script() -> None:
    assert argument_list(PLAIN, {"a": True}, Signature(style=ScriptStyle.FIRE)) == ["--a=true"]
    assert argument_list(FIRE, {"a": True}, Signature(style=ScriptStyle.ARGPARSE)) == ["--a=True"]


HEAD = "import argparse\nparser = argparse.ArgumentParser()\n"


def by_argparse(text: str, arguments: dict[str, Plain]) -> list[str]:
    return argument_list(AUTO, arguments, read_signature(HEAD + text))


def test_the_scripts_own_spelling_is_used() -> None:
    text = "parser.add_argument('-l', '--learning-rate')"
    assert by_argparse(text, {"learning_rate": 1e-4}) == ["--learning-rate=0.0001"]


def test_false_is_said_where_the_script_can_hear_it() -> None:
    text = "parser.add_argument('--a', action=argparse.BooleanOptionalAction)\n"
    assert by_argparse(text, {"a": False}) == ["--no-a"]
    assert by_argparse(text, {"no_a": True}) == ["--no-a"]
    assert by_argparse(text, {"no_a": False}) == ["--a"]


def test_an_inverted_flag_is_heard_under_both_names() -> None:
    text = "parser.add_argument('--no-cache', dest='cache', action='store_false')"
    assert by_argparse(text, {"cache": False}) == ["--no-cache"]
    assert by_argparse(text, {"cache": True}) == []
    assert by_argparse(text, {"no_cache": True}) == ["--no-cache"]


def test_a_type_bool_is_false_only_for_the_empty_text() -> None:
    assert by_argparse("parser.add_argument('--a', type=bool)", {"a": False}) == ["--a="]


def test_places_come_last_and_behind_dashes_only_where_needed() -> None:
    text = "parser.add_argument('a')\nparser.add_argument('--n', nargs='*')\nparser.add_argument('--x')"
    assert by_argparse(text, {"a": "s", "x": 1}) == ["--x=1", "s"]
    assert by_argparse(text, {"a": "-s", "x": 1}) == ["--x=1", "--", "-s"]
    assert by_argparse(text, {"a": "s", "n": [1, 2]}) == ["--n", "1", "2", "--", "s"]


def test_a_place_after_a_missing_one_is_refused() -> None:
    text = "parser.add_argument('a', nargs='?')\nparser.add_argument('b', nargs='?')"
    with pytest.raises(CannotStart, match="'b' is given by its place, after 'a'"):
        by_argparse(text, {"b": 1})


def test_a_dash_in_a_list_for_argparse_is_refused_unless_it_is_a_number() -> None:
    text = "parser.add_argument('--n', nargs='*')"
    assert by_argparse(text, {"n": [-1, -1e-5]}) == ["--n", "-1", "-0.00001"]
    with pytest.raises(CannotStart, match="'-x' in a list"):
        by_argparse(text, {"n": ["a", "-x"]})


@pytest.mark.parametrize("key", ["", "--lr", "a=b", "a\0"])
def test_a_name_that_no_option_can_have_is_refused(key: str) -> None:
    with pytest.raises(CannotStart, match="name that no option can have"):
        argument_list(AUTO, {key: 1})


@pytest.mark.parametrize(("value", "reason"), [("a\0b", "NUL"), ("\ud800", "surrogate"), ("x" * 200_000, "file")])
def test_a_value_that_no_process_can_be_given_is_refused_in_words(value: str, reason: str) -> None:
    with pytest.raises(CannotStart, match=f"argument '--a'.*{reason}"):
        argument_list(PLAIN, {"a": value})
