"""What is told of a fan-out while it runs: on a terminal, in a pipe, in a log."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from crude_link.model.event import (
    AttemptBegan,
    AttemptEnded,
    AttemptWrote,
    RunBegan,
    RunEnded,
    Stream,
    TasksProgressed,
)
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.run import Attempt, AttemptKey, Ending, Findings, Origin, Outcome, Run, StepState
from crude_link.model.status import Status
from crude_link.model.task import TaskCounts, TaskEnd
from crude_link.notifiers.progress import source_words
from crude_link.notifiers.terminal import TerminalNotifier

NOW = datetime(2026, 11, 21, 3, 45, tzinfo=timezone.utc)
FOREACH = ForEach(source="lines", value="urls.txt")
EMBED = Step(name="embed", action=Command(text="x"), foreach=FOREACH, parallel=8)
PIPELINE = Pipeline(name="demo", steps=(EMBED,))
RUN = Run(id=12, pipeline="demo", origin=Origin.PERSON, status=Status.RUNNING, began=NOW)
KEY = AttemptKey(12, "embed", 0, 1)
ATTEMPT = Attempt(key=KEY, sitting=1, began=NOW, host="thor", argv=("python", "embed.py", "--image={item}"))


class MovedClock:
    """A clock whose monotonic time a test moves."""

    def __init__(self) -> None:
        self.ticks = 100.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.ticks

    def sleep_until(self, moment: datetime) -> None:
        return None


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


class Seat:
    """A notifier that has begun a fan-out, what it wrote, and its clock."""

    def __init__(self, *, terminal: bool = False, number: int = 1) -> None:
        self.clock = MovedClock()
        self.err = Terminal() if terminal else io.BytesIO()
        self.text = io.TextIOWrapper(self.err, encoding="utf-8")
        self.notifier = TerminalNotifier(io.BytesIO(), self.text, self.clock)
        self.key = KEY._replace(number=number)
        self.notifier.tell(RunBegan(run=RUN, pipeline=PIPELINE, sitting=number))
        attempt = Attempt(key=self.key, sitting=number, began=NOW, host="thor", argv=ATTEMPT.argv)
        self.notifier.tell(AttemptBegan(attempt=attempt, tries=1, slots=8))

    def progress(
        self,
        succeeded: int,
        *,
        failed: Sequence[TaskEnd] = (),
        retried: Sequence[TaskEnd] = (),
        running: Sequence[tuple[int, float]] = (),
        total: int | None = 10_000,
        guess: bool = False,
        failed_in_all: int | None = None,
    ) -> None:
        counts = TaskCounts(
            succeeded=succeeded,
            failed=len(failed) if failed_in_all is None else failed_in_all,
            running=8,
            total=total,
            total_is_guess=guess,
        )
        self.notifier.tell(
            TasksProgressed(key=self.key, counts=counts, slots=8, failed=failed, retried=retried, running=running)
        )

    def end(self, outcome: Outcome) -> None:
        attempt = Attempt(key=self.key, sitting=1, began=NOW, host="thor")
        self.notifier.tell(AttemptEnded(attempt=attempt, outcome=outcome, findings=Findings()))

    @property
    def talk(self) -> str:
        return self.err.getvalue().decode()

    @property
    def screen(self) -> list[str]:
        """What is left on a screen where lines were erased and written over."""
        plain = re.sub(r"\x1b\[[0-9;?]*[a-ln-zA-JL-Z]|\x1b\[[0-9;]*m", "", self.talk)
        return [line.rpartition("\r\x1b[2K")[2] for line in plain.split("\n")]


def a_failure(task: int, number: int = 1, last_line: str = "HTTP 403: forbidden") -> TaskEnd:
    return TaskEnd(
        task=task,
        number=number,
        digest="-",
        slot=1,
        ending=Ending.EXITED,
        exit_status=1,
        signal=None,
        began_us=0,
        wall_us=2_100_000,
        cpu_us=0,
        peak_memory=None,
        stdout_bytes=0,
        stderr_bytes=0,
        offset=0,
        reason="exit 1",
        last_line=last_line,
    )


def an_outcome(exit_status: int = 0, reason: str = "", seconds: float = 180) -> Outcome:
    wall = timedelta(seconds=seconds)
    return Outcome(ending=Ending.EXITED, ended=NOW, exit_status=exit_status, reason=reason, wall=wall)


def run_for(seat: Seat, seconds: int, rate: int) -> None:
    for second in range(1, seconds + 1):
        seat.clock.ticks += 1
        seat.progress(second * rate)


def test_its_beginning_says_for_what_and_in_how_many_slots() -> None:
    line = Seat().talk.splitlines()[-1]
    assert line == "▶ embed  python embed.py '--image={item}'  for each line of urls.txt, in 8 slots"


def test_a_terminal_shows_one_line_that_is_written_over() -> None:
    seat = Seat(terminal=True)
    run_for(seat, 30, 42)
    seat.progress(1270, running=[(42, 12.0), (50, 3.0)])
    *_, line = seat.screen
    assert line.startswith("embed  1,260/10,000 done · 8 running · 42/s · ETA 3.5 min")
    assert len(seat.screen) == 3


def test_the_line_is_drawn_at_most_five_times_a_second() -> None:
    seat = Seat(terminal=True)
    before = seat.talk.count("\x1b[2K")
    for done in range(1, 1001):
        seat.clock.ticks += 0.01
        seat.progress(done)
    assert seat.talk.count("\x1b[2K") - before <= 51


def test_the_line_names_what_failed_and_the_slowest_task_which_grows_older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crude_link.notifiers.look._columns", lambda _stream: 120)
    seat = Seat(terminal=True)
    seat.progress(100, failed=[a_failure(7)], running=[(42, 12.0)])
    seat.clock.ticks += 3
    seat.notifier.tell(AttemptWrote(key=AttemptKey(12, "other", 1, 1), stream=Stream.STDERR, data=b"hello\n"))
    *before, line = seat.screen
    assert line.startswith("embed  101/10,000 done · 1 failed · 8 running · 34/s · ETA ")
    assert line.endswith(" · slowest 42: 15 s")
    assert before[-1] == "hello"


def test_the_line_is_taken_away_before_anything_else_is_written() -> None:
    seat = Seat(terminal=True)
    run_for(seat, 5, 10)
    seat.end(an_outcome())
    assert [line for line in seat.screen if "/10,000 done" in line] == []
    assert seat.screen[-2].startswith("✓ embed  50 tasks in 3 min")


def test_the_line_fits_a_narrow_window_and_keeps_what_matters_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crude_link.notifiers.look._columns", lambda _stream: 44)
    seat = Seat(terminal=True)
    for second in range(1, 31):
        seat.clock.ticks += 1
        seat.progress(second * 42, failed_in_all=3, running=[(7, 20.0)])
    line = seat.screen[-1]
    assert line == "embed  1,263/10,000 done · 3 failed"
    assert len(line) < 44


def test_what_is_not_known_is_not_said_and_a_guess_bears_its_mark() -> None:
    seat = Seat(terminal=True)
    seat.clock.ticks += 1
    seat.progress(5, total=None)
    assert seat.screen[-1].startswith("embed  5 done · 8 running")
    seat.clock.ticks += 1
    seat.progress(9, total=9500, guess=True)
    assert seat.screen[-1].startswith("embed  9/~9,500 done")
    seat.clock.ticks += 1
    seat.progress(90, total=80, guess=True)
    assert seat.screen[-1].startswith("embed  90 done")


def test_a_pipe_gets_a_plain_line_after_ten_seconds_then_at_each_tenth_or_minute() -> None:
    seat = Seat()
    run_for(seat, 600, 2)
    lines = [line for line in seat.talk.splitlines() if " done · " in line]
    assert "\x1b" not in seat.talk
    assert lines[0].startswith("  embed  20/10,000 done · 8 running")
    assert 8 <= len(lines) <= 13
    quick = Seat()
    run_for(quick, 100, 100)
    assert 5 <= sum(" done · " in line for line in quick.talk.splitlines()) <= 10


def test_of_many_failed_tasks_five_are_told_and_the_rest_counted() -> None:
    seat = Seat()
    seat.progress(0, failed=[a_failure(task) for task in range(1, 4)])
    seat.progress(0, failed=[a_failure(task, number=3) for task in range(4, 100)], failed_in_all=99)
    seat.progress(0, failed=[a_failure(100)], failed_in_all=100)
    told = [line for line in seat.talk.splitlines() if line.startswith("✗")]
    assert told[0] == "✗ embed  task 1: exit 1 after 2.1 s: HTTP 403: forbidden"
    assert told[4] == "✗ embed  task 5: exit 1 after 2.1 s, try 3: HTTP 403: forbidden"
    assert told[5].endswith("only counted · crude-link tasks 12 embed --failed")
    assert len(told) == 6


def test_repeated_tries_are_told_three_times_and_counted_in_the_end() -> None:
    seat = Seat()
    seat.progress(0, retried=[a_failure(task) for task in range(1, 50)])
    assert seat.talk.count("· tried again") == 3
    seat.progress(100)
    seat.end(an_outcome(seconds=10))
    assert seat.talk.splitlines()[-1] == "✓ embed  100 tasks in 10 s, 10/s, 49 tried again"


def test_the_end_tells_count_rate_failures_and_where_to_look() -> None:
    seat = Seat()
    seat.progress(9_897, failed=[a_failure(1)], failed_in_all=3)
    seat.end(an_outcome())
    line = seat.talk.splitlines()[-1]
    assert line == "✓ embed  9,900 tasks in 3 min, 55/s, 3 failed · crude-link tasks 12 embed --failed"


def test_the_end_of_a_resumed_one_tells_what_was_done_now() -> None:
    seat = Seat(number=2)
    seat.progress(9_000)
    seat.clock.ticks += 1
    seat.progress(10_000)
    seat.end(an_outcome(seconds=10))
    assert seat.talk.splitlines()[-1] == "✓ embed  1,000 more tasks in 10 s, 100/s"


def test_too_many_failures_end_in_a_line_with_the_next_command_and_a_table_with_counts() -> None:
    seat = Seat()
    seat.progress(588, failed=[a_failure(1)], failed_in_all=412, total=1000)
    outcome = an_outcome(1, "412 of 1,000 tasks failed")
    seat.end(outcome)
    assert seat.talk.splitlines()[-1] == (
        "✗ embed  412 of 1,000 tasks failed (3 min) · 588 done · crude-link tasks 12 embed --failed"
    )
    state = StepState(name="embed", status=Status.FAILED, reason=outcome.reason)
    attempt = Attempt(key=KEY, sitting=1, began=NOW, host="thor", outcome=outcome)
    run = Run(
        id=12, pipeline="demo", origin=Origin.PERSON, status=Status.FAILED, began=NOW, reason="'embed': 412 of 1,000"
    )
    seat.notifier.tell(RunEnded(run=run, pipeline=PIPELINE, states=(state,), attempts={"embed": attempt}))
    assert "412 of 1,000 tasks failed; 588 done\n" in seat.talk
    assert seat.talk.splitlines()[-1].endswith("· crude-link tasks 12 embed --failed · crude-link resume 12")


@pytest.mark.parametrize(
    ("foreach", "words"),
    [
        (FOREACH, "line of urls.txt"),
        (ForEach(source="items", value=["a", "b"]), "of 2 items"),
        (ForEach(source="glob", value="images/**/*.png", limit=1000), "file of images/**/*.png, the first 1,000"),
        (ForEach(source="range", value=[0, 100]), "of range [0, 100]"),
        (ForEach(source="matrix", value={"lr": [1], "seed": [2]}), "combination of lr, seed"),
    ],
)
def test_inputs_are_named_by_their_source(foreach: ForEach, words: str) -> None:
    assert source_words(foreach) == words
