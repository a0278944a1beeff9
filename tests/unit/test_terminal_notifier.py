"""What a person sees of a run, and what a pipe gets."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import pytest

from crude_link.model.event import (
    AttemptBegan,
    AttemptEnded,
    AttemptWrote,
    Event,
    Level,
    Notice,
    RunBegan,
    RunEnded,
    StepSettled,
    Stream,
)
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.run import Attempt, AttemptKey, Ending, Findings, Origin, Outcome, Run, StepState
from crude_link.model.status import Status
from crude_link.notifiers.terminal import TerminalNotifier

NOW = datetime(2026, 11, 21, 3, 45, tzinfo=timezone.utc)
TRAIN = Step(name="train", action=Command(text="x"))
DEPLOY = Step(name="deploy", action=Command(text="x"), needs=("train",))
PIPELINE = Pipeline(name="demo", steps=(TRAIN, DEPLOY))
#: Its steps may run side by side.
BESIDE = Pipeline(name="demo", steps=(TRAIN, replace(DEPLOY, needs=())))
RUN = Run(id=42, pipeline="demo", origin=Origin.PERSON, status=Status.RUNNING, began=NOW)


class StoppedClock:
    """A clock that stands still, but for its monotonic time: 14 seconds pass between two looks at that."""

    def __init__(self) -> None:
        self._looks = 0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        self._looks += 1
        return self._looks * 14.0

    def sleep_until(self, moment: datetime) -> None:
        return None


class Terminal(io.BytesIO):
    """Bytes that a terminal would have shown."""

    def isatty(self) -> bool:
        return True


class Gone(io.BytesIO):
    """A pipe whose reader has left, or a disk that is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, data: object) -> int:
        raise self.error


@dataclass
class Seat:
    """A notifier with its two streams."""

    notifier: TerminalNotifier
    out: io.BytesIO
    err: io.BytesIO
    text: io.TextIOWrapper

    def tell(self, *events: Event) -> None:
        for event in events:
            self.notifier.tell(event)

    @property
    def shown(self) -> str:
        return self.out.getvalue().decode()

    @property
    def talk(self) -> str:
        return self.err.getvalue().decode()


def a_seat(
    *, parallel: bool = False, out: io.BytesIO | None = None, terminal: bool = False, encoding: str = "utf-8"
) -> Seat:  # fmt: skip
    out = out or io.BytesIO()
    err = Terminal() if terminal else io.BytesIO()
    text = io.TextIOWrapper(err, encoding=encoding)
    notifier = TerminalNotifier(out, text, StoppedClock())
    if parallel:
        notifier.tell(RunBegan(run=RUN, pipeline=BESIDE, sitting=1))
        err.seek(0)
        err.truncate()
    return Seat(notifier, out, err, text)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def key(step: str = "train", number: int = 1) -> AttemptKey:
    return AttemptKey(42, step, 1, number)


def began(
    step: str = "train", number: int = 1, argv: Sequence[str] = ("/usr/bin/python3", "train.py")
) -> AttemptBegan:
    return AttemptBegan(
        attempt=Attempt(key=key(step, number), sitting=1, began=NOW, host="thor", argv=tuple(argv)), tries=3
    )


def an_outcome(status: int = 0, reason: str = "", seconds: float = 3.2) -> Outcome:
    return Outcome(
        ending=Ending.EXITED, ended=NOW, exit_status=status, reason=reason, wall=timedelta(seconds=seconds),
        cpu=timedelta(seconds=1), peak_memory=350_000_000,
    )  # fmt: skip


def ended(
    outcome: Outcome, step: str = "train", *, lines: tuple[str, ...] = (), retry_at: datetime | None = None,
    findings: Findings | None = None,
) -> AttemptEnded:  # fmt: skip
    attempt = replace(began(step).attempt, outcome=outcome)
    return AttemptEnded(
        attempt=attempt, outcome=outcome, findings=findings or Findings(), last_lines=lines, retry_at=retry_at
    )


def wrote(data: bytes, stream: Stream = Stream.STDOUT, step: str = "train") -> AttemptWrote:
    return AttemptWrote(key=key(step), stream=stream, data=data)


FAILED = an_outcome(1, "exit 1")


def test_output_goes_to_the_stream_of_its_name_byte_by_byte() -> None:
    seat = a_seat()
    seat.tell(wrote(b"\xff\x00 10%\r"), wrote(b"careful\n", Stream.STDERR))
    assert seat.out.getvalue() == b"\xff\x00 10%\r"
    assert seat.err.getvalue() == b"careful\n"


