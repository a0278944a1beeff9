"""Every fenced example of the documents, tried: a page is one script, run from top to bottom in a project of its own.

A block under a line such as "`tasks/train.py`:" is written to that file. Of a `console` block each line that begins
with "$ " is run by sh and must end with status 0, and must print what follows it: times, sizes and dates may differ,
"..." stands for any text, and alone on a line for any lines. What is only to be looked at is a `text` block.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path for path in DOCS.glob("*.md") if "```console" in path.read_text(encoding="utf-8"))

BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
#: What differs from run to run and from machine to machine, and what stands for it.
VARYING = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?: ?[+-]\d\d:\d\d)?", r"\d{4}-\d\d-\d\d[ T][\d:]+(?: ?[+-]\d\d:\d\d)?"),
    (r"\b\d\d:\d\d:\d\d\b", r"\d\d:\d\d:\d\d"),
    (r"(?:< )?\b\d+(?:\.\d+)? (?:ms|s|kB|MB)\b", r"(?:< )?\d+(?:\.\d+)? (?:ms|s|kB|MB)"),
    (r"\bpid \d+", r"pid \d+"),
    (r"\bpython3? ", r"python(?:3(?:\.\d+)?)? "),
    (r"\s+", r"\s+"),
    (r"\.\.\.", r".*?"),
)
#: Told where there is a history, and in a table only where the time is another.
USUALLY = re.compile(r" *\(usually [\d.]+ \w+\)")
ANY_VARYING = re.compile("|".join(f"({pattern})" for pattern, _ in VARYING))


class Example(NamedTuple):
    """A file to write, or a command to run and what it prints."""

    file: str | None
    command: str
    text: str


def examples(page: str) -> Iterator[Example]:
    """Yield the examples of a page in order."""
    for block in BLOCK.finditer(page):
        if block["language"] == "console":
            for part in re.split(r"^\$ ", block["text"], flags=re.M)[1:]:
                command, _, printed = part.partition("\n")
                yield Example(None, command, printed)
        elif block["language"] != "text":
            assert block["file"], f"an example without a file's name:\n{block[0]}"
            yield Example(block["file"], "", block["text"])


def is_printed(expected: str, printed: str) -> bool:
    """True when a command printed what a page says; blank lines do not count."""
    lines = "".join(f"{line}\n" for line in printed.splitlines() if line.strip())
    return re.fullmatch(pattern_of(expected), lines) is not None


def pattern_of(expected: str) -> str:
    """Return the pattern of what a command must print, without blank lines."""
    lines = [line for line in USUALLY.sub("", expected).splitlines() if line.strip()]
    return "".join(r"(?:.*\n)*?" if line == "..." else _line_pattern(line) + r"\s*\n" for line in lines)


def _line_pattern(line: str) -> str:
    pieces, end = [], 0
    for found in ANY_VARYING.finditer(line):
        assert found.lastindex
        pieces += [re.escape(line[end : found.start()]), VARYING[found.lastindex - 1][1]]
        end = found.end()
    return "".join(pieces) + re.escape(line[end:])


def run(command: str, folder: Path) -> str:
    """Run a command of a page; return all it prints, with the home and host of the pages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CRUDE_LINK_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=kept | {"PATH": path, "HOME": str(folder.parent), "TZ": "UTC", "NO_COLOR": "1", "USER": "you"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    printed = USUALLY.sub("", ended.stdout.decode()).replace(str(folder), "/home/you/project")
    printed = printed.replace(f" on {socket.gethostname()}", " on thor")
    assert ended.returncode == 0, f"$ {command}\nended with status {ended.returncode}\n{printed}"
    return printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_do_what_it_says(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for example in examples(page.read_text(encoding="utf-8")):
        if example.file:
            target = folder / example.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(example.text, encoding="utf-8")
            continue
        printed = run(example.command, folder)
        assert is_printed(example.text, printed), f"$ {example.command}\nprinted:\n{printed}"


@pytest.mark.parametrize(
    "printed",
    [
        "run 1 failed at 'train' after 3 s\n",
        "run 12 succeeded in 3 s\n",
        "run 1 succeeded in 3 s\nand more\n",
        "run 1 succeeded in 3 apples\n",
        "",
    ],
)
def test_other_words_than_those_of_a_page_are_told_from_them(printed: str) -> None:
    assert is_printed("run 1 succeeded in 2.5 s\n", "\nrun 1 succeeded in 71 ms\n")
    assert not is_printed("run 1 succeeded in 2.5 s\n", printed)


def test_three_dots_stand_for_text_and_alone_for_lines() -> None:
    assert is_printed("began\n...\nby ... on thor\n", "began\none\ntwo\nby you and me on thor\n")
    assert not is_printed("began\n...\nby ... on thor\n", "began\none\ntwo\nby you and me\n")


def test_an_example_that_is_not_tried_is_an_error() -> None:
    with pytest.raises(AssertionError, match="without a file's name"):
        list(examples("```yaml\nsteps: [echo hi]\n```\n"))
