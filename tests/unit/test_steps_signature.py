"""What a script's text tells of its command line."""

from __future__ import annotations

from textwrap import dedent

import pytest

from crude_link.steps.reading import read_signature
from crude_link.steps.signature import Parameter, ScriptStyle, Signature, Takes, ValueType


def signature_of(text: str) -> Signature:
    return read_signature(dedent(text))


def parameter_of(signature: Signature, key: str) -> Parameter:
    found = signature.find(key)
    assert found is not None
    return found


FIRE = """
    import fire
    from typing import Literal, Optional

    def main(source, epochs: int, rate: Optional[float] = None, *, mode: Literal["a", "b"] = "a", tags: list = 1):
        pass

    if __name__ == "__main__":
        fire.Fire(main)
"""


def test_a_function_given_to_fire_tells_all_its_parameters() -> None:
    signature = signature_of(FIRE)
    assert signature.style is ScriptStyle.FIRE
    assert signature.is_complete
    assert [one.name for one in signature.parameters] == ["source", "epochs", "rate", "mode", "tags"]
    assert [one.name for one in signature.parameters if one.is_required] == ["source", "epochs"]
    types = [one.type for one in signature.parameters]
    assert types == [None, ValueType.INT, ValueType.FLOAT, None, ValueType.LIST]
    assert parameter_of(signature, "mode").choices == ("a", "b")


def test_fire_takes_dashes_and_a_single_first_letter() -> None:
    signature = signature_of("import fire\ndef main(learning_rate, size): pass\nfire.Fire(main)")
    assert parameter_of(signature, "learning-rate").name == "learning_rate"
    assert parameter_of(signature, "l").name == "learning_rate"
    assert signature.find("lea") is None


@pytest.mark.parametrize(
    "text",
    [
        "import fire\nfire.Fire()",
        "import fire\nclass A: pass\nfire.Fire(A)",
        "import fire\nfrom other import main\nfire.Fire(main)",
        "import fire\n@wrapped\ndef main(a): pass\nfire.Fire(main)",
        "import fire\ndef main(a): pass\nmain = other(main)\nfire.Fire(main)",
        "import fire\ndef main(a): pass\nfire.Fire({'main': main})",
        "import fire\ndef main(a): pass\nfire.Fire(main, command='x')",
        "from fire import Fire\ndef a(): pass\ndef b(): pass\nFire(a)\nFire(b)",
        "import fire\ndef outer():\n    def main(a): pass\nfire.Fire(main)",
    ],
)
def test_what_fire_is_given_is_not_guessed(text: str) -> None:
    assert signature_of(text) == Signature(style=ScriptStyle.FIRE)


def test_a_function_with_any_keywords_takes_every_name() -> None:
    assert not signature_of("import fire as f\ndef main(a, **rest): pass\nf.Fire(main)").is_complete


ARGPARSE = """
    import argparse

    def main(argv=None):
        parser = argparse.ArgumentParser(description=__doc__)
        group = parser.add_argument_group("training")
        parser.add_argument("source")
        parser.add_argument("more", nargs="*")
        group.add_argument("-l", "--learning-rate", type=float, required=True, help=f"{1}")
        parser.add_argument("--layers", type=int, nargs="+")
        parser.add_argument("--mode", choices=["a", "b"])
        parser.add_argument("--cache", action="store_true")
        parser.add_argument("--no-cache", dest="cache", action="store_false")
        parser.add_argument("--plot", action=argparse.BooleanOptionalAction)
        parser.add_argument("-v", action="count")
        if argv:
            parser.add_argument("--seed", required=True, type=parse_seed)
        return parser.parse_args(argv)

    if __name__ == "__main__":
        main()
"""


def test_literal_argparse_calls_tell_the_whole_command_line() -> None:
    signature = signature_of(ARGPARSE)
    assert signature.style is ScriptStyle.ARGPARSE
    assert signature.is_complete
    assert [one.name for one in signature.positionals] == ["source", "more"]
    assert [one.name for one in signature.parameters if one.is_required] == ["source", "learning_rate"]
    assert parameter_of(signature, "learning_rate").spelling == "--learning-rate"
    assert parameter_of(signature, "l").spelling == "--learning-rate"
    assert parameter_of(signature, "layers").takes is Takes.MANY
    assert parameter_of(signature, "mode").choices == ("a", "b")
    assert parameter_of(signature, "cache").negative == "--no-cache"
    assert parameter_of(signature, "no_plot").spelling == "--no-plot"
    assert parameter_of(signature, "v").takes is Takes.COUNT
    assert parameter_of(signature, "seed").type is ValueType.OTHER


