"""Progress: how fan-outs get on, in the words that the terminal and the log file share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from crude_link.model.event import TasksProgressed
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Step
from crude_link.model.run import AttemptKey, Outcome
from crude_link.model.status import Status
from crude_link.model.task import TaskCounts, TaskEnd
from crude_link.model.value import Template
from crude_link.model.words import duration_words, slots_words
from crude_link.notifiers.look import Colour, one_line
from crude_link.notifiers.pace import Pace, left_words, rate_words
from crude_link.notifiers.summary import ended_words, spent_words

#: So many failed tasks of a fan-out, and tries that will be repeated, are told one by one; more are only counted.
_FAILED_TOLD = 5
_RETRIED_TOLD = 3
#: Longer last lines are cut.
_LONGEST = 300
#: A plain line comes first after so many seconds, then at each tenth of the work, but not more often ...
_FIRST = 10.0
#: ... and at least this often, or with this share of all the time between two.
_OFTEN = 60.0
_OFTEN_SHARE = 1 / 10
#: Of tasks that run for less, nobody asks which is the slowest.
_SLOW = timedelta(seconds=1)
_KINDS = {
    "lines": "line of",
    "csv": "row of",
    "jsonl": "line of",
    "task_file": "task of",
    "glob": "file of",
    "command": "line that comes from",
    "step": "line of what was written by",
}


class Part(NamedTuple):
    """A piece of a line of progress; the pieces of the highest rank go first where there is no room."""

    text: str
    rank: int
    colour: Colour | None = None


class Progress:
    """One attempt at all tasks of a step, from its beginning to its end. Times are monotonic seconds."""

    def __init__(self, key: AttemptKey, now: float) -> None:
        self.key = key
        self.counts = TaskCounts()
        #: What was done before; the first of what is told says it, unless nothing can have been.
        self._before: int | None = 0 if key.number == 1 else None
        self._began = now
        self._pace = Pace(now, 0)
        self._running: tuple[tuple[int, float], ...] = ()
        self._noted = now
        self._failed_told = 0
        self._retried = 0
        self._plain_told: float | None = None
        self._tenth = 0

    def note(self, event: TasksProgressed, now: float) -> Iterator[tuple[Status, str]]:
        """Take note of progress; yield what is told of single tasks, under the status that it has."""
        self.counts = event.counts
        if self._before is None:
            self._before = self._done
            self._pace = Pace(now, self._done)
        self._pace.note(self._done, now)
        self._running, self._noted = tuple(event.running), now
        yield from self._failures(event.failed)
        yield from self._repeated(event.retried)

    def parts(self, now: float) -> list[Part]:
        """Return the pieces of its line, in the order in which they are read."""
        counts = self.counts
        parts = [Part(f"{self._done_words()} done", 0)]
        if counts.failed:
            parts.append(Part(f"{counts.failed:,} failed", 1, "red"))
        if counts.left_out:
            parts.append(Part(left_out_words(counts), 7))
        if self._retried:
            parts.append(Part(f"{self._retried:,} tried again", 5, "yellow"))
        if counts.running:
            parts.append(Part(f"{counts.running:,} running", 3))
        rate = self._pace.rate(now)
        if rate is not None:
            parts.append(Part(rate_words(rate), 4))
        total = self._total
        left = self._pace.left(total - self._done, now) if total is not None and total > self._done else None
        if left is not None:
            parts.append(Part(f"ETA {left_words(left)}", 2))
        slowest = self._slowest(now)
        return [*parts, Part(slowest, 6)] if slowest else parts

    def plain(self, now: float) -> str:
        """Return its line where nothing is cut or coloured."""
        return " · ".join(part.text for part in self.parts(now))

    def is_plain_due(self, now: float) -> bool:
        """True when a plain line is to be told again; it counts as told then."""
        last, elapsed = self._plain_told, now - self._began
        since = elapsed if last is None else now - last
        tenth = 10 * self._done // self._total if self._total else 0
        is_further = last is None or tenth > self._tenth
        if since < _FIRST or not (is_further or since >= max(_OFTEN, elapsed * _OFTEN_SHARE)):
            return False
        self._plain_told, self._tenth = now, tenth
        return True

    def ended(self, outcome: Outcome) -> str:
        """Say how all of it ended: `10,000 tasks in 3 min, 55/s, 3 failed`."""
        failed = f"{self.counts.failed:,} failed" if self.counts.failed else ""
        hint = f" · {failed_command(self.key.run, self.key.step)}" if failed else ""
        if outcome.status is not Status.SUCCEEDED:
            done = f" · {self.counts.succeeded:,} done" if self._done else ""
            return f"{ended_words(outcome)}{done}{hint}"
        ended, before = self._done - (self._before or 0), self._before or 0
        if outcome.reason and not ended:
            return one_line(outcome.reason)
        again = f"{self._retried:,} tried again" if self._retried else ""
        wall = outcome.wall.total_seconds()
        rate = rate_words(ended / wall) if ended and wall > 0 else ""
        count = f"{ended:,}{' more' if before else ''} task{'s'[: ended != 1]}"
        before_words = left_out_words(self.counts) if self.counts.left_out else ""
        words = [f"{count} in {spent_words(outcome.wall)}", rate, failed, again, before_words]
        return f"{', '.join(each for each in words if each)}{hint}"

    @property
    def _done(self) -> int:
        return self.counts.succeeded + self.counts.failed

    @property
    def _total(self) -> int | None:
        """How many there are; a guess that has proved too low is none."""
        total = self.counts.total
        return None if total is not None and self.counts.total_is_guess and total <= self._done else total

    def _done_words(self) -> str:
        total = self._total
        if total is None:
            return f"{self._done:,}"
        return f"{self._done:,}/{'~' if self.counts.total_is_guess else ''}{total:,}"

    def _slowest(self, now: float) -> str:
        if not self._running:
            return ""
        task, age = self._running[0]
        spent = timedelta(seconds=age + now - self._noted)
        return f"slowest {task}: {duration_words(spent)}" if spent >= _SLOW else ""

    def _failures(self, ends: Iterable[TaskEnd]) -> Iterator[tuple[Status, str]]:
        for end in ends:
            self._failed_told += 1
            if self._failed_told <= _FAILED_TOLD:
                yield Status.FAILED, task_words(end)
            elif self._failed_told == _FAILED_TOLD + 1:
                where = failed_command(self.key.run, self.key.step)
                yield Status.FAILED, f"more tasks failed; from here on they are only counted · {where}"

    def _repeated(self, ends: Iterable[TaskEnd]) -> Iterator[tuple[Status, str]]:
        for end in ends:
            self._retried += 1
            if self._retried <= _RETRIED_TOLD:
                yield Status.WAITING, f"{task_words(end)} · tried again"
            elif self._retried == _RETRIED_TOLD + 1:
                yield Status.WAITING, "more tasks are tried again; from here on they are only counted"


class FanOuts:
    """The fan-outs that a notifier tells of."""

    def __init__(self) -> None:
        self._running: dict[AttemptKey, Progress] = {}
        self._counts: dict[tuple[int, str], TaskCounts] = {}

    @property
    def running(self) -> list[Progress]:
        """Those that have begun and not ended."""
        return list(self._running.values())

    def begin(self, key: AttemptKey, now: float) -> None:
        """Take note that one begins."""
        self._running[key] = Progress(key, now)

    def of(self, key: AttemptKey, now: float) -> Progress:
        """Return the progress of one, also where nobody told its beginning."""
        return self._running.setdefault(key, Progress(key, now))

    def end(self, key: AttemptKey, outcome: Outcome) -> str:
        """Say how one ended, which is over then."""
        progress = self._running.pop(key, None)
        if progress is None:
            return ended_words(outcome)
        self._counts[key.run, key.step] = progress.counts
        return progress.ended(outcome)

    def end_run(self, run: int) -> Mapping[str, TaskCounts]:
        """Return how the tasks of a run's steps stand, which is over then."""
        found = {step: counts for (each, step), counts in self._counts.items() if each == run}
        self._counts = {place: counts for place, counts in self._counts.items() if place[0] != run}
        return found


