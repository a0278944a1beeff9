"""Arguments of every YAML type reach real scripts exactly; many values go to each process."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crude_link.errors import CannotStart
from crude_link.model.pipeline import ArgumentStyle
from crude_link.model.value import Plain
from crude_link.steps.arguments import argument_list
from crude_link.steps.reading import read_signature
from crude_link.steps.shell_text import ShellText

ENV = {**os.environ, "PYTHONUTF8": "1"}
#: Each example is a process; looking for the smallest failing one would start thousands.
FEW = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

#: What an argv element can be: no NUL, no half of a surrogate pair.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NEARLY_OPTIONS = st.sampled_from(["-", "-x", "--lr=3", "-1", "-1e5", "", " ", "a=b", "#", "None", "1,2", "{}"])
#: `--` itself is the one text that argparse loses; see below.
TEXTS = (WORDS | NEARLY_OPTIONS).filter(lambda text: text != "--")
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS)
VALUES: st.SearchStrategy[Plain] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def told(script: Path, arguments: Mapping[str, Plain], style: ArgumentStyle = ArgumentStyle.AUTO) -> str:
    """Run a script with `arguments`; return what it says that it was given."""
    argv = argument_list(style, arguments, read_signature(script.read_bytes()))
    done = subprocess.run(
        [sys.executable, str(script), *argv], capture_output=True, text=True, encoding="utf-8", env=ENV, check=False
    )
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout.rstrip("\n")


FIRE_SCRIPT = """
import fire
def main(**given):
    print(ascii(given))
if __name__ == "__main__":
    fire.Fire(main)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


