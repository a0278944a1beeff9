"""FakeTasks: the tasks of fan-outs in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from crude_link.errors import UnknownRun
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.status import Status
from crude_link.model.task import FailureGroup, FanRecord, TaskCounts, TaskEnd, TaskRecord, TaskSet


class FakeTasks:
    """Keeps ends as a store does; `log` has every write in order, as that of a MemoryStore.

    `known` are the runs there are; None: all.
    """

    def __init__(self, log: list[str] | None = None, known: set[int] | None = None) -> None:
        self.log = [] if log is None else log
        self._known = known
        self._sources: dict[tuple[int, str], str | None] = {}
        self._records: dict[tuple[int, str], dict[int, TaskRecord]] = {}
        #: The fan-outs that are remembered; by step and digest, the run that did an input first.
        self._once: set[tuple[int, str]] = set()
        self._memory: dict[tuple[str, str], int] = {}

    def begin_fan(self, key: AttemptKey, source: str, *, once: bool = False) -> FanRecord:
        if self._known is not None and key.run not in self._known:
            raise UnknownRun(f"there is no run {key.run}")
        place = key.run, key.step
        records = self._records.setdefault(place, {})
        if not records:
            self._sources[place] = source
        elif self._sources[place] != source:
            self._sources[place] = None
        (self._once.add if once else self._once.discard)(place)
        for record in records.values():
            self._remember(key, record.end)
        done, failed = TaskSet(), TaskSet()
        for task, record in records.items():
            if record.end.status is Status.SUCCEEDED:
                done.add(task)
            if record.end.status is Status.FAILED:
                failed.add(task)
        return FanRecord(
            done=done,
            failed=failed,
            tries={task: record.end.number for task, record in records.items() if task not in done},
            highest=max(records, default=0),
            is_same_source=self._sources[place] is not None,
            walls_us=[record.end.wall_us for task, record in records.items() if task in done],
            remembers=lambda digest: once and self._memory.get((key.step, digest), key.run) != key.run,
        )

    def tasks_by_digest(self, key: AttemptKey) -> Mapping[str, Sequence[int]]:
        found: dict[str, list[int]] = {}
        for record in self.tasks(key.run, key.step):
            found.setdefault(record.end.digest, []).append(record.end.task)
        return found

    def end_tasks(self, key: AttemptKey, ends: Sequence[TaskEnd]) -> None:
        records = self._records[key.run, key.step]
        for end in ends:
            self.log.append(f"{key.run}/{key.step}/{end.task}/{end.number} {end.status.value}")
            before = records.get(end.task)
            if before is None or _is_newer(before, key.number, end):
                records[end.task] = TaskRecord(end=end, attempt=key.number)
            self._remember(key, end)

    def counts(self, run: int, step: str) -> TaskCounts:
        statuses = [record.end.status for record in self.tasks(run, step)]
        return TaskCounts(succeeded=statuses.count(Status.SUCCEEDED), failed=statuses.count(Status.FAILED))

    def tasks(self, run: int, step: str, *, failed: bool = False) -> Iterator[TaskRecord]:
        for _, record in sorted(self._records.get((run, step), {}).items()):
            if not (failed and record.end.status is Status.SUCCEEDED):
                yield record

    def failures(self, run: int, step: str, most: int) -> Sequence[FailureGroup]:
        groups: dict[str, list[int]] = {}
        for record in self.tasks(run, step, failed=True):
            end = record.end
            if end.ending not in (Ending.STOPPED, Ending.LOST):
                groups.setdefault(end.last_line or end.reason, []).append(end.task)
        largest = sorted(groups.items(), key=lambda group: -len(group[1]))[:most]
        return [FailureGroup(count=len(tasks), words=words, tasks=tuple(tasks[:10])) for words, tasks in largest]

    def _remember(self, key: AttemptKey, end: TaskEnd) -> None:
        if (key.run, key.step) in self._once and end.status is Status.SUCCEEDED:
            self._memory.setdefault((key.step, end.digest), key.run)


def _is_newer(before: TaskRecord, attempt: int, end: TaskEnd) -> bool:
    if before.end.status is Status.SUCCEEDED:
        return False
    return end.status is Status.SUCCEEDED or (attempt, end.number) > (before.attempt, before.end.number)
