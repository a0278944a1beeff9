"""What every acceptance test starts from: an empty project directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.starting import THREE, Folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A project directory; what a test leaves running is ended."""
    directory = tmp_path / "project"
    directory.mkdir()
    made = Folder.at(directory)
    yield made
    made.end()


@pytest.fixture
def three(folder: Folder) -> Folder:
    """A project of three steps."""
    folder.config(THREE)
    return folder