def each_words(step: Step | None, slots: int | None, limit: str) -> str:
    """Say for what a step is done again and again: ` for each line of urls.txt, in 8 slots`; nothing of others."""
    if step is None or step.foreach is None:
        return ""
    where = f", in {slots_words(slots, limit)}" if slots else ""
    return f"  for each {source_words(step.foreach)}{where}"


def source_words(foreach: ForEach) -> str:
    """Say what the inputs of a fan-out are: `of 12 items`, `line of urls.txt`, `file of images/**/*.png`."""
    value, kind = foreach.value, _KINDS.get(foreach.source)
    if kind is not None and isinstance(value, (str, Template)):
        words = f"{kind} {one_line(str(value))}"
    elif isinstance(value, Sequence) and not isinstance(value, str) and foreach.source == "items":
        words = f"of {len(value):,} item{'s'[: len(value) != 1]}"
    elif isinstance(value, Mapping):
        words = f"combination of {', '.join(value)}"
    else:
        words = f"of {foreach.source} {one_line(str(value))}"
    return f"{words}, the first {foreach.limit:,}" if foreach.limit else words


def left_out_words(counts: TaskCounts) -> str:
    """Say how many inputs are no tasks of this run: `12 done by earlier runs`."""
    return f"{counts.left_out:,} done by earlier runs"


def task_words(end: TaskEnd) -> str:
    """Say how a task ended that did not succeed: `task 17: exit 1 after 2.1 s, try 3: HTTP 403`."""
    reason = one_line(end.reason)
    after = (
        f" after {spent_words(timedelta(microseconds=end.wall_us))}" if end.slot and " after " not in reason else ""
    )
    number = f", try {end.number}" if end.number > 1 else ""
    has_more = end.last_line and end.last_line != end.reason
    said = f": {one_line(end.last_line)[:_LONGEST]}" if has_more else ""
    return f"task {end.task}: {reason}{after}{number}{said}"


def failed_command(run: int, step: str) -> str:
    """Return the command that lists the failed tasks of a step."""
    return f"crude-link tasks {run} {step} --failed"
