"""SqliteTasks: the tasks of fan-outs, a row each, and one bit for each that has succeeded."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence

from crude_link.errors import UnknownRun
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.status import Status
from crude_link.model.task import FailureGroup, FanRecord, TaskCounts, TaskEnd, TaskRecord, TaskSet
from crude_link.store.archives import (
    ENDINGS,
    LETTERS,
    ArchiveName,
    Begun,
    Entry,
    archives_in,
    read_archive,
    with_words,
)
from crude_link.store.database import Bound, Database, Row, bound
from crude_link.store.files import RunFiles
from crude_link.store.memory import SqliteMemory
from crude_link.store.rows import text
from crude_link.store.task_failures import grouped
from crude_link.store.task_maps import ByDigest, Tries, signed, unsigned

#: Tasks in one row of bits: a kilobyte, of which four fit on a page.
_BLOCK = 8192
#: Ends that are recovered in one transaction, and tasks that are read at once.
_PAGE = 1000
_NOT_FAILED = (Ending.STOPPED, Ending.LOST)


class SqliteTasks:
    """Records how tasks ended, in one short transaction for many, and finds again what was recorded.

    Nothing is flushed to the disk: it outlives the death of every process. What a power failure takes is in the
    archives, as far as these have survived it.
    """

    def __init__(self, database: Database, files: RunFiles) -> None:
        self._database = database
        self._files = files
        self._memory = SqliteMemory(database)

    def begin_fan(self, key: AttemptKey, source: str, *, once: bool = False) -> FanRecord:
        """Record that a fan-out goes on with this attempt; return what is known of its tasks. UnknownRun.

        Ends in the archives of its earlier attempts that have no row get one first.
        """
        if self._fan(key.run, key.step) is None:
            with self._database.write(durable=False):
                if not self._database.change("insert_fan", run=key.run, step=key.step, source=source).rowcount:
                    raise UnknownRun(f"there is no run {key.run}: see `crude-link runs`")
        remembers = self._memory.begin(self._known_fan(key)["id"], once=once)
        if once:
            self._remember_lost(key)
        begun = self._recover(key)
        fan = self._known_fan(key)
        done = self._done(fan["id"])
        failed, tries = TaskSet(), Tries()
        for each in begun:
            if each.task not in done:
                tries.note(each.task, each.number)
        with self._database.reading("unsuccessful_tasks", fan=fan["id"]) as rows:
            for task, number, ending in rows:
                tries.note(task, number)
                if ENDINGS[ending] not in _NOT_FAILED:
                    failed.add(task)
        row = self._database.first("highest_task", fan=fan["id"])
        highest = max([row["highest"] or 0 if row else 0, *(each.task for each in begun)])
        return FanRecord(
            done=done,
            failed=failed,
            tries=tries,
            highest=highest,
            is_same_source=self._is_same(fan, source, is_new=highest == 0),
            remembers=remembers,
            walls_us=[row["wall_us"] for row in self._database.rows("success_durations", fan=fan["id"], limit=_PAGE)],
        )

    def tasks_by_digest(self, key: AttemptKey) -> Mapping[str, Sequence[int]]:
        """Return the numbers of all tasks that have ended, by digest, lowest first."""
        fan = self._known_fan(key)["id"]
        digests, tasks = array("q"), array("q")
        with self._database.reading("tasks_by_digest", fan=fan) as rows:
            while page := rows.fetchmany(_PAGE):
                digests.extend([digest for digest, _ in page])
                tasks.extend([task for _, task in page])
        return ByDigest(digests, tasks)

    def end_tasks(self, key: AttemptKey, ends: Sequence[TaskEnd]) -> None:
        """Record ends, all in one transaction. A success stays for ever, else the newest end."""
        succeeded = [end for end in ends if end.status is Status.SUCCEEDED]
        with self._database.write(durable=False):
            row = self._known_fan(key)
            fan, memory = row["id"], row["memory"]
            change_many = self._database.change_many
            change_many("set_task", [_values(fan, key.number, end) for end in ends])
            change_many("set_archive", _reached(fan, key.number, ends))
            if len(succeeded) < len(ends):
                unsuccessful = [end for end in ends if end.status is not Status.SUCCEEDED]
                change_many("set_task_words", [_words(fan, key.number, end) for end in unsuccessful])
            if succeeded:
                change_many("delete_task_words", [{"fan": fan, "task": end.task} for end in succeeded])
                self._add_done(fan, [end.task for end in succeeded])
            if memory is not None:
                self._memory.remember(memory, key.run, [end.digest for end in succeeded])

    def counts(self, run: int, step: str) -> TaskCounts:
        """Return how the tasks that have ended stand."""
        fan = self._fan(run, step)
        if fan is None:
            return TaskCounts()
        endings = {ENDINGS[row["ending"]]: row["count"] for row in self._database.rows("task_endings", fan=fan["id"])}
        return TaskCounts(
            succeeded=len(self._done(fan["id"])),
            failed=sum(count for ending, count in endings.items() if ending not in _NOT_FAILED),
        )

    def tasks(self, run: int, step: str, *, failed: bool = False) -> Iterator[TaskRecord]:
        """Yield the newest end of each task, by number; only of those that did not succeed, where asked."""
        fan = self._fan(run, step)
        after = -1
        while fan:
            query = "failed_tasks" if failed else "tasks"
            page = self._database.rows(query, fan=fan["id"], after=after, limit=_PAGE)
            yield from map(_record_of, page)
            if len(page) < _PAGE:
                return
            after = page[-1]["task"]

    def task(self, run: int, step: str, task: int) -> TaskRecord | None:
        """Return the newest end of one task; None when it has not ended yet."""
        fan = self._fan(run, step)
        row = self._database.first("task", fan=fan["id"], task=task) if fan else None
        return _record_of(row) if row else None

    def failures(self, run: int, step: str, most: int) -> Sequence[FailureGroup]:
        """Return the failed tasks by what they said, the largest group first."""
        fan = self._fan(run, step)
        if fan is None:
            return []
        with self._database.reading("failures", fan=fan["id"]) as rows:
            return grouped(((task, text(words)) for task, words in rows), most)

    def running(self, run: int, step: str) -> Mapping[ArchiveName, Begun]:
        """Return what the slots of the newest attempt work on, as far as the archives tell."""
        fan, folder = self._fan(run, step), self._files.tasks(run, step)
        names = archives_in(folder)
        read_to = self._read_to(fan["id"]) if fan else {}
        newest = [name for name in names if name.attempt == names[-1].attempt]
        found = {}
        for name in newest:
            *_, last = [None, *read_archive(folder, name, read_to.get(name, 0))]
            if isinstance(last, Begun):
                found[name] = last
        return found

    def _recover(self, key: AttemptKey) -> list[Begun]:
        """Record the ends that earlier attempts left in their archives only; return what they left without an end."""
        folder = self._files.tasks(key.run, key.step)
        read_to = self._read_to(self._known_fan(key)["id"])
        begun: list[Begun] = []
        for name in archives_in(folder):
            if name.attempt >= key.number:
                continue
            earlier = key._replace(number=name.attempt)
            batch: list[TaskEnd] = []
            for entry in read_archive(folder, name, read_to.get(name, 0)):
                if isinstance(entry, Begun):
                    begun.append(entry)
                    continue
                end = entry.end
                batch.append(end if end.status is Status.SUCCEEDED else with_words(end, folder, name))
                if len(batch) == _PAGE:
                    self.end_tasks(earlier, batch)
                    batch = []
            if batch:
                self.end_tasks(earlier, batch)
        return begun

    def _remember_lost(self, key: AttemptKey) -> None:
        """Remember what other runs of the step did last before they died, as far as only their archives tell."""
        for row in self._database.rows("unended_fans_of_memory", fan=self._known_fan(key)["id"]):
            folder, read_to = self._files.tasks(row["run"], key.step), self._read_to(row["id"])
            entries = (
                entry for name in archives_in(folder) for entry in read_archive(folder, name, read_to.get(name, 0))
            )
            ends = [entry.end for entry in entries if isinstance(entry, Entry)]
            done = [end.digest for end in ends if end.status is Status.SUCCEEDED]
            if done:
                with self._database.write(durable=False):
                    self._memory.remember(row["memory"], row["run"], done)

    def _is_same(self, fan: Row, source: str, *, is_new: bool) -> bool:
        if text(fan["source"]) == source:
            return True
        # Once tasks are numbered by digest, no state of the source tells their numbers any more.
        with self._database.write(durable=False):
            self._database.change("set_fan_source", fan=fan["id"], source=source if is_new else None)
        return is_new

    def _fan(self, run: int, step: str) -> Row | None:
        return self._database.first("fan", run=run, step=step)

    def _known_fan(self, key: AttemptKey) -> Row:
        fan = self._fan(key.run, key.step)
        if fan is None:
            raise UnknownRun(f"there is no run {key.run} with tasks of step {key.step!r}: see `crude-link runs`")
        return fan

    def _read_to(self, fan: int) -> dict[ArchiveName, int]:
        rows = self._database.rows("archives", fan=fan)
        return {ArchiveName(row["attempt"], row["slot"]): row["read_to"] for row in rows}

    def _done(self, fan: int) -> TaskSet:
        done = TaskSet()
        for row in self._database.rows("task_blocks", fan=fan):
            done.take(row["block"] * _BLOCK, row["done"])
        return done

    def _add_done(self, fan: int, tasks: Sequence[int]) -> None:
        blocks: dict[int, list[int]] = {}
        for task in tasks:
            blocks.setdefault(task // _BLOCK, []).append(task % _BLOCK)
        for block, places in blocks.items():
            row = self._database.first("task_block", fan=fan, block=block)
            bits = bytearray(row["done"] if row else bytes(_BLOCK // 8))
            for place in places:
                bits[place >> 3] |= 1 << (place & 7)
            self._database.change("set_task_block", fan=fan, block=block, done=bytes(bits))


def _values(fan: int, attempt: int, end: TaskEnd) -> dict[str, Bound]:
    return {
        "fan": fan,
        "task": end.task,
        "attempt": attempt,
        "number": end.number,
        "digest": signed(end.digest),
        "slot": end.slot,
        "ending": LETTERS[end.ending],
        "exit_status": end.exit_status,
        "signal": end.signal,
        "began_us": end.began_us,
        "wall_us": end.wall_us,
        "cpu_us": end.cpu_us,
        "peak_memory": end.peak_memory,
        "stdout_bytes": end.stdout_bytes,
        "stderr_bytes": end.stderr_bytes,
        "place": end.offset,
    }


def _words(fan: int, attempt: int, end: TaskEnd) -> dict[str, Bound]:
    return {
        "fan": fan,
        "task": end.task,
        "attempt": attempt,
        "number": end.number,
        "reason": bound(end.reason),
        "last_line": bound(end.last_line),
    }


def _reached(fan: int, attempt: int, ends: Sequence[TaskEnd]) -> list[dict[str, Bound]]:
    """Return up to where the archives are rows with `ends`; behind files of their own nobody has told."""
    read_to: dict[int, int] = {}
    for end in ends:
        if end.offset >= 0:
            behind = end.offset + end.stdout_bytes + end.stderr_bytes + 1
            read_to[end.slot] = max(behind, read_to.get(end.slot, 0))
    return [{"fan": fan, "attempt": attempt, "slot": slot, "read_to": place} for slot, place in read_to.items()]


def _record_of(row: Row) -> TaskRecord:
    # By place, because millions of them are read: after the attempt they come as in a TaskEnd.
    attempt, task, number, digest, slot, ending, *numbers, reason, last_line = row
    words = (text(reason), text(last_line))
    end = TaskEnd._make((task, number, unsigned(digest), slot, ENDINGS[ending], *numbers, *words, None))
    return TaskRecord(end=end, attempt=attempt)
