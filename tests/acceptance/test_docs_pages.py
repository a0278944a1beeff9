"""The documents as a whole: links lead somewhere, generated pages are up to date, the README's commands are CI's."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from crude_link.app import Desk
from crude_link.cli.root import root
from crude_link.store.place import find_project

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_the_pages_lead_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / path) if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors_of(target), f"{path}#{anchor}"


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_generated_pages_are_those_that_make_docs_writes() -> None:
    pages = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()
    for name, text in pages.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"{name} is old: make docs"


def test_ci_runs_the_second_command_of_the_readme() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README, re.M)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_options_of_the_readme_are_those_of_the_program() -> None:
    printed = CliRunner().invoke(root, ["--help"]).output
    for short, long in re.findall(r"`(-\w)`, `(--[\w-]+)`", README):
        assert f"{short}, {long}" in printed


def test_the_configs_of_the_readme_are_right(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", README, re.M | re.S)
    assert blocks
    desk = Desk(project=find_project(tmp_path, {}))
    for number, block in enumerate(blocks):
        config = tmp_path / f"{number}.yaml"
        config.write_text(block if "steps:" in block else block + "steps: ['echo done']\n", encoding="utf-8")
        assert desk.load(config)
