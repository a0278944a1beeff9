"""Programs whose output is wanted in files, while others get their turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from making import once_made

from crude_link.errors import NotYet
from crude_link.outputs import Outputs
from crude_link.programs import ProgramError


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Outputs]:
    made = Outputs(tmp_path, {"PATH": "/usr/bin:/bin", "WORD": "ours"})
    yield made
    made.close()


def test_nobody_waits_for_a_program_that_runs(outputs: Outputs, tmp_path: Path) -> None:
    path = tmp_path / "out"
    command = "until [ -e go ]; do sleep 0.01; done; echo ran >> ran; echo $WORD; pwd"
    for _ in range(3):
        with pytest.raises(NotYet) as waiting:
            outputs.into(command, path)
        assert waiting.value.pause > 0
    (tmp_path / "go").touch()
    once_made(lambda: outputs.into(command, path))
    outputs.into(command, path)
    assert path.read_text() == f"ours\n{tmp_path}\n"
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_an_environment_is_asked_for_when_the_program_begins(outputs: Outputs, tmp_path: Path) -> None:
    asked = []

    def environment() -> dict[str, str]:
        asked.append(1)
        return {"PATH": "/usr/bin:/bin", "WORD": "theirs"}

    once_made(lambda: outputs.into(["sh", "-c", "sleep 0.1; echo $WORD"], tmp_path / "out", environment))
    assert (tmp_path / "out").read_text() == "theirs\n"
    assert asked == [1]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo bad luck >&2; exit 3", "ended with exit 3: bad luck"),
        (["./no-such-program"], "cannot be started: No such file or directory"),
    ],
)
def test_a_program_that_fails_says_so_each_time(
    outputs: Outputs, tmp_path: Path, command: str | list[str], told: str
) -> None:
    for _ in range(2):
        with pytest.raises(ProgramError, match=told):
            once_made(lambda: outputs.into(command, tmp_path / "out"))


def test_what_is_forgotten_ends_and_is_begun_anew(outputs: Outputs, tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(NotYet):
        outputs.into("echo $$; exec sleep 1000", path)
    outputs.forget(tmp_path)
    assert not path.exists()
    once_made(lambda: outputs.into("echo again", path))
    assert path.read_text() == "again\n"
    outputs.close()
    assert not path.exists()


def test_a_file_that_cannot_be_made_is_told_as_a_program_that_cannot_start(outputs: Outputs, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="cannot be started: No such file or directory"):
        outputs.into("echo", tmp_path / "gone" / "out")