def test_argparse_takes_the_unique_beginning_of_an_option() -> None:
    signature = signature_of(ARGPARSE)
    assert parameter_of(signature, "learn").name == "learning_rate"
    assert signature.find("x") is None


HEAD = "import argparse\nparser = argparse.ArgumentParser()\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "for name in names: parser.add_argument('--' + name)",
        HEAD + "parser.add_argument('--a', **common)\nadd_more(parser)",
        HEAD + "Trainer.add_arguments(parser)",
        HEAD + "parser.parse_known_args()",
        HEAD + "parser.add_subparsers()",
        "import argparse\nparser = argparse.ArgumentParser(parents=[base])",
        "import argparse\nparser = argparse.ArgumentParser(**options)",
        "import argparse\nclass P(argparse.ArgumentParser): pass\nargparse.ArgumentParser()",
        "from options import parser\nparser.parse_args()",
    ],
)
def test_an_argparse_line_that_is_not_literal_is_not_complete(text: str) -> None:
    signature = signature_of(text)
    assert signature.style is ScriptStyle.ARGPARSE
    assert not signature.is_complete
    assert not signature.positionals


def test_an_option_with_hidden_settings_is_known_by_name_only() -> None:
    parameter = parameter_of(signature_of(HEAD + "parser.add_argument('--a-b', **common)"), "a_b")
    assert parameter.spelling == "--a-b"
    assert parameter.takes is Takes.UNKNOWN


CLICK = """
    import click

    @click.command()
    @click.argument("source")
    @click.option("--rate", "-r", "learning_rate", type=float, required=True)
    @click.option("--shout/--no-shout", default=True)
    @click.option("--tag", multiple=True)
    @click.option("--pair", nargs=2)
    @click.option("--mode", type=click.Choice(["a", "b"]))
    @click.option("--fast", is_flag=True)
    @click.option("--size", default=3)
    @click.version_option()
    def main(**given): ...
"""


def test_a_click_command_tells_its_options() -> None:
    signature = signature_of(CLICK)
    assert signature.style is ScriptStyle.CLICK
    assert signature.is_complete
    assert [one.name for one in signature.parameters if one.is_required] == ["source", "learning_rate"]
    assert parameter_of(signature, "learning_rate").spelling == "--rate"
    assert parameter_of(signature, "shout").negative == "--no-shout"
    assert parameter_of(signature, "tag").is_repeated
    assert parameter_of(signature, "pair").count == 2
    assert parameter_of(signature, "mode").choices == ("a", "b")
    assert parameter_of(signature, "fast").takes is Takes.NOTHING
    assert parameter_of(signature, "size").type is ValueType.INT


@pytest.mark.parametrize(
    "text",
    [
        "import click\n@click.group()\ndef main(): ...\n@main.command()\ndef one(): ...",
        "import click\n@click.command()\n@common_options\ndef main(): ...",
        "import click\n@click.command(context_settings={'ignore_unknown_options': True})\ndef main(): ...",
        "import click\n@click.command()\n@click.option(*names)\ndef main(): ...",
    ],
)
def test_a_click_line_that_is_not_literal_is_not_complete(text: str) -> None:
    signature = signature_of(text)
    assert signature.style is ScriptStyle.CLICK
    assert not signature.is_complete


@pytest.mark.parametrize("text", ["import sys\nprint(sys.argv)", "import typer\ntyper.run(main)", ""])
def test_a_script_with_another_way_is_unknown(text: str) -> None:
    assert signature_of(text).style is ScriptStyle.UNKNOWN


def test_a_syntax_error_is_raised_with_its_line() -> None:
    with pytest.raises(SyntaxError) as caught:
        read_signature("a = 1\ndef (:\n")
    assert caught.value.lineno == 2