def test_a_step_is_told_before_and_after_with_its_usual_time() -> None:
    seat = a_seat()
    seat.tell(
        RunBegan(run=RUN, pipeline=PIPELINE, sitting=1, usual={"train": timedelta(seconds=12)}),
        began(argv=("/usr/bin/python3", "tasks/train.py", "--epochs=3")),
        ended(an_outcome(seconds=11.8), findings=Findings(metrics={"accuracy": 0.93121})),
    )
    assert seat.talk.splitlines() == [
        "run 42 of demo: train, deploy",
        "▶ train  python3 tasks/train.py --epochs=3  (usually 12 s)",
        "✓ train  12 s · accuracy 0.9312",
    ]


def test_the_first_line_of_a_shell_s_text_is_shown() -> None:
    seat = a_seat()
    seat.tell(began(argv=("sh", "-e", "-c", "echo a | wc -l\n")), began(argv=("bash", "-c", "echo a\necho b")))
    assert seat.talk == "▶ train  echo a | wc -l\n▶ train  try 2 of 3  echo a …\n"


def test_a_failure_is_told_in_words() -> None:
    seat = a_seat()
    seat.tell(began(), wrote(b"Traceback\n", Stream.STDERR), ended(FAILED, lines=("Traceback",)))
    assert seat.talk.splitlines()[-1] == "✗ train  exit 1 after 3.2 s"
    assert seat.talk.count("Traceback") == 1


def test_a_longer_reason_has_its_time_in_brackets() -> None:
    seat = a_seat()
    seat.tell(ended(an_outcome(1, "killed by the kernel: out of memory")))
    assert seat.talk == "✗ train  killed by the kernel: out of memory (3.2 s)\n"


def test_a_retry_is_announced_with_its_time_and_its_number() -> None:
    seat = a_seat()
    seat.tell(began(), ended(FAILED, retry_at=NOW + timedelta(seconds=10)), began(number=2))
    assert "\n  train  tried again in 10 s\n" in seat.talk
    assert seat.talk.splitlines()[-1] == "▶ train  try 2 of 3  python3 train.py"


def test_skipped_steps_and_warnings_are_told_with_their_reasons() -> None:
    seat = a_seat()
    seat.tell(
        StepSettled(run=42, state=StepState(name="deploy", status=Status.SKIPPED, reason="when: x is false")),
        StepSettled(run=42, state=StepState(name="deploy", status=Status.FAILED, reason="when: no such metric")),
        Notice(text="no room for the log", level=Level.WARNING, run=42, step="train"),
        Notice(text="hello"),
    )
    assert seat.talk.splitlines() == [
        "– deploy  skipped: when: x is false",
        "✗ deploy  when: no such metric",
        "warning: train: no room for the log",
        "hello",
    ]


def test_our_talk_starts_a_line_of_its_own_after_an_open_line() -> None:
    seat = a_seat()
    seat.tell(wrote(b"no newline", Stream.STDERR), ended(an_outcome()))
    assert seat.talk == "no newline\n✓ train  3.2 s\n"


def test_an_open_line_on_another_stream_than_ours_does_not_matter() -> None:
    seat = a_seat()
    seat.tell(wrote(b"no newline"), ended(an_outcome()))
    assert seat.talk == "✓ train  3.2 s\n"


def test_side_by_side_steps_are_told_in_whole_lines_with_their_names() -> None:
    seat = a_seat(parallel=True)
    seat.tell(
        wrote(b"one"),
        wrote(b"eins\n", step="deploy"),
        wrote(b" two\nthree"),
        wrote(b"\r 10%\r 100%", Stream.STDERR),
        ended(an_outcome()),
    )
    assert seat.shown == "deploy | eins\ntrain | one two\ntrain | three\n"
    assert seat.talk == "train |  100%\n✓ train  3.2 s\n"


def test_the_pipeline_tells_whether_steps_may_run_side_by_side() -> None:
    for pipeline, shown in ((PIPELINE, "a"), (BESIDE, "")):
        seat = a_seat()
        seat.tell(RunBegan(run=RUN, pipeline=pipeline, sitting=1), wrote(b"a"))
        assert seat.shown == shown


def test_the_last_lines_are_told_where_they_were_not_just_seen() -> None:
    seat = a_seat(parallel=True)
    seat.tell(wrote(b"noise\n"), ended(FAILED, lines=("  \x1b[31mraise\x1b[0m X", "X")))
    assert seat.talk == "the last lines of train:\n    raise X\n  X\n✗ train  exit 1 after 3.2 s\n"