def script_in(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@FEW
@given(values=st.lists(VALUES, min_size=20, max_size=40))
def test_a_fire_script_receives_every_value_as_it_is(folder: Path, values: list[Plain]) -> None:
    arguments = {f"a{at}": value for at, value in enumerate(values)}
    assert told(script_in(folder, "by_fire.py", FIRE_SCRIPT), arguments) == ascii(arguments)


def test_a_fire_script_receives_what_cannot_stand_in_an_argv_otherwise(folder: Path) -> None:
    arguments: dict[str, Plain] = {"nul": "a\0b", "half": "\ud800", "long": "x" * 1000, "most": math.inf}
    assert told(script_in(folder, "by_fire.py", FIRE_SCRIPT), arguments) == ascii(arguments)


EACH = range(12)
ARGPARSE_SCRIPT = "\n".join(
    [
        "import argparse, json",
        "parser = argparse.ArgumentParser()",
        "parser.add_argument('source')",
        "parser.add_argument('more', nargs='*')",
        *(f"parser.add_argument('--some-text-{at}', '-{chr(65 + at)}')" for at in EACH),
        *(f"parser.add_argument('--int{at}', type=int)" for at in EACH),
        *(f"parser.add_argument('--float{at}', type=float)" for at in EACH),
        *(f"parser.add_argument('--flag{at}', action='store_true')" for at in EACH),
        *(f"parser.add_argument('--no-cache{at}', dest='cache{at}', action='store_false')" for at in EACH),
        *(f"parser.add_argument('--both{at}', action=argparse.BooleanOptionalAction)" for at in EACH),
        *(f"parser.add_argument('--bool{at}', type=bool)" for at in EACH),
        *(f"parser.add_argument('--list{at}', nargs='*', type=float)" for at in EACH),
        *(f"parser.add_argument('--tag{at}', action='append', default=None)" for at in EACH),
        "parser.add_argument('-v', '--verbose', action='count', default=0)",
        "print(ascii(sorted(vars(parser.parse_args()).items())))",
    ]
)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
OF_EACH_KIND: Mapping[str, st.SearchStrategy[Plain]] = {
    "some_text_": TEXTS,
    "int": st.integers(),
    "float": st.floats(allow_nan=False),
    "flag": st.booleans(),
    "cache": st.booleans(),
    "both": st.booleans(),
    "bool": st.booleans(),
    "list": st.lists(FINITE, max_size=4),
    "tag": st.lists(TEXTS, min_size=1, max_size=3),
}


@FEW
@given(
    values=st.fixed_dictionaries({f"{name}{at}": values for name, values in OF_EACH_KIND.items() for at in EACH}),
    places=st.lists(TEXTS, min_size=1, max_size=4),
)
def test_an_argparse_script_receives_every_value_as_it_is(
    folder: Path, values: dict[str, Plain], places: list[Plain]
) -> None:
    arguments: dict[str, Plain] = {"source": places[0], "more": places[1:], "verbose": 3, **values}
    given_to_it = told(script_in(folder, "by_argparse.py", ARGPARSE_SCRIPT), arguments)
    assert given_to_it == ascii(sorted(arguments.items()))


@pytest.mark.parametrize("arguments", [{"some_text_1": "--"}, {"source": "--"}, {"list1": ["--", "a"]}])
def test_a_text_that_argparse_would_lose_is_refused_in_words(folder: Path, arguments: dict[str, Plain]) -> None:
    with pytest.raises(CannotStart, match="'--'"):
        told(script_in(folder, "by_argparse.py", ARGPARSE_SCRIPT), arguments)


CLICK_SCRIPT = """
import click

@click.command()
@click.argument("source")
@click.argument("more", nargs=-1)
@click.option("--some-text", "-t")
@click.option("-s", "short_only")
@click.option("--count", type=int)
@click.option("--share", type=float)
@click.option("--shout/--no-shout", default=None)
@click.option("--flag", is_flag=True)
@click.option("--really", type=bool)
@click.option("--tag", multiple=True)
@click.option("--pair", nargs=2)
@click.option("-v", "--verbose", count=True)
def main(**given):
    print(ascii(sorted(given.items())))

main()
"""


@FEW
@given(
    texts=st.lists(TEXTS, min_size=6, max_size=6),
    count=st.integers(),
    share=st.floats(allow_nan=False),
    booleans=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_a_click_script_receives_every_value_as_it_is(
    folder: Path, texts: list[str], count: int, share: float, booleans: list[bool]
) -> None:
    arguments: dict[str, Plain] = {
        "source": texts[0],
        "more": texts[1:3],
        "some_text": texts[3],
        "short_only": texts[4],
        "count": count,
        "share": share,
        "shout": booleans[0],
        "flag": booleans[1],
        "really": booleans[2],
        "tag": texts[4:],
        "pair": texts[:2],
        "verbose": 2,
    }
    expected = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
    assert told(script_in(folder, "by_click.py", CLICK_SCRIPT), arguments) == ascii(sorted(expected.items()))


@FEW
@given(values=st.lists(WORDS, min_size=5, max_size=10))
@pytest.mark.parametrize("shell", [["sh", "-e", "-c"], ["bash", "-eo", "pipefail", "-c"]])
def test_a_shell_reads_each_value_as_the_text_it_is(shell: list[str], values: list[str]) -> None:
    text = ShellText()
    for value in values:
        for before, after in (("printf '%s\\0' ", ""), ('"', '"'), ("'", "'"), ('"$(printf %s. ', ')"')):
            text.add_text(before if before.startswith("printf") else f" {before}")
            text.add_value(value)
            text.add_text(after)
        text.add_text("\n")
    done = subprocess.run([*shell, str(text)], capture_output=True, check=False)
    assert done.returncode == 0, (str(text), done.stderr)
    expected = [f"{value}{dot}" for value in values for dot in ("", "", "", ".")]
    assert done.stdout.decode("utf-8").split("\0")[:-1] == expected


@FEW
@given(values=st.lists(st.text("abEOF$`'\"\\ \n", max_size=9).filter(lambda text: "EOF" not in text), min_size=1))
def test_a_here_document_holds_each_value_as_it_is(values: list[str]) -> None:
    text = ShellText()
    for value in values:
        for end in ("EOF", "'EOF'"):
            text.add_text(f"cat <<{end}\n<")
            text.add_value(value)
            text.add_text(">\nEOF\n")
    done = subprocess.run(["sh", "-e", "-c", str(text)], capture_output=True, text=True, check=False)
    assert done.stdout == "".join(f"<{value}>\n<{value}>\n" for value in values)
