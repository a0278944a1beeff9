"""The log of the non-interactive mode, on a real disk: its lines, its rotation, its bad days."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.clock import SystemClock
from crude_link.errors import UsageError
from crude_link.model.event import (
    AttemptBegan,
    AttemptEnded,
    AttemptWrote,
    Level,
    Notice,
    RunBegan,
    RunEnded,
    SlotSettled,
    StepSettled,
    Stream,
)
from crude_link.model.firing import Fate, Firing
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.run import Attempt, AttemptKey, Ending, Findings, Origin, Outcome, Run, StepState
from crude_link.model.status import Status
from crude_link.notifiers.logfile import LogFileNotifier
from crude_link.notifiers.rotating import RotatingFile

NOW = datetime(2026, 11, 21, 3, 45, tzinfo=timezone.utc)
KEY = AttemptKey(42, "train", 1, 1)
LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d) (INFO |WARN |ERROR) (?:\[([^]]*)\] ?)?(.*)")


def attempt(number: int = 1, outcome: Outcome | None = None) -> Attempt:
    key = AttemptKey(42, "train", 1, number)
    return Attempt(key=key, sitting=1, began=NOW, host="thor", argv=("python", "train.py"), outcome=outcome)


def outcome(status: int) -> Outcome:
    reason = f"exit {status}" if status else ""
    return Outcome(ending=Ending.EXITED, ended=NOW, reason=reason, exit_status=status, wall=timedelta(seconds=3.2))


def wrote(data: bytes, stream: Stream = Stream.STDOUT) -> AttemptWrote:
    return AttemptWrote(key=KEY, stream=stream, data=data)


def ended(status: int = 0) -> AttemptEnded:
    return AttemptEnded(attempt=attempt(), outcome=outcome(status), findings=Findings())


def lines_of(path: Path) -> list[tuple[str, str, str]]:
    """Return level, place and text of every line; each must look as promised."""
    found = []
    for line in path.read_text().splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        found.append((match[2].strip(), match[3] or "", match[4]))
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crude-link.log"


# --- lines ------------------------------------------------------------------------------------------------


def test_a_run_is_logged_from_its_beginning_to_its_end(path: Path, tmp_path: Path) -> None:
    steps = tuple(Step(name=name, action=Command(text="x")) for name in ("train", "deploy"))
    pipeline = Pipeline(name="demo", steps=steps)
    run = Run(id=42, pipeline="demo", origin=Origin.SCHEDULE, status=Status.RUNNING, began=NOW)
    skipped = StepState(name="deploy", status=Status.SKIPPED, reason="needs train, which failed")
    states = (StepState(name="train", status=Status.FAILED, reason="exit 1"), skipped)
    failed = Run(
        id=42, pipeline="demo", origin=Origin.SCHEDULE, status=Status.FAILED, began=NOW, reason="'train': exit 1"
    )
    log = LogFileNotifier(path, SystemClock(), directory=tmp_path)
    log.tell(Notice(text="follows cron\nnext at noon"))
    log.tell(RunBegan(run=run, pipeline=pipeline, sitting=1))
    log.tell(AttemptBegan(attempt=attempt(), tries=2))
    log.tell(wrote(b"epoch 1\n"))
    again = datetime.now(timezone.utc) + timedelta(seconds=10)
    log.tell(AttemptEnded(attempt=attempt(), outcome=outcome(1), findings=Findings(), retry_at=again))
    log.tell(AttemptBegan(attempt=attempt(2), tries=2))
    log.tell(AttemptEnded(attempt=attempt(2), outcome=outcome(1), findings=Findings()))
    log.tell(StepSettled(run=42, state=skipped))
    log.tell(RunEnded(run=failed, pipeline=pipeline, states=states, attempts={"train": attempt(2, outcome(1))}))
    log.close()

    lines = lines_of(path)
    assert lines[:5] == [
        ("INFO", "", "follows cron"),
        ("INFO", "", "next at noon"),
        ("INFO", "42", f"run 42 of demo began in {tmp_path}: train, deploy"),
        ("INFO", "42 train", "began: python train.py"),
        ("INFO", "42 train", "epoch 1"),
    ]
    assert lines[5] == ("ERROR", "42 train", "failed: exit 1 after 3.2 s")
    assert lines[6][:2] == ("WARN", "42 train")
    assert lines[6][2].startswith("tried again in 10 s")
    assert lines[7:10] == [
        ("INFO", "42 train", "began (try 2 of 2): python train.py"),
        ("ERROR", "42 train", "failed: exit 1 after 3.2 s"),
        ("INFO", "42 deploy", "skipped: needs train, which failed"),
    ]
    assert [line[2].split()[0] for line in lines[10:13]] == ["step", "train", "deploy"]
    level, place, text = lines[13]
    assert (level, place) == ("ERROR", "42")
    assert text.startswith("run 42 failed at 'train': exit 1")
    assert len(lines) == 14


def test_what_goes_on_for_weeks_is_not_told_at_each_slot_time(path: Path) -> None:
    firing = Firing(pipeline="p", entry="e", slot_time=NOW, fate=Fate.REFUSED, at=NOW, reason="paused by ada")
    pipeline = Pipeline(name="p", steps=(Step(name="a", action=Command(text="true")),))
    log = LogFileNotifier(path, SystemClock())
    log.tell(SlotSettled(firing=firing, pipeline=pipeline, in_a_row=9, is_repetition=True))
    log.tell(SlotSettled(firing=firing, pipeline=pipeline, in_a_row=10))
    log.close()
    ((_, _, text),) = lines_of(path)
    assert text.endswith(", 10 in a row: paused by ada")


def test_a_progress_bar_leaves_its_final_state_and_colours_are_gone(path: Path) -> None:
    log = LogFileNotifier(path, SystemClock())
    for percent in range(100):
        log.tell(wrote(b"\r\x1b[32m%d%%\x1b[0m" % percent, Stream.STDERR))
    log.tell(wrote(b"\r100%\n", Stream.STDERR))
    assert lines_of(path) == [("INFO", "42 train", "100%")]


def test_the_streams_do_not_mix_within_a_line(path: Path) -> None:
    log = LogFileNotifier(path, SystemClock())
    log.tell(wrote(b"from "))
    log.tell(wrote(b"trouble\n", Stream.STDERR))
    log.tell(wrote(b"stdout\nopen"))
    log.tell(ended())
    assert [text for _, _, text in lines_of(path)] == ["trouble", "from stdout", "open", "succeeded: 3.2 s"]


def test_what_lacks_a_line_end_is_logged_when_the_log_is_closed(path: Path) -> None:
    log = LogFileNotifier(path, SystemClock())
    log.tell(wrote(b"half"))
    log.close()
    assert lines_of(path) == [("INFO", "42 train", "half")]


def test_a_very_long_line_comes_in_pieces(path: Path) -> None:
    log = LogFileNotifier(path, SystemClock())
    log.tell(wrote(b"x" * 300_000 + b"\n"))
    texts = [text for _, _, text in lines_of(path)]
    assert sum(text.count("x") for text in texts) == 300_000
    assert max(map(len, texts)) < 5000


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_whatever_a_step_writes_every_line_is_a_log_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    log = LogFileNotifier(path, SystemClock())
    places = [0, *sorted(cuts), len(data)]
    for begin, end in pairwise(places):
        log.tell(wrote(data[begin:end]))
    log.tell(ended())
    log.close()
    assert all(LINE.fullmatch(line) for line in path.read_text().split("\n")[:-1])
    assert path.read_text().endswith("succeeded: 3.2 s\n")


def test_an_existing_log_is_appended_to(path: Path) -> None:
    path.write_text("of last year\n")
    LogFileNotifier(path, SystemClock()).tell(Notice(text="new", level=Level.WARNING))
    assert path.read_text().startswith("of last year\n")
    assert " WARN  new\n" in path.read_text()


# --- rotation ---------------------------------------------------------------------------------------------


def test_the_log_is_put_aside_at_two_megabytes_and_three_older_ones_are_kept(path: Path) -> None:
    log = LogFileNotifier(path, SystemClock())
    for number in range(11_000):
        log.tell(wrote(f"{number} ".encode() + b"." * 900 + b"\n"))
    log.close()
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == [path.name, f"{path.name}.1", f"{path.name}.2", f"{path.name}.3"]
    assert all(file.stat().st_size <= 2_000_000 for file in files)
    newest_last = [line for file in [*reversed(files[1:]), path] for line in file.read_text().splitlines()]
    numbers = [int(line.split("] ")[1].split()[0]) for line in newest_last]
    assert numbers == list(range(numbers[0], 11_000))


def test_a_log_that_is_already_too_large_is_put_aside_first(path: Path) -> None:
    path.write_text("old\n" * 1_000_000)
    LogFileNotifier(path, SystemClock()).tell(Notice(text="new"))
    assert path.read_text().endswith("new\n")
    assert path.stat().st_size < 100
    assert Path(f"{path}.1").stat().st_size == 4_000_000


def test_a_link_to_a_log_stays_a_link(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "log"
    target.parent.mkdir()
    target.write_text("old\n" * 1_000_000)
    path.symlink_to(target)
    LogFileNotifier(path, SystemClock()).tell(Notice(text="new"))
    assert path.is_symlink()
    assert path.read_text().endswith("new\n")
    assert sorted(file.name for file in target.parent.iterdir()) == ["log", "log.1"]


WRITER = """
import sys
from pathlib import Path
from crude_link.clock import SystemClock
from crude_link.notifiers.rotating import RotatingFile
file = RotatingFile(Path(sys.argv[1]), SystemClock(), limit=200_000)
for number in range(2_000):
    file.append([f"{sys.argv[2]} {number} {'.' * 70}\\n".encode()])