def test_a_bar_that_moves_beside_other_steps_is_shown_now_and_then_on_a_terminal() -> None:
    bars = [wrote(f"\r{percent} % \x1b[31m{'#' * 200}".encode(), Stream.STDERR) for percent in (10, 20, 30)]
    seat = a_seat(parallel=True, terminal=True)
    seat.tell(*bars, wrote(b"out", Stream.STDOUT))
    lines = plain(seat.talk).splitlines()
    assert [line[:12] for line in lines] == ["train | 20 %", "train | 30 %"]
    assert all(len(line) == 79 and line.endswith("…") for line in lines)
    pipe = a_seat(parallel=True)
    pipe.tell(*bars)
    assert pipe.talk == ""


def test_closing_writes_what_has_come_without_a_line_end() -> None:
    seat = a_seat(parallel=True)
    seat.tell(wrote(b"half a line"))
    seat.notifier.close()
    assert seat.shown == "train | half a line\n"


def test_the_end_is_a_table_and_a_line_that_names_the_next_command() -> None:
    seat = a_seat()
    run = replace(RUN, status=Status.FAILED, reason="'train': exit 1", ended=NOW)
    states = (
        StepState(name="train", status=Status.FAILED, reason="exit 1"),
        StepState(name="deploy", status=Status.SKIPPED, reason="needs train, which failed"),
    )
    attempt = replace(began().attempt, outcome=FAILED)
    usual = {"train": timedelta(seconds=11)}
    seat.tell(RunEnded(run=run, pipeline=PIPELINE, states=states, attempts={"train": attempt}, usual=usual))
    assert seat.talk.splitlines() == [
        "",
        "step    status   time                  memory  CPU  reason",
        "train   failed   3.2 s (usually 11 s)  350 MB  1 s  exit 1",
        "deploy  skipped                                     needs train, which failed",
        "",
        "run 42 failed at 'train': exit 1 · crude-link logs 42 train · crude-link resume 42",
    ]


def test_a_green_run_says_how_long_it_took_and_what_it_skipped() -> None:
    seat = a_seat()
    states = (StepState(name="deploy", status=Status.SKIPPED, reason="when: accuracy is low"),)
    run = replace(RUN, status=Status.SUCCEEDED, ended=NOW + timedelta(seconds=14))
    seat.tell(
        RunBegan(run=RUN, pipeline=PIPELINE, sitting=1),
        RunEnded(run=run, pipeline=PIPELINE, states=states, attempts={}),
    )
    assert "deploy  skipped  when: accuracy is low" in seat.talk
    assert seat.talk.splitlines()[-1] == "run 42 succeeded in 14 s, deploy skipped · crude-link show 42"


def test_a_reader_who_left_does_not_stop_anything_and_is_not_spoken_of() -> None:
    seat = a_seat(out=Gone(BrokenPipeError(32, "Broken pipe")))
    seat.tell(wrote(b"a"), wrote(b"b"), ended(an_outcome()))
    assert seat.talk == "✓ train  3.2 s\n"


def test_a_full_disk_under_stdout_is_told_once() -> None:
    seat = a_seat(out=Gone(OSError(28, "No space left on device")))
    seat.tell(wrote(b"a"), wrote(b"b"))
    assert seat.talk.count("stdout cannot be written any more") == 1


def test_a_terminal_gets_colours_and_is_put_right_after_a_killed_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    seat = a_seat(terminal=True)
    seat.tell(wrote(b"\x1b[?25l\x1b[31m 10%", Stream.STDERR), ended(FAILED))
    assert "\x1b[?25l\x1b[31m 10%\x1b[0m\x1b[?25h\n" in seat.talk
    assert "\x1b[31m✗" in seat.talk.replace("\x1b[1m", "")


def test_the_echo_of_ctrl_c_is_wiped_from_the_line_of_a_stopped_step() -> None:
    stopped = replace(an_outcome(), ending=Ending.STOPPED, exit_status=None, reason="stopped")
    for terminal in (True, False):
        seat = a_seat(terminal=terminal)
        seat.tell(ended(stopped))
        assert seat.talk.startswith("\r\x1b[K") is terminal
        assert "stopped after 3.2 s" in seat.talk


def test_no_color_means_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    seat = a_seat(terminal=True)
    seat.tell(began(), ended(FAILED))
    assert "\x1b" not in seat.talk


def test_an_encoding_without_our_marks_gets_plain_ones() -> None:
    seat = a_seat(encoding="ascii")
    seat.tell(began(), ended(an_outcome(), findings=Findings(metrics={"größe": 1})))
    assert seat.talk.splitlines() == ["> train  python3 train.py", "+ train  3.2 s - gr\\xf6\\xdfe 1"]
