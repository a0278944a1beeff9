"""What the steps of a pipeline name of the machine."""

from __future__ import annotations

import pytest

from crude_link.model.pipeline import Command, Pipeline, Script, Step
from crude_link.model.value import Reference, Template
from crude_link.steps.named import interpreters_named, programs_named, variables_named


def running(text: str | Template, **env: str) -> Pipeline:
    return Pipeline(name="demo", steps=(Step(name="a", action=Command(text=text), env=env),))


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("sox in.wav out.wav", {"sox"}),
        ("cat x | sort -u && jq . < y", {"cat", "sort", "jq"}),
        ("cd /tmp; LANG=C make all", {"make"}),
        ("for f in *; do gzip $f; done", {"gzip"}),
        ("echo 'a; b' \"c | d\" # e; f", set()),
        ("./run.sh; /opt/tool", set()),
        ("x=$(date +%s)", {"date"}),
    ],
)
def test_programs_are_the_first_words_that_the_shell_does_not_do_itself(text: str, programs: set[str]) -> None:
    assert programs_named(running(text)) == programs | {"sh"}


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("ls $DATA/x ${CACHE:-/tmp} ${OUT}", {"DATA", "CACHE", "OUT"}),
        ("echo '$NOT' \\$NOR", set()),
        ("x=1; echo $x $HOME $CRUDE_LINK_RUN $1 $?", set()),
        ("for f in *; do echo $f; done", set()),
    ],
)
def test_variables_are_those_that_the_text_does_not_set_itself(text: str, variables: set[str]) -> None:
    assert variables_named(running(text)) == variables


def test_a_variable_that_the_step_gives_a_value_is_not_looked_for() -> None:
    assert variables_named(running("echo $P", P="1")) == set()


def test_what_an_early_reference_read_is_named_too() -> None:
    pipeline = Pipeline(name="demo", steps=(), resolved={"${oc.env:DATA,/tmp}/x": "/tmp/x"})
    assert variables_named(pipeline) == {"DATA"}


def test_a_late_reference_is_no_program() -> None:
    text = Template(parts=("sort ", Reference("run.dir"), "/x"))
    assert programs_named(running(text)) == {"sort", "sh"}


def test_interpreters_are_named_with_their_steps() -> None:
    steps = (
        Step(name="a", action=Script(path="a.py", python="envs/x")),
        Step(name="b", action=Script(path="b.py", python="envs/x")),
        Step(name="c", action=Script(path="c.py")),
    )
    assert interpreters_named(Pipeline(name="demo", steps=steps)) == {"envs/x": ["a", "b"]}
