"""The notifier of the non-interactive mode: everything goes to one log file, each line once, as it happens.

    2026-11-21 03:45:12+00:00 INFO  [42 train] epoch 3 loss 0.41

Local time with its offset, level, run and step. Both streams of a step are INFO: what programs write to stderr is
progress as often as trouble, and whether a step failed is told by its end. The run's record keeps the streams apart.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from crude_link.errors import UsageError
from crude_link.interfaces import Clock
from crude_link.model.event import (
    AttemptBegan,
    AttemptEnded,
    AttemptWrote,
    Event,
    Level,
    Notice,
    RunBegan,
    RunEnded,
    RunLeft,
    ScheduleHalted,
    SlotSettled,
    StepSettled,
    Stream,
    TasksProgressed,
)
from crude_link.model.exhaustive import assert_never
from crude_link.model.pipeline import Step
from crude_link.model.run import AttemptKey
from crude_link.model.status import Status
from crude_link.model.words import moment_words
from crude_link.notifiers.lines import Lines
from crude_link.notifiers.look import Look, printable
from crude_link.notifiers.progress import FanOuts, each_words
from crude_link.notifiers.rotating import RotatingFile
from crude_link.notifiers.slots import as_notice
from crude_link.notifiers.summary import (
    attempt_words,
    closing_line,
    command_words,
    retry_words,
    settled_words,
    step_table,
)

_LEVELS = {Level.INFO: "INFO ", Level.WARNING: "WARN ", Level.ERROR: "ERROR"}
_STATUS_LEVELS = {Status.FAILED: Level.ERROR, Status.CANCELLED: Level.WARNING, Status.LOST: Level.WARNING}
#: Longer lines are cut into pieces of so many characters; all but the first begin with an ellipsis.
_LONGEST = 4000
_PLAIN = Look()


class LogFileNotifier:
    """Tells a log file, which is made at once, with its folder; rotated at 2 MB, three older ones are kept.

    UsageError when it cannot be opened. When it cannot be written later, that is said once on stderr; what comes
    meanwhile is counted, and the log goes on as soon as it can. `directory`, where given, is the project's, and
    named when a run begins.
    """

    def __init__(self, path: Path, clock: Clock, directory: Path | None = None) -> None:
        self._path = path
        self._clock = clock
        self._directory = directory
        self._file = RotatingFile(path, clock)
        self._lines: dict[tuple[AttemptKey, Stream], Lines] = {}
        self._tries: dict[tuple[int, str], int] = {}
        self._resumed: dict[int, datetime] = {}
        self._steps: dict[tuple[int, str], Step] = {}
        self._fans = FanOuts()
        self._lost_lines = 0
        self._has_complained = False
        try:
            self._file.open()
        except OSError as error:
            raise UsageError(f"the log {path} cannot be opened: {_trouble(error)}. Name another by -l") from error

    def tell(self, event: Event) -> None:
        """Log `event`, unless it says nothing new."""
        if isinstance(event, SlotSettled) and event.is_repetition:
            return
        self._write(list(self._told(event)))

    def close(self) -> None:
        """Log what has come without a line end, and let go of the file."""
        self._write([line for key, stream in list(self._lines) for line in self._unfinished(key, stream)])
        self._file.close()

    def _told(self, event: Event) -> Iterator[str]:
        match event:
            case AttemptWrote():
                lines = self._lines.setdefault((event.key, event.stream), Lines())
                for line in lines.feed(event.data):
                    yield from self._output(event.key, line)
            case RunBegan():
                yield from self._run_began(event)
            case AttemptBegan():
                yield from self._attempt_began(event)
            case AttemptEnded():
                yield from self._attempt_ended(event)
            case TasksProgressed():
                yield from self._tasks_progressed(event)
            case StepSettled():
                state = event.state
                level = _STATUS_LEVELS.get(state.status, Level.INFO)
                yield from self._entry(level, settled_words(state), event.run, state.name)
            case RunEnded():
                yield from self._run_ended(event)
            case SlotSettled() | ScheduleHalted() | RunLeft() | Notice():
                notice = as_notice(event)
                yield from self._entry(notice.level, notice.text, notice.run, notice.step)
            case _:
                assert_never(event)

    # --- what is told -----------------------------------------------------------------------------------

    def _run_began(self, event: RunBegan) -> Iterator[str]:
        run = event.run
        if event.sitting > 1:
            self._resumed[run.id] = self._clock.now()
        how = "began" if event.sitting == 1 else f"goes on (sitting {event.sitting})"
        self._steps |= {(run.id, step.name): step for step in event.pipeline.steps if step.foreach}
        due = f", scheduled for {moment_words(run.slot_time, seconds=True)}" if run.slot_time else ""
        steps = ", ".join(step.name for step in event.pipeline.steps)
        where = f" in {self._directory}" if self._directory else ""
        words = f"run {run.id} of {run.pipeline} {how}{where}{due}: {steps}"
        yield from self._entry(Level.INFO, words, run.id)

    def _attempt_began(self, event: AttemptBegan) -> Iterator[str]:
        key = event.attempt.key
        number = self._tries[key.run, key.step] = self._tries.get((key.run, key.step), 0) + 1
        again = f" (try {number}{f' of {event.tries}' if number <= event.tries else ''})" if number > 1 else ""
        each = each_words(self._steps.get((key.run, key.step)), event.slots, event.limit)
        words = f"began{again}: {command_words(event.attempt.argv)}{each}"
        yield from self._entry(Level.INFO, words, key.run, key.step)
        if key.task == 0:
            self._fans.begin(key, self._clock.monotonic())

    def _tasks_progressed(self, event: TasksProgressed) -> Iterator[str]:
        key, now = event.key, self._clock.monotonic()
        progress = self._fans.of(key, now)
        for _, words in progress.note(event, now):
            yield from self._entry(Level.WARNING, words, key.run, key.step)
        if progress.is_plain_due(now):
            yield from self._entry(Level.INFO, progress.plain(now), key.run, key.step)

    def _attempt_ended(self, event: AttemptEnded) -> Iterator[str]:
        key, outcome = event.attempt.key, event.outcome
        for stream in Stream:
            yield from self._unfinished(key, stream)
        how = self._fans.end(key, outcome) if key.task == 0 else attempt_words(event)
        words = f"{outcome.status.value}: {how}"
        yield from self._entry(_STATUS_LEVELS.get(outcome.status, Level.INFO), words, key.run, key.step)
        if event.retry_at is not None:
            words = retry_words(event.retry_at, self._clock.now())
            yield from self._entry(Level.WARNING, words, key.run, key.step)

    def _run_ended(self, event: RunEnded) -> Iterator[str]:
        run = event.run
        self._tries = {place: count for place, count in self._tries.items() if place[0] != run.id}
        self._steps = {place: step for place, step in self._steps.items() if place[0] != run.id}
        tasks = self._fans.end_run(run.id)
        for line in step_table(event.states, event.attempts, event.usual, tasks).lines(_PLAIN):
            yield from self._entry(Level.INFO, line, run.id)
        words = closing_line(run, event.states, event.attempts, self._resumed.pop(run.id, None))
        yield from self._entry(_STATUS_LEVELS.get(run.status, Level.INFO), words, run.id)

    def _unfinished(self, key: AttemptKey, stream: Stream) -> Iterator[str]:
        """Give what an attempt wrote without a line end."""
        lines = self._lines.pop((key, stream), None)
        for line in lines.rest() if lines else ():
            yield from self._output(key, line)

    def _output(self, key: AttemptKey, line: bytes) -> Iterator[str]:
        yield from self._entry(Level.INFO, line.decode("utf-8", "replace"), key.run, key.step)

    # --- lines ------------------------------------------------------------------------------------------

    def _entry(self, level: Level, text: str, run: int | None, step: str | None = None) -> Iterator[str]:
        """Give the log lines of a text: one for each of its lines, more where one is very long."""
        place = " ".join(str(part) for part in (run, step) if part is not None)
        now = self._clock.now().astimezone().isoformat(sep=" ", timespec="seconds")
        head = f"{now} {_LEVELS[level]} {f'[{place}] ' if place else ''}"
        for line in text.split("\n"):
            clean = printable(line).rstrip()
            yield f"{head}{clean[:_LONGEST]}".rstrip()
            for at in range(_LONGEST, len(clean), _LONGEST):
                yield f"{head}… {clean[at : at + _LONGEST]}"

    def _write(self, lines: list[str]) -> None:
        told = lines
        if self._lost_lines and lines:
            count = f"{self._lost_lines} line{'s'[: self._lost_lines != 1]}"
            gap = f"{count} before this one could not be written"
            told = [*self._entry(Level.WARNING, gap, None), *lines]
        try:
            self._file.append(f"{line}\n".encode("utf-8", "backslashreplace") for line in told)
        except OSError as error:
            self._lost_lines += len(lines)
            self._complain(error)
            return
        if told:
            self._lost_lines, self._has_complained = 0, False

    def _complain(self, error: OSError) -> None:
        if self._has_complained:
            return
        self._has_complained = True
        remark = f"crude-link: the log {self._path} cannot be written: {_trouble(error)}; going on without it\n"
        try:
            sys.stderr.write(remark)
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            return  # nobody is left who could be told


def _trouble(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
