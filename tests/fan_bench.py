"""A fan-out on a bench: what tests of tasks in an executor share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from executor_bench import Bench

from crude_link.model.event import Ended, TasksEnded
from crude_link.model.order import FanOrder
from crude_link.model.run import AttemptKey, Outcome
from crude_link.model.task import TaskEnd, TaskOrder
from crude_link.model.wish import CloseFan, HandOut

KEY = AttemptKey(1, "fan", 0, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An end as its archive has it."""

    task: int
    number: int
    digest: str
    letter: str
    exit_status: str
    signal: str
    out: bytes
    err: bytes
    #: Where stdout begins; -1: in a file of its own.
    offset: int


class FanBench(Bench):
    """A bench with one fan-out."""

    def open(self, slots: int = 2, **changes: object) -> None:
        """Hold the run, and begin a fan-out."""
        self.hold()
        whole = self.order("fan", **{"key": KEY, **changes})  # type: ignore[arg-type]  # the test gives the right ones
        self.executor.start(FanOrder(whole=whole, folder=self.tasks, slots=slots))

    @property
    def tasks(self) -> Path:
        return self.folder / "tasks"

    def hand_out(self, *scripts: str, first: int = 1, env: Mapping[str, str] | None = None) -> None:
        """Hand out shell scripts as tasks, numbered from `first`."""
        self.hand_out_commands(*(("sh", "-c", script) for script in scripts), first=first, env=env)

    def hand_out_commands(
        self, *commands: Sequence[str], first: int = 1, env: Mapping[str, str] | None = None
    ) -> None:
        orders = [
            TaskOrder(task, 1, f"{task:016x}", tuple(command), env or {})
            for task, command in enumerate(commands, start=first)
        ]
        self.executor.tell(HandOut(key=KEY, tasks=orders))

    def close(self, *, forget: bool = False) -> Outcome:
        """Say that no more tasks come, and wait for the end of the whole."""
        self.executor.tell(CloseFan(key=KEY, forget=forget))
        return self.whole()

    def whole(self) -> Outcome:
        event = self.wait_for(lambda event: isinstance(event, Ended) and event.key == KEY)
        assert isinstance(event, Ended)
        return event.outcome

    def run(self, *scripts: str, slots: int = 2, **changes: object) -> dict[int, TaskEnd]:
        """Run scripts as the tasks of a fan-out to its end; return the ends of the tasks."""
        self.open(slots, **changes)
        self.hand_out(*scripts)
        self.close()
        return self.ends()

    def ends(self) -> dict[int, TaskEnd]:
        """Return the ends of tasks that were told so far; none is told twice."""
        ends = [end for event in self.seen if isinstance(event, TasksEnded) for end in event.ends]
        by_task = {end.task: end for end in ends}
        assert len(by_task) == len(ends)
        return by_task

    def output(self, end: TaskEnd) -> tuple[bytes, bytes]:
        """Read what a task wrote, as its end says where it is."""
        name = f"{KEY.number}-{end.slot}"
        if end.offset < 0:
            stem = self.tasks / f"{name}.{end.task}.{end.number}"
            out, err = (stem.with_name(stem.name + suffix).read_bytes() for suffix in (".stdout", ".stderr"))
            assert (len(out), len(err)) == (end.stdout_bytes, end.stderr_bytes)
            return out, err
        with (self.tasks / f"{name}.archive").open("rb") as file:
            file.seek(end.offset)
            return file.read(end.stdout_bytes), file.read(end.stderr_bytes)


def entries(archive: Path) -> tuple[list[tuple[int, int]], list[Entry]]:
    """Read an archive from its beginning: the starts, and the ends; what is torn at its end is left out."""
    data = archive.read_bytes()
    starts: list[tuple[int, int]] = []
    ends: list[Entry] = []
    at = 0
    while (line_end := data.find(b"\n", at)) >= 0:
        words = data[at:line_end].decode().split(" ")
        at = line_end + 1
        if words[0] == "S":
            starts.append((int(words[1]), int(words[2])))
            continue
        assert words[0] == "E", words
        _, task, number, digest, letter, exit_status, signal, *_, out_size, err_size, where = words
        out, err = (int(out_size), int(err_size)) if where == "a" else (0, 0)
        if at + out + err + 1 > len(data):
            break
        assert data[at + out + err : at + out + err + 1] == b"\n"
        ends.append(
            Entry(
                task=int(task),
                number=int(number),
                digest=digest,
                letter=letter,
                exit_status=exit_status,
                signal=signal,
                out=data[at : at + out],
                err=data[at + out : at + out + err],
                offset=at if where == "a" else -1,
            )
        )
        at += out + err + 1
    return starts, ends


def all_entries(folder: Path) -> tuple[list[tuple[int, int]], list[Entry]]:
    """Read all archives of a folder."""
    starts: list[tuple[int, int]] = []
    ends: list[Entry] = []
    for archive in sorted(folder.glob("*.archive")):
        some_starts, some_ends = entries(archive)
        starts += some_starts
        ends += some_ends
    return starts, ends


GRACE = timedelta(seconds=0.2)
#: What a process of a test needs of our own environment.
ENV = {"PATH": os.environ["PATH"]}
