"""Arguments that are surely wrong are told before anything runs; doubtful ones are not."""

from __future__ import annotations

import pytest

from crude_link.model.pipeline import ArgumentStyle
from crude_link.model.value import Reference, Template, Value
from crude_link.steps.judging import judged
from crude_link.steps.reading import read_signature
from crude_link.steps.signature import Signature

FIRE = read_signature("""
import fire
def main(source: str, epochs: int = 1, rate: float = 0.1, shuffle: bool = True, tags: list = (), mode=None): ...
fire.Fire(main)
""")
ARGPARSE = read_signature("""
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--source", required=True)
parser.add_argument("--epochs", type=int)
parser.add_argument("--rate", type=float)
parser.add_argument("--fast", action="store_true")
parser.add_argument("--layers", type=int, nargs="+")
parser.add_argument("--mode", choices=["a", "b", "1"])
""")


def clauses(
    arguments: dict[str, Value], signature: Signature, style: ArgumentStyle = ArgumentStyle.AUTO
) -> list[str]:
    return [wrong.clause for wrong in judged(style, arguments, signature)]


def of_fire(**arguments: Value) -> list[str]:
    return clauses({"source": "x", **arguments}, FIRE)


def of_argparse(**arguments: Value) -> list[str]:
    return clauses({"source": "x", **arguments}, ARGPARSE)


def test_an_unknown_argument_is_told_with_what_was_meant() -> None:
    assert of_fire(epoch=3) == ["has no argument 'epoch'. Did you mean 'epochs'?"]
    assert of_fire(zzz=3) == ["has no argument 'zzz'; it has: source, epochs, rate, shuffle, tags, mode"]


def test_a_missing_argument_is_told() -> None:
    assert clauses({}, FIRE) == ["needs the argument 'source', which is not given"]
    assert clauses({"source": None}, ARGPARSE) == ["needs the argument 'source', which is not given"]


@pytest.mark.parametrize(
    ("key", "value", "clause"),
    [
        ("epochs", "abc", "wants a whole number, not the text 'abc' for 'epochs'"),
        ("epochs", 0.5, "wants a whole number, not the number 0.5 for 'epochs'"),
        ("rate", "fast", "wants a number, not the text 'fast' for 'rate'"),
        ("rate", True, "wants a number, not true for 'rate'"),
        ("shuffle", "no", "wants true or false, not the text 'no' for 'shuffle'"),
        ("source", 12, "wants text, not the number 12 (quote it if it is meant as text) for 'source'"),
        ("source", ["a"], "wants text, not [\"a\"] for 'source'"),
        ("tags", "a", "wants a list, not the text 'a' for 'tags'"),
    ],
)
def test_an_obviously_wrong_type_is_told_for_fire(key: str, value: Value, clause: str) -> None:
    assert of_fire(**{key: value}) == [clause]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 1000.0),
        ("epochs", None),
        ("rate", 1),
        ("shuffle", 0),
        ("mode", {"any": "thing"}),
        ("epochs", Template((Reference("steps.a.metrics.n"),))),
        ("tags", [Template((Reference("run.dir"), "/x"))]),
    ],
)
def test_what_may_well_be_meant_is_left_alone(key: str, value: Value) -> None:
    assert of_fire(**{key: value}) == []


@pytest.mark.parametrize(
    ("key", "value", "clause"),
    [
        ("epochs", "abc", "wants a whole number, not the text 'abc' for 'epochs'"),
        ("epochs", [1, 2], "wants one value, not [1, 2] for 'epochs'"),
        ("fast", "very", "wants true or false (it is a flag), not the text 'very' for 'fast'"),
        ("layers", [], "wants at least one value, not an empty list for 'layers'"),
        ("layers", [1, "x"], "wants a whole number, not the text 'x' for 'layers'"),
        ("mode", "c", "wants one of a, b, 1, not the text 'c' for 'mode'"),
    ],
)
def test_an_obviously_wrong_value_is_told_for_argparse(key: str, value: Value, clause: str) -> None:
    assert of_argparse(**{key: value}) == [clause]


@pytest.mark.parametrize(("key", "value"), [("epochs", "12"), ("rate", "1e-3"), ("mode", 1), ("layers", 3)])
def test_text_that_argparse_converts_is_right(key: str, value: Value) -> None:
    assert of_argparse(**{key: value}) == []


def test_another_style_than_the_scripts_is_not_judged() -> None:
    assert clauses({"zzz": 1}, FIRE, ArgumentStyle.PLAIN) == []


CLICK = read_signature("""
import click
@click.command()
@click.option("--mode", type=click.Choice(["a", "b"]))
@click.option("--any-case", type=click.Choice(["a", "b"], case_sensitive=False))
def main(mode, any_case): ...
main()
""")


def test_a_choice_of_click_is_judged_where_case_matters() -> None:
    assert clauses({"mode": "c"}, CLICK) == ["wants one of a, b, not the text 'c' for 'mode'"]
    assert clauses({"mode": "a", "any_case": "A"}, CLICK) == []
