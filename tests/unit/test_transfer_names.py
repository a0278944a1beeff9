"""Which names can be files and objects, and which ones patterns choose."""

from __future__ import annotations

import os.path
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.storage.names import PARTS, Choice, beside, clashes, why_not_here, why_not_there

#: Names as an enemy, or an accident, would make them.
PIECES = st.one_of(
    st.sampled_from(["..", ".", "", "a", "b", "A", PARTS, "~", "-", "é", "e\u0301", "\0", "x" * 300, "a\\b", "C:"]),
    st.text(max_size=5),
)
NAMES = st.lists(PIECES, min_size=1, max_size=5).map("/".join)


@given(NAMES)
def test_a_name_that_is_allowed_never_leaves_its_folder(name: str) -> None:
    if why_not_here(name) is None:
        path = os.path.normpath(f"/root/of/all/{name}")
        assert path == f"/root/of/all/{name}"


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)))
def test_ordinary_names_are_allowed(parts: list[str]) -> None:
    if parts and not {".", ".."} & set(parts) and not any(part.startswith(PARTS) for part in parts):
        assert why_not_here("/".join(parts)) is None


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "..", "a//b", "./a", "a\0b", "x" * 256, "a/"])
def test_what_cannot_be_a_file_is_refused(name: str) -> None:
    assert why_not_here(name)


def test_what_cannot_be_an_object_is_refused() -> None:
    assert why_not_there("a\nb") == "it holds a control character"
    assert why_not_there("a\udcff") == "it is not UTF-8"
    assert why_not_there("ü #%.txt") is None


@given(st.sets(NAMES, max_size=8))
def test_names_without_a_clash_can_stand_side_by_side(names: set[str]) -> None:
    if not clashes(names, tells_case=True):
        folders = {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}
        assert not folders & names


def test_a_clash_is_said_with_both_names() -> None:
    assert clashes(["a/b", "a"], tells_case=True) == ["'a' is a file and also the folder of 'a/b'"]
    assert clashes(["A", "a"], tells_case=True) == []
    assert clashes(["A", "a"], tells_case=False) == ["'A' and 'a' are one name on this disk"]


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("*.tif", ["a.tif", "deep/er/b.tif"], ["a.tiff", "a.tif/x"]),
        ("scans/*.tif", ["scans/a.tif"], ["scans/x/a.tif", "old/scans/a.tif"]),
        ("scans/**/*.tif", ["scans/a.tif", "scans/x/y/a.tif"], ["a.tif"]),
        ("scans/", ["scans/a", "x/scans/b/c"], ["scans", "myscans/a"]),
        ("/top/", ["top/a"], ["x/top/a"]),
        ("**", ["a", "b/c"], []),
        ("a?[0-9].txt", ["ab1.txt", "x/ab2.txt"], ["a/1.txt", "abc.txt"]),
        ("[!a]*", ["b", "a/b"], ["a", "abc"]),
        ("a+b(c)$", ["a+b(c)$"], ["aab(c)"]),
        ("[", ["["], ["x"]),
    ],
)
def test_patterns(pattern: str, taken: list[str], left: list[str]) -> None:
    choice = Choice([pattern])
    assert [name for name in taken + left if choice.takes(name)] == taken


@given(st.text("ab.*?[]!", max_size=8), st.text("ab.", min_size=1, max_size=6))
def test_a_pattern_for_a_last_part_means_what_it_means_to_a_shell(pattern: str, name: str) -> None:
    if pattern and "**" not in pattern:
        assert Choice([pattern]).takes(name) == fnmatchcase(name, pattern)


def test_files_on_their_way_have_names_of_their_own_however_long_those_of_the_files_are() -> None:
    names = [beside("x" * 254 + last) for last in "ab"]
    assert len({*names}) == 2
    assert all(name.startswith(PARTS) and len(name) < 255 for name in names)


def test_exclude_wins() -> None:
    choice = Choice(["*.txt"], ["secret*"])
    assert choice.takes("a.txt")
    assert not choice.takes("secret.txt")
    assert not choice.takes("a.bin")