"""


def test_several_processes_share_a_log_and_no_line_is_torn_or_lost(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abcd"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    files = [Path(f"{path}.{number}") for number in (3, 2, 1)] + [path]
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert {file.name for file in path.parent.iterdir()} == {file.name for file in files}
    assert all(file.stat().st_size <= 200_000 for file in files)
    for name in "abcd":
        mine = [line.split() for line in lines if line.startswith(name)]
        assert all(dots == "." * 70 for _, _, dots in mine)
        numbers = [int(number) for _, number, _ in mine]
        assert numbers == list(range(2_000))


# --- bad days ---------------------------------------------------------------------------------------------


def test_the_folder_of_the_log_is_made_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "of" / "today.log"
    LogFileNotifier(path, SystemClock())
    assert path.read_bytes() == b""


def test_a_folder_that_is_removed_under_the_log_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "today.log"
    log = LogFileNotifier(path, SystemClock())
    log.tell(Notice(text="one"))
    shutil.rmtree(path.parent)
    log.tell(Notice(text="two"))
    assert [text for _, _, text in lines_of(path)] == ["two"]


def test_a_log_that_cannot_be_written_is_said_once_and_goes_on_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    log = LogFileNotifier(folder / "today.log", SystemClock())
    shutil.rmtree(folder)
    folder.write_text("a file stands where the folder should be")
    log.tell(Notice(text="one\ntwo"))
    log.tell(Notice(text="three"))
    said = capsys.readouterr().err
    assert said.count("cannot be written") == 1
    assert "today.log" in said
    folder.unlink()
    log.tell(Notice(text="four"))
    assert [(level, text) for level, _, text in lines_of(folder / "today.log")] == [
        ("WARN", "3 lines before this one could not be written"),
        ("INFO", "four"),
    ]
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_opened_is_an_error_at_the_start(tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    for name, trouble in (
        ("", "is a directory"),
        ("file/today.log", "not a directory"),
        ("x" * 300, "name too long"),
    ):
        with pytest.raises(UsageError, match=trouble) as error:
            LogFileNotifier(tmp_path / name, SystemClock())
        assert str(tmp_path / name) in str(error.value)
        assert "-l" in str(error.value)


def test_a_full_disk_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    log = LogFileNotifier(Path("/dev/full"), SystemClock())
    for number in range(100):
        log.tell(Notice(text=str(number)))
    log.close()
    assert capsys.readouterr().err.count("no space left on device") == 1


CRAMPED = """
import resource, sys
from pathlib import Path
from crude_link.clock import SystemClock
from crude_link.model.event import Notice
from crude_link.notifiers.logfile import LogFileNotifier
log = LogFileNotifier(Path(sys.argv[1]), SystemClock())
log.tell(Notice(text="one"))
# The limit stands for a disk that becomes full in the midst of a write.
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
log.tell(Notice(text="two " + "." * 3000))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.tell(Notice(text="three"))
"""


def test_a_line_that_did_not_fit_leaves_no_part_of_itself(path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", CRAMPED, str(path)], capture_output=True, text=True, check=True
    ).stderr
    assert said.count("cannot be written") == 1
    texts = [text for _, _, text in lines_of(path)]
    assert texts == ["one", "1 line before this one could not be written", "three"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_forbids_rotation_lets_the_log_grow(path: Path) -> None:
    file = RotatingFile(path, SystemClock(), limit=100)
    file.append([b"x" * 90 + b"\n"])
    path.parent.chmod(0o500)
    try:
        file.append([b"y" * 90 + b"\n"])
    finally:
        path.parent.chmod(0o700)
    assert path.stat().st_size == 182
