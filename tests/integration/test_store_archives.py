"""Archives: what tasks wrote is read back, and what nobody recorded is found again; whatever a crash left of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from store_values import NEW_RUN, SITTING, SUCCESS, attempt_of, store_at

from crude_link.agent.archive import Archive, End, start_line
from crude_link.model.event import Stream
from crude_link.model.run import AttemptKey, Ending, Findings
from crude_link.model.status import Status
from crude_link.model.task import FanRecord, TaskCounts, TaskEnd, TaskRecord
from crude_link.store import SqliteStore
from crude_link.store.archives import ArchiveName, Begun, Entry, archives_in, read_archive

BEGAN = 1_760_000_000_000_000
OUT, ERR = Stream.STDOUT, Stream.STDERR


@dataclass
class Writer:
    """Writes the archive of a slot as an agent does; `ends` are those that the agent would tell."""

    folder: Path
    attempt: int = 1
    slot: int = 1
    ends: list[TaskEnd] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.attempt}-{self.slot}.archive"

    def begin(self, task: int, number: int = 1) -> None:
        self.add(b"S %d %d %d\n" % (task, number, BEGAN + task * 1000))

    def end(
        self,
        task: int,
        exit_status: int = 0,
        *,
        number: int = 1,
        stdout: bytes = b"",
        stderr: bytes = b"",
        apart: bool = False,
    ) -> None:
        self.begin(task, number)
        head = b"E %d %d %016x e %d - %d 500 400 1500000 %d %d %s\n" % (
            task,
            number,
            task,
            exit_status,
            BEGAN + task * 1000,
            len(stdout),
            len(stderr),
            b"f" if apart else b"a",
        )
        offset = -1 if apart else self.path.stat().st_size + len(head)
        self.add(head + (b"" if apart else stdout + stderr) + b"\n")
        if apart:
            start = f"{self.attempt}-{self.slot}.{task}.{number}"
            (self.folder / f"{start}.stdout").write_bytes(stdout)
            (self.folder / f"{start}.stderr").write_bytes(stderr)
        reason = f"exit {exit_status}" if exit_status else ""
        said = (stderr or stdout).decode(errors="replace").strip().split("\n")[-1] if exit_status else ""
        began = BEGAN + task * 1000
        self.ends.append(
            TaskEnd(
                *(task, number, f"{task:016x}", self.slot, Ending.EXITED, exit_status, None, began, 500, 400),
                *(1_500_000, len(stdout), len(stderr), offset, reason, said),
            )
        )

    def add(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)


@dataclass
class Place:
    """A store with a run whose step fans out."""

    store: SqliteStore
    run: int

    @property
    def folder(self) -> Path:
        return self.store.files.tasks(self.run, "train")

    def key(self, attempt: int) -> AttemptKey:
        return AttemptKey(self.run, "train", 0, attempt)

    def begin(self, attempt: int) -> FanRecord:
        return self.store.tasks.begin_fan(self.key(attempt), "source")

    def writer(self, attempt: int = 1, slot: int = 1) -> Writer:
        return Writer(self.folder, attempt, slot)

    def records(self) -> list[TaskRecord]:
        return list(self.store.tasks.tasks(self.run, "train"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with store_at(tmp_path) as store:
        place = Place(store, store.runs.begin_run(NEW_RUN, SITTING).id)
        place.folder.mkdir(parents=True)
        place.begin(1)
        yield place


def test_ends_that_nobody_recorded_are_recorded_when_the_fan_out_goes_on(place: Place) -> None:
    first, second = place.writer(), place.writer(slot=2)
    first.end(1, stdout=b"one\n")
    first.end(3, 7, stdout=b"three\n", stderr=b"bad\nworse\n\n")
    second.end(2)
    second.begin(4)
    record = place.begin(2)
    assert [task for task in range(9) if task in record.done] == [1, 2]
    assert 3 in record.failed
    assert record.tries == {3: 1, 4: 1}
    assert record.highest == 4
    expected = sorted([*first.ends, *second.ends])
    assert place.records() == [TaskRecord(end=end, attempt=1) for end in expected]
    assert place.records()[2].end.last_line == "worse"


def test_only_what_is_behind_the_last_record_is_read(place: Place) -> None:
    writer = place.writer()
    writer.end(1, stdout=b"x" * 10)
    writer.end(2, 1)
    place.store.tasks.end_tasks(place.key(1), writer.ends)
    read_to = writer.path.stat().st_size
    writer.end(3)
    content = writer.path.read_bytes()
    writer.path.write_bytes(b"?" * (read_to - 1) + b"\n" + content[read_to:])
    record = place.begin(2)
    assert [task for task in range(9) if task in record.done] == [1, 3]
    assert record.tries == {2: 1}


def test_what_was_recovered_once_is_recovered_again_without_harm(place: Place) -> None:
    writer = place.writer()
    writer.end(1, 1, stdout=b"no\n", apart=True)
    writer.end(2, apart=True)
    before = place.begin(2)
    again = place.begin(3)
    assert (before.tries, again.tries) == ({1: 1}, {1: 1})
    assert place.records() == [TaskRecord(end=end, attempt=1) for end in writer.ends]


def test_a_last_entry_is_ignored_wherever_it_is_torn(place: Place) -> None:
    writer = place.writer()
    writer.end(1, stdout=b"E 9 1 - e 0 - 1 1 1 - 0 0 a\n\n")
    whole = writer.path.stat().st_size
    writer.end(2, 3, stdout=b"S 7 1 5\n", stderr=b"E 8 1 - e 0 - 1 1 1 - 0 0 a\n\n")
    content = writer.path.read_bytes()
    name = ArchiveName(1, 1)
    for size in range(whole, len(content)):
        writer.path.write_bytes(content[:size])
        found = list(read_archive(place.folder, name))
        assert [each.end.task for each in found if isinstance(each, Entry)] == [1], size
        assert all(each.task == 2 for each in found if isinstance(each, Begun)), size


@pytest.mark.parametrize(
    "damage",
    [
        b"\0" * 4096,
        b"nonsense\n",
        b"E 5 1 - e 0 - 1 1 1 - 5 0 a\n",
        b"E 5 1 - q 0 - 1 1 1 - 0 0 a\n\n",
        b"E 5 1 - e - - 1 1 1 - 0 0 a\n\n",
        b"E 5 1 - e 0 - 1 1 1 - 99999999999999999999 0 a\n\n",
        b"E 5 1 - e 0 - 1 1 1 - 999999999999999999 0 a\n\n",
        b"x" * 100_000,
    ],
)
def test_nothing_behind_damage_is_believed(place: Place, damage: bytes) -> None:
    writer = place.writer()
    writer.end(1)
    writer.add(damage)
    writer.end(2)
    record = place.begin(2)
    assert len(record.done) == 1
    assert 1 in record.done


def test_an_archive_that_shrank_or_is_gone_ends_nothing(place: Place) -> None:
    writer = place.writer()
    writer.end(1, stdout=b"text\n")
    place.store.tasks.end_tasks(place.key(1), writer.ends)
    writer.path.write_bytes(b"S 1")
    assert 1 in place.begin(2).done
    writer.path.unlink()
    assert 1 in place.begin(3).done
    assert list(place.store.task_logs.lines(place.run, "train", place.records()[0])) == []


def test_tasks_that_could_not_start_keep_their_reason(place: Place) -> None:
    writer = place.writer()
    reason = b"no such program: caf\xe9"
    writer.add(b"E 1 1 - n - - 5 0 0 - 0 %d a\n%s\n" % (len(reason), reason))
    writer.add(b"S 2 1 5\nE 2 1 00000000000000aa s - 11 5 6 7 - 0 0 a\n\n")
    writer.add(b"S 3 1 5\nE 3 1 00000000000000aa t - 15 5 6 7 - 0 0 a\n\n")
    place.begin(2)
    refused, crashed, slow = (record.end for record in place.records())
    assert (refused.ending, refused.reason, refused.digest) == (
        Ending.NOT_STARTED,
        reason.decode(errors="surrogateescape"),
        "-",
    )
    assert (crashed.ending, crashed.reason) == (Ending.SIGNALLED, "signal 11 (segmentation fault)")
    assert (slow.ending, slow.reason, slow.signal) == (Ending.TIMED_OUT, "timed out", 15)


def test_a_success_of_an_earlier_attempt_stays_when_its_archive_is_read_late(place: Place) -> None:
    writer = place.writer()
    writer.end(1)
    failed = writer.ends[0]._replace(number=2, exit_status=1, reason="exit 1")
    place.store.tasks.end_tasks(place.key(2), [failed])
    place.begin(3)
    (record,) = place.records()
    assert (record.end.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert place.store.tasks.counts(place.run, "train") == TaskCounts(succeeded=1)


def test_many_ends_are_recovered_in_batches(place: Place) -> None:
    writer = place.writer()
    with writer.path.open("wb") as file:
        for task in range(1, 2502):
            file.write(b"S %d 1 5\nE %d 1 - e 0 - 5 6 7 - 2 0 a\nx\n\n" % (task, task))
    record = place.begin(2)
    assert (len(record.done), record.highest, record.tries) == (2501, 2501, {})


def test_what_an_agent_writes_is_read_as_it_was_meant(place: Place) -> None:
    remarks: list[str] = []
    archive = Archive(str(place.folder / "1-3.archive"), remarks.append)
    good, refused, apart = End(1, 1, "00000000000000ff"), End(2, 4, ""), End(3, 1, "0" * 16)
    good.letter, good.exit, good.out, good.err, good.sizes = "e", 0, b"out", b"error", (3, 5)
    good.began_us, good.wall_us, good.cpu_us, good.peak = 5, 6, 7, 8
    refused.err, refused.sizes = b"no such program", (0, 15)
    apart.letter, apart.signal, apart.is_apart, apart.sizes = "s", 9, True, (1 << 20, 1)
    archive.append(None, start_line(1, 1, 5))
    offset = archive.append(good, start_line(2, 4, 6))
    archive.append(refused, start_line(3, 1, 7))
    archive.append(apart, start_line(4, 1, 9))
    archive.close()
    *ends, last = read_archive(place.folder, ArchiveName(1, 3))
    found = [each.end for each in ends if isinstance(each, Entry)]
    assert found == [
        TaskEnd(1, 1, "00000000000000ff", 3, Ending.EXITED, 0, None, 5, 6, 7, 8, 3, 5, offset),
        TaskEnd(2, 4, "-", 3, Ending.NOT_STARTED, None, None, 6, 0, 0, None, 0, 15, found[1].offset),
        TaskEnd(3, 1, "0" * 16, 3, Ending.SIGNALLED, None, 9, 7, 0, 0, None, 1 << 20, 1, -1),
    ]
    assert last == Begun(4, 1, 9)
    assert remarks == []
    assert place.begin(2).tries == {2: 4, 3: 1, 4: 1}
    assert place.records()[1].end.reason == "no such program"


# --- logs -----------------------------------------------------------------------------------------------


def test_the_output_of_a_task_comes_out_of_its_archive(place: Place) -> None:
    writer = place.writer()
    writer.end(1, stdout=b"before\n")
    writer.end(2, 1, stdout=b"one\r\ntwo", stderr=b"bad \xff\n")
    writer.end(3, stdout=b"after\n")
    place.store.tasks.end_tasks(place.key(1), writer.ends)
    record = place.store.tasks.task(place.run, "train", 2)
    assert record
    logs = place.store.task_logs
    assert [b"".join(each) for each in logs.task_output(place.run, "train", record)] == [b"one\r\ntwo", b"bad \xff\n"]
    assert list(logs.lines(place.run, "train", record)) == [(OUT, b"one"), (OUT, b"two"), (ERR, b"bad \xff")]
    assert list(logs.lines(place.run, "train", record, ERR)) == [(ERR, b"bad \xff")]
    assert place.store.tasks.task(place.run, "train", 4) is None


def test_large_output_is_read_from_files_of_its_own(place: Place) -> None:
    writer = place.writer()
    writer.end(1, stdout=b"x" * 300_000 + b"\n" + b"y" * 10, stderr=b"small\n", apart=True)
    place.store.tasks.end_tasks(place.key(1), writer.ends)
    (record,) = place.records()
    lines = list(place.store.task_logs.lines(place.run, "train", record))
    assert lines == [(OUT, b"x" * 300_000), (OUT, b"y" * 10), (ERR, b"small")]


def test_the_log_of_a_fan_out_is_that_of_its_tasks_in_the_order_in_which_they_ended(place: Place) -> None:
    one, two, later = place.writer(), place.writer(slot=2), place.writer(attempt=2)
    for writer, task in ((one, 1), (two, 2), (two, 3), (one, 4), (two, 5)):
        writer.end(task, stdout=b"task %d\n" % task)
    later.end(1, number=2, stdout=b"again\n")
    key = place.key(1)
    assert list(place.store.logs.lines(key)) == [(OUT, b"task %d" % task) for task in range(1, 6)]
    assert list(place.store.logs.lines(key, ERR)) == []
    assert list(place.store.logs.lines(place.key(2))) == [(OUT, b"again")]
    assert [record.end.task for record in place.store.task_logs.tries(place.run, "train")] == [1, 2, 3, 4, 5, 1]
    assert place.store.logs.last_lines(key, 10) == ()


def test_tries_can_be_read_on_where_they_were_left(place: Place) -> None:
    one, two = place.writer(), place.writer(slot=2)
    read_to: dict[ArchiveName, int] = {}

    def new_tasks() -> list[int]:
        return [record.end.task for record in place.store.task_logs.tries(place.run, "train", 1, read_to)]

    one.end(1)
    assert new_tasks() == [1]
    two.begin(2)
    assert new_tasks() == []
    two.end(2)
    one.end(3, stderr=b"three")
    assert new_tasks() == [2, 3]
    assert new_tasks() == []


def test_what_runs_in_a_slot_now_can_be_seen(place: Place) -> None:
    old, quiet, busy = place.writer(), place.writer(attempt=2), place.writer(attempt=2, slot=2)
    old.begin(1)
    quiet.end(2)
    busy.end(3)
    busy.begin(4)
    running = place.store.tasks.running(place.run, "train")
    assert running == {ArchiveName(2, 2): Begun(task=4, number=1, began_us=BEGAN + 4000)}
    assert place.store.tasks.running(place.run, "other") == {}


def test_other_files_beside_the_archives_are_none(place: Place) -> None:
    for name in (
        "1-1.archive",
        "10-2.archive",
        "2-1.archive",
        "1-1.out",
        "1-1.5.1.stdout",
        "x.archive",
        "1-1.archive~",
    ):
        (place.folder / name).touch()
    assert archives_in(place.folder) == [ArchiveName(1, 1), ArchiveName(2, 1), ArchiveName(10, 2)]


# --- the fan-out as an attempt --------------------------------------------------------------------------


def test_the_whole_is_an_attempt_like_any_other(place: Place) -> None:
    attempt = replace(attempt_of(place.run), key=place.key(1))
    place.store.attempts.begin_attempt(attempt)
    assert place.store.attempts.end_attempt(attempt.key, SUCCESS, Findings(metrics={"loss": 1}))
    (found,) = place.store.attempts.attempts(place.run)
    assert (found.key, found.outcome) == (attempt.key, SUCCESS)
    assert place.store.attempts.findings(place.run) == {attempt.key: Findings(metrics={"loss": 1})}
    assert place.store.history.usual("cells") == {"train": SUCCESS.wall}
