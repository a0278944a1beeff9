"""`crude-link logs`: what steps wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from crude_link.app import Records, open_records
from crude_link.cli.options import common_options, json_option
from crude_link.cli.record import run_and_step
from crude_link.cli.talk import say, until_reader_leaves
from crude_link.errors import UsageError
from crude_link.model.event import Stream
from crude_link.model.run import Attempt, AttemptKey
from crude_link.notifiers.look import Look, look_of, printable, shortened

#: Bytes that are collected before they are written.
_PIECE = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whose output is wanted; None: of all steps, the newest attempt, both streams."""

    run: int
    step: str | None = None
    number: int | None = None
    stream: Stream | None = None

    def among(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Return the wanted attempts in the order in which they began. UsageError when there is no such number."""
        if self.step is None:
            return list(attempts)
        of_step = [attempt for attempt in attempts if attempt.key.step == self.step]
        if self.number is None:
            return of_step[-1:]
        chosen = [attempt for attempt in of_step if attempt.key.number == self.number]
        if not chosen:
            there = f"it has {len(of_step)}" if of_step else "it has none"
            raise UsageError(f"step {self.step!r} of run {self.run} has no attempt {self.number}: {there}")
        return chosen


@click.command()
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option(
    "--attempt", "number", type=click.IntRange(min=1), metavar="N", help="This try of the step. [the newest]"
)
@click.option("--stdout", "only_stdout", is_flag=True, help="Only what went to stdout.")
@click.option("--stderr", "only_stderr", is_flag=True, help="Only what went to stderr.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run, or the step, has ended.")
@json_option
@common_options
def command(
    words: tuple[str, ...], number: int | None, only_stdout: bool, only_stderr: bool, follow: bool, as_json: bool
) -> int:
    """Print what the steps of RUN wrote, or one STEP of it: `logs`, `logs train`, `logs 42 train`, `logs 42 -f`."""
    if len(words) > 2:
        raise UsageError("give at most a run and a step: crude-link logs 42 train")
    records = open_records()
    run_id, step = run_and_step(records, words)
    if number is not None and step is None:
        raise UsageError("--attempt needs a step: crude-link logs 42 train --attempt 1")
    stream = None if only_stdout is only_stderr else Stream.STDOUT if only_stdout else Stream.STDERR
    wanted = Wanted(run=run_id, step=step, number=number, stream=stream)
    page = Page(as_json=as_json, with_heads=step is None)
    if follow:
        from crude_link.cli.follow import follow_logs

        follow_logs(records, wanted, page)
        return 0
    chosen = wanted.among(records.store.attempts.attempts(run_id))
    for attempt in chosen:
        page.write(attempt.key, records.store.logs.lines(attempt.key, stream))
    page.flush()
    if not page.has_lines:
        say(_silence(records, wanted, chosen))
    return 0


class Page:
    """Lines of logs on stdout. A head says whose they are whenever that changes."""

    def __init__(self, *, as_json: bool, with_heads: bool) -> None:
        self.look: Look = look_of(sys.stdout)
        self.has_lines = False
        self._as_json = as_json
        self._with_heads = with_heads
        self._key: AttemptKey | None = None
        self._passing = ""
        self._held = bytearray()

    def write(self, key: AttemptKey, lines: Iterable[tuple[Stream, bytes]]) -> None:
        """Write lines of an attempt."""
        for stream, line in lines:
            self.show_passing("")
            if self._as_json:
                text = line.decode("utf-8", "replace")
                whole = {"step": key.step, "attempt": key.number, "stream": stream.value, "line": text}
                self._held += json.dumps(whole).encode() + b"\n"
            else:
                self._head(key)
                self._held += line + b"\n"
            self.has_lines = True
            if len(self._held) > _PIECE:
                self.flush()

    def show_passing(self, text: str) -> None:
        """Show a line that still changes, where stdout is a terminal; the next call takes it away again."""
        if self.look.width is None or self._as_json:
            return
        text = shortened(printable(text), self.look.width - 1)
        if text != self._passing:
            self._held += b"\r\x1b[2K" + self.look.spell(text).encode(self.look.encoding)
            self._passing = text

    def flush(self) -> None:
        """Let the reader have what was written."""
        with until_reader_leaves():
            sys.stdout.buffer.write(self._held)
            sys.stdout.buffer.flush()
        self._held.clear()

    def _head(self, key: AttemptKey) -> None:
        if key == self._key:
            return
        if self._with_heads or self._key is not None:
            blank = "\n" if self._key is not None else ""
            name = key.step if key.number == 1 else f"{key.step}, try {key.number}"
            head = self.look.spell(self.look.paint(f"==> {name} <==", bold=True))
            self._held += f"{blank}{head}\n".encode(self.look.encoding, "backslashreplace")
        self._key = key


def _silence(records: Records, wanted: Wanted, chosen: Sequence[Attempt]) -> str:
    """Say why there is nothing to print."""
    whose = f"step {wanted.step!r} of run {wanted.run}" if wanted.step else f"run {wanted.run}"
    if not chosen and wanted.step:
        state = next(each for each in records.store.states.states(wanted.run) if each.name == wanted.step)
        return (
            f"{whose} has not been started: it is {state.status.value}{f' ({state.reason})' if state.reason else ''}"
        )
    if not chosen:
        return f"no step of {whose} has been started yet"
    wrote = sum(each.outcome.stdout_bytes + each.outcome.stderr_bytes for each in chosen if each.outcome)
    if wrote and wanted.stream is None:
        return f"{whose} wrote {wrote} bytes, but its log is gone"
    return f"{whose} wrote nothing{f' to {wanted.stream.value}' if wanted.stream else ''}"
