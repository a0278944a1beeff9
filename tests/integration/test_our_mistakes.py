"""What the program does when something happens that nobody thought of."""

from __future__ import annotations

import sys
from io import StringIO

import pytest

from crude_link.cli import main


class Strange(StringIO):
    """A stdout that fails as none does."""

    def write(self, text: str) -> int:
        raise ZeroDivisionError("strange")


def test_a_mistake_of_ours_has_an_exit_status_of_its_own_after_which_systemd_begins_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Strange())
    assert main(["--version"]) == 70
    assert "this should not have happened: ZeroDivisionError: strange" in capsys.readouterr().err
