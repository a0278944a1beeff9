"""The notifier for whoever started the run: steps' output as it comes, and our talk about it on stderr."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import BinaryIO, TextIO

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
from crude_link.model.pipeline import Pipeline, Step
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.status import Status
from crude_link.notifiers.channel import Channel, are_together
from crude_link.notifiers.lines import Lines
from crude_link.notifiers.live_line import LiveLine
from crude_link.notifiers.look import COLOURS, Colour, Look, look_of, one_line, printable, shortened, width_of
from crude_link.notifiers.progress import FanOuts, each_words
from crude_link.notifiers.summary import (
    attempt_words,
    closing_line,
    command_words,
    retry_words,
    settled_words,
    step_table,
    usual_words,
)

#: A pipeline of more steps is told by their number.
_NAMES = 12
#: So many bytes may wait for the reader before the steps have to.
_MUCH = 1_000_000
#: A reader who took nothing for so long stands still.
_STANDSTILL = timedelta(milliseconds=50)
#: So long a reader who stands still is waited for when a run has ended, and at the end when somebody said stop.
_GOODBYE = timedelta(seconds=0.5)
#: Seconds between two looks at a bar that moves beside the output of other steps.
_GLANCES = 3.0
_LEVELS: Mapping[Level, tuple[str, Colour | None]] = {
    Level.INFO: ("", None),
    Level.WARNING: ("warning: ", "yellow"),
    Level.ERROR: ("error: ", "red"),
}


class TerminalNotifier:
    """Tells a person, or a pipe. Steps' streams go to ours of the same name, our talk goes to stderr.

    Where steps of the pipeline may run side by side, their output comes in whole lines headed by the step's name, and
    a moving progress bar in its final state; on a terminal also every few seconds as it looks then.
    """

    def __init__(self, out: BinaryIO, err: TextIO, clock: Clock) -> None:
        with suppress(OSError, ValueError):
            err.flush()
        self._err = Channel(err.buffer)
        self._out = self._err if are_together(out, err) else Channel(out)
        self._out_look = look_of(out, err.encoding)
        self._stderr = err
        self._look = look_of(err)
        self._clock = clock
        self._parallel = False
        self._lines: dict[tuple[AttemptKey, Stream], Lines] = {}
        self._glanced: dict[tuple[AttemptKey, Stream], float] = {}
        self._usual: dict[int, Mapping[str, timedelta]] = {}
        self._resumed: dict[int, datetime] = {}
        self._tries: dict[tuple[int, str], int] = {}
        self._steps: dict[tuple[int, str], Step] = {}
        self._fans = FanOuts()
        self._live = LiveLine(self._err)
        self._is_hurried = False
        self._was_stopped = False

    def tell(self, event: Event) -> None:
        """Tell `event`."""
        self._tell(event)
        now = self._clock.monotonic()
        if self._look.can_move and self._fans.running and self._live.is_due(now):
            self._look = look_of(self._stderr)  # a window may have another size by now
            self._live.draw(self._fans.running, self._look, now)

    def _tell(self, event: Event) -> None:
        match event:
            case AttemptWrote():
                self._tell_output(event)
            case RunBegan():
                self._tell_begin(event)
            case AttemptBegan():
                self._tell_attempt(event)
            case AttemptEnded():
                self._tell_attempt_end(event)
            case TasksProgressed():
                self._tell_tasks(event)
            case StepSettled():
                state = event.state
                words = settled_words(state) if state.status is Status.SKIPPED else one_line(state.reason)
                self._talk(self._headed(state.status, state.name, words))
            case RunEnded():
                self._tell_end(event)
            case Notice():
                self._tell_notice(event)
            case SlotSettled() | ScheduleHalted() | RunLeft():
                from crude_link.notifiers.slots import as_notice  # with all that only schedules need

                self._tell_notice(as_notice(event))
            case _:
                assert_never(event)

    def close(self) -> None:
        """Write what has come without a line end, and wait for the reader; not for long when somebody said stop."""
        self._live.erase()
        for (key, stream), lines in self._lines.items():
            self._write_lines(key, stream, lines.rest())
        self._lines.clear()
        for channel in (self._out, self._err):
            if not channel.let_read(self._clock, patience=_GOODBYE if self._was_stopped else None):
                channel.let_go()
            channel.close()

    # --- output of steps --------------------------------------------------------------------------------

    def _tell_output(self, event: AttemptWrote) -> None:
        if not self._parallel:
            self._write(event.stream, event.data)
            return
        lines = self._lines.setdefault((event.key, event.stream), Lines())
        self._write_lines(event.key, event.stream, lines.feed(event.data))
        self._glance(event.key, event.stream, lines)

    def _glance(self, key: AttemptKey, stream: Stream, lines: Lines) -> None:
        """Show now and then how a bar stands that moves beside the output of other steps."""
        width = self._look_of(stream).width
        if width is None:
            return
        now = self._clock.monotonic()
        if now - self._glanced.setdefault((key, stream), now) < _GLANCES:
            return
        bar = one_line(lines.passing().decode("utf-8", "replace"))
        if bar:
            self._glanced[key, stream] = now
            line = shortened(bar, width - width_of(f"{key.step} | ") - 1)
            self._write_lines(key, stream, [line.encode(self._look_of(stream).encoding, "backslashreplace")])

    def _write_lines(self, key: AttemptKey, stream: Stream, lines: list[bytes]) -> None:
        look = self._look_of(stream)
        head = look.paint(f"{key.step} | ", "cyan").encode(look.encoding, "backslashreplace")
        tail = b"\x1b[0m\n" if look.colours else b"\n"
        self._write(stream, b"".join(head + line + (tail if b"\x1b" in line else b"\n") for line in lines))

    def _write(self, stream: Stream, data: bytes) -> None:
        channel = self._out if stream is Stream.STDOUT else self._err
        if channel is self._err:
            self._live.erase()
        complaint = channel.write(data, is_output=True)
        if complaint:
            self._talk(f"{stream.value} cannot be written any more: {complaint}")
        if channel.waiting <= _MUCH:
            self._is_hurried = False
        elif not self._is_hurried:
            # A reader who is only slow holds the steps up, as in every pipe; one that stands still does not.
            self._is_hurried = not channel.let_read(self._clock, down_to=_MUCH, patience=_STANDSTILL)

    def _look_of(self, stream: Stream) -> Look:
        return self._out_look if stream is Stream.STDOUT else self._look

    # --- our talk ---------------------------------------------------------------------------------------

    def _tell_begin(self, event: RunBegan) -> None:
        run, names = event.run, [step.name for step in event.pipeline.steps]
        self._parallel = run.selection.only is None and _may_be_side_by_side(event.pipeline)
        self._usual[run.id] = event.usual
        self._steps |= {(run.id, step.name): step for step in event.pipeline.steps if step.foreach}
        if event.sitting > 1:
            self._resumed[run.id] = self._clock.now()
            self._talk(f"{self._bold(f'run {run.id}')} of {run.pipeline} goes on (sitting {event.sitting})")
            return
        what = ", ".join(names) if len(names) <= _NAMES else f"{len(names)} steps"
        usual = [event.usual[name] for name in names if name in event.usual]
        whole = len(usual) == len(names) and not self._parallel
        words = usual_words(sum(usual, timedelta())) if whole else ""
        about = f"  (usually {words})" if words else ""
        self._talk(f"{self._bold(f'run {run.id}')} of {run.pipeline}: {what}{self._dim(about)}")

    def _tell_attempt(self, event: AttemptBegan) -> None:
        attempt = event.attempt
        run, step = attempt.key.run, attempt.key.step
        number = self._tries[run, step] = self._tries.get((run, step), 0) + 1
        again = f"try {number}{f' of {event.tries}' if number <= event.tries else ''}  " if number > 1 else ""
        usual = usual_words(self._usual.get(run, {}).get(step))
        about = f"  (usually {usual})" if usual else ""
        about = each_words(self._steps.get((run, step)), event.slots, event.limit) + about
        command = command_words(attempt.argv)
        self._look = look_of(self._stderr)  # a window may have another size by now
        if self._look.width is not None:
            command = shortened(command, max(20, self._look.width - width_of(f"▶ {step}  {again}{about}") - 1))
        self._talk(self._headed(Status.RUNNING, step, f"{again}{self._dim(command + about)}"))
        if attempt.key.task == 0:
            self._fans.begin(attempt.key, self._clock.monotonic())

    def _tell_tasks(self, event: TasksProgressed) -> None:
        step, now = event.key.step, self._clock.monotonic()
        progress = self._fans.of(event.key, now)
        room = self._look.width - width_of(f"✗ {step}  ") - 1 if self._look.width is not None else None
        for status, words in progress.note(event, now):
            self._talk(self._headed(status, step, words if room is None else shortened(words, room)))
        if not self._look.can_move and progress.is_plain_due(now):
            self._talk(f"  {self._bold(step)}  {progress.plain(now)}")

    def _tell_attempt_end(self, event: AttemptEnded) -> None:
        key, outcome = event.attempt.key, event.outcome
        for stream in Stream:
            lines = self._lines.pop((key, stream), None)
            self._glanced.pop((key, stream), None)
            if lines:
                self._write_lines(key, stream, lines.rest())
        if outcome.status is not Status.SUCCEEDED and self._parallel and event.last_lines:
            self._talk(self._dim(f"the last lines of {key.step}:"))
            for line in event.last_lines:
                self._talk(f"  {printable(line)}")
        if outcome.ending is Ending.STOPPED and self._look.width is not None and self._err.cursor.at_line_start:
            self._err.write(b"\r\x1b[K")  # the ^C that the terminal put there
        words = self._fans.end(key, outcome) if key.task == 0 else attempt_words(event)
        self._talk(self._headed(outcome.status, key.step, words))
        if event.retry_at is not None:
            again = retry_words(event.retry_at, self._clock.now())
            self._talk(f"  {self._bold(key.step)}  {self._look.paint(again, 'yellow')}")

    def _tell_end(self, event: RunEnded) -> None:
        self._look = look_of(self._stderr)
        tasks = self._fans.end_run(event.run.id)
        table = step_table(event.states, event.attempts, event.usual, tasks).lines(self._look)
        closing = closing_line(event.run, event.states, event.attempts, self._resumed.pop(event.run.id, None))
        words, *commands = closing.split(" · crude-link ")
        words = self._look.paint(words, COLOURS[event.run.status], bold=True)
        self._talk("\n".join(["", *table, "", " · crude-link ".join([words, *commands])]))
        self._usual.pop(event.run.id, None)
        self._tries = {place: count for place, count in self._tries.items() if place[0] != event.run.id}
        self._was_stopped = self._was_stopped or event.run.status is Status.CANCELLED
        for channel in (self._out, self._err):
            channel.let_read(self._clock, patience=_GOODBYE)  # a question to the person may follow

    def _tell_notice(self, event: Notice) -> None:
        head, colour = _LEVELS[event.level]
        step = f"{event.step}: " if event.step else ""
        self._talk(f"{self._look.paint(head, colour)}{step}{event.text}")

    def _headed(self, status: Status, step: str, text: str) -> str:
        return f"{self._look.status(status)} {self._bold(step)}  {text}".rstrip()

    def _bold(self, text: str) -> str:
        return self._look.paint(text, bold=True)

    def _dim(self, text: str) -> str:
        return self._look.paint(text, "dark_grey")

    def _talk(self, text: str) -> None:
        """Write a line of ours, on a line of its own, whatever a step left behind on the screen."""
        self._live.erase()
        cursor, before = self._err.cursor, ""
        if cursor.is_styled and self._look.width is not None:
            before = "\x1b[0m\x1b[?25h"  # colours end, and a cursor that a killed bar hid comes back
        if not cursor.at_line_start:
            before += "\n"
        line = f"{before}{self._look.spell(text)}\n"
        self._err.write(line.encode(self._look.encoding, "backslashreplace"))
        cursor.is_styled = False


def _may_be_side_by_side(pipeline: Pipeline) -> bool:
    from graphlib import TopologicalSorter

    order = TopologicalSorter({step.name: step.needs for step in pipeline.steps})
    order.prepare()
    while order.is_active():
        ready = order.get_ready()
        if len(ready) > 1:
            return True
        order.done(*ready)
    return False
