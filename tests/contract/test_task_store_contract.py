"""What every store of tasks promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_tasks import FakeTasks
from store_examples import NOT_UTF8, new_run, new_sitting

from crude_link.errors import UnknownRun
from crude_link.interfaces import TaskStore
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.status import Status
from crude_link.model.task import FailureGroup, TaskCounts, TaskEnd, TaskRecord, TaskSet
from crude_link.store.place import Project
from crude_link.store.sqlite_store import open_store


@dataclass
class Place:
    """A store of tasks, seen by one that writes and by another that looks; and two runs of a pipeline in it."""

    tasks: TaskStore
    other: TaskStore
    run: int
    next_run: int

    @property
    def key(self) -> AttemptKey:
        return self.attempt(1)

    def attempt(self, number: int) -> AttemptKey:
        return AttemptKey(self.run, "embed", 0, number)

    @property
    def next(self) -> AttemptKey:
        """The first attempt in the other run."""
        return AttemptKey(self.next_run, "embed", 0, 1)


def in_sqlite(folder: Path, held: ExitStack) -> Place:
    project = Project(directory=folder, home=folder / ".crude-link")
    store, other = held.enter_context(open_store(project)), held.enter_context(open_store(project))
    run, next_run = (store.runs.begin_run(new_run(steps=("embed",)), new_sitting()) for _ in range(2))
    return Place(store.tasks, other.tasks, run.id, next_run.id)


def in_memory(folder: Path, held: ExitStack) -> Place:
    tasks = FakeTasks(known={1, 2})
    return Place(tasks, tasks, 1, 2)


@pytest.fixture(params=[in_sqlite, in_memory], ids=["sqlite", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    make: Callable[[Path, ExitStack], Place] = request.param
    with ExitStack() as held:
        yield make(tmp_path, held)


def an_end(
    task: int,
    exit_status: int | None = 0,
    *,
    number: int = 1,
    ending: Ending = Ending.EXITED,
    digest: str = "",
    said: str = "",
) -> TaskEnd:
    has_succeeded = exit_status == 0
    return TaskEnd(
        task=task,
        number=number,
        digest=digest or f"{task:016x}",
        slot=task % 2 + 1,
        ending=ending,
        exit_status=exit_status,
        signal=None,
        began_us=1_760_000_000_000_000 + task,
        wall_us=1200,
        cpu_us=700,
        peak_memory=1_500_000,
        stdout_bytes=12,
        stderr_bytes=0,
        offset=100 * task,
        reason="" if has_succeeded else "exit 1" if ending is Ending.EXITED else ending.value,
        last_line=said,
    )


def stopped(task: int, *, number: int = 1) -> TaskEnd:
    return an_end(task, None, number=number, ending=Ending.STOPPED)


def members(tasks: TaskSet, most: int = 20_000) -> list[int]:
    found = [task for task in range(most) if task in tasks]
    assert len(found) == len(tasks)
    return found


def test_nothing_is_known_of_a_new_fan_out(place: Place) -> None:
    record = place.tasks.begin_fan(place.key, "a")
    assert (members(record.done), members(record.failed), record.tries, record.highest) == ([], [], {}, 0)
    assert record.is_same_source
    assert place.tasks.tasks_by_digest(place.key) == {}


def test_a_fan_out_of_an_unknown_run_is_refused(place: Place) -> None:
    with pytest.raises(UnknownRun, match="run 77"):
        place.tasks.begin_fan(AttemptKey(77, "embed", 0, 1), "a")


def test_of_what_never_fanned_out_nothing_is_known(place: Place) -> None:
    assert place.tasks.counts(place.run, "embed") == TaskCounts()
    assert list(place.tasks.tasks(place.run, "embed")) == []
    assert place.tasks.failures(77, "embed", 5) == []


def test_ends_come_back_as_they_were_in_the_order_of_their_numbers(place: Place) -> None:
    odd = an_end(2, None, ending=Ending.SIGNALLED, said=NOT_UTF8)._replace(
        signal=9, peak_memory=None, offset=-1, digest="f" * 16
    )
    ends = [an_end(3), odd, an_end(1, 7, said="no such file"), stopped(4)]
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, ends)
    in_order = sorted(ends)
    assert list(place.other.tasks(place.run, "embed")) == [TaskRecord(end=end, attempt=1) for end in in_order]
    unsuccessful = [record.end.task for record in place.other.tasks(place.run, "embed", failed=True)]
    assert unsuccessful == [1, 2, 4]


def test_the_next_attempt_learns_what_is_done_and_what_was_tried(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [an_end(1), an_end(9000), an_end(2, 1), stopped(5), an_end(16400)])
    place.tasks.end_tasks(place.key, [an_end(2, 1, number=2), an_end(8), an_end(8192)])
    record = place.tasks.begin_fan(place.attempt(2), "a")
    assert members(record.done) == [1, 8, 8192, 9000, 16400]
    assert members(record.failed) == [2]
    assert record.tries == {2: 2, 5: 1}
    assert record.highest == 16400
    assert list(record.walls_us) == [1200] * 5
    assert record.is_same_source


def test_a_task_that_was_never_started_has_failed(place: Place) -> None:
    refused = an_end(1, None, ending=Ending.NOT_STARTED)._replace(
        slot=0, offset=-1, reason="its arguments are too long"
    )
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [refused])
    assert members(place.tasks.begin_fan(place.attempt(2), "a").failed) == [1]
    assert [group.words for group in place.tasks.failures(place.run, "embed", 1)] == ["its arguments are too long"]


def test_the_same_end_twice_counts_once(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    for _ in range(2):
        place.tasks.end_tasks(place.key, [an_end(1), an_end(2, 1, said="no"), an_end(1)])
    assert place.other.counts(place.run, "embed") == TaskCounts(succeeded=1, failed=1)
    assert len(list(place.tasks.tasks(place.run, "embed"))) == 2


def test_a_success_is_never_overwritten(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [an_end(1)])
    place.tasks.end_tasks(place.attempt(2), [an_end(1, 1, number=2, said="no"), stopped(1, number=3)])
    (record,) = place.tasks.tasks(place.run, "embed")
    assert record == TaskRecord(end=an_end(1), attempt=1)
    assert place.tasks.failures(place.run, "embed", 5) == []


def test_a_later_try_takes_the_place_of_an_earlier_one(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [an_end(1, 1, said="first"), an_end(1, 1, number=2, said="second")])
    place.tasks.end_tasks(place.key, [an_end(1, 1, said="first")])
    assert [record.end.last_line for record in place.tasks.tasks(place.run, "embed")] == ["second"]
    place.tasks.end_tasks(place.attempt(2), [an_end(1, number=3)])
    assert [record.end.status for record in place.tasks.tasks(place.run, "embed")] == [Status.SUCCEEDED]
    assert place.tasks.counts(place.run, "embed") == TaskCounts(succeeded=1)
    assert place.tasks.begin_fan(place.attempt(3), "a").tries == {}


def test_a_retry_that_succeeds_in_the_same_batch_leaves_no_words(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [an_end(1, 1, said="no"), an_end(1, number=2)])
    (record,) = place.tasks.tasks(place.run, "embed")
    assert (record.end.status, record.end.last_line, record.end.reason) == (Status.SUCCEEDED, "", "")
    assert list(place.tasks.tasks(place.run, "embed", failed=True)) == []


def test_stopped_and_lost_tasks_have_not_failed(place: Place) -> None:
    lost = an_end(2, None, ending=Ending.LOST)
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [stopped(1), lost, an_end(3, 1)])
    assert place.tasks.counts(place.run, "embed") == TaskCounts(failed=1)
    assert [group.count for group in place.tasks.failures(place.run, "embed", 5)] == [1]


def test_a_source_that_has_changed_is_noticed_and_numbers_stay_strange_for_ever(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [an_end(1)])
    assert [place.tasks.begin_fan(place.attempt(2), source).is_same_source for source in "aabba"] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_source_that_changed_before_any_task_ended_is_a_new_one(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    assert place.tasks.begin_fan(place.attempt(2), "b").is_same_source
    assert place.tasks.begin_fan(place.attempt(3), "b").is_same_source


def test_tasks_are_found_by_digest_equal_ones_lowest_first(place: Place) -> None:
    low, high = "00000000000000ff", "ff00000000000000"
    place.tasks.begin_fan(place.key, "a")
    ends = [an_end(5, digest=high), an_end(2, 1, digest=low), an_end(1, digest=high), an_end(7)]
    place.tasks.end_tasks(place.key, ends)
    known = place.tasks.tasks_by_digest(place.key)
    assert {digest: list(tasks) for digest, tasks in known.items()} == {
        low: [2],
        high: [1, 5],
        f"{7:016x}": [7],
    }
    assert known.get("0" * 16, ()) == ()
    assert len(known) == 3


def test_steps_and_runs_are_kept_apart(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    other = place.key._replace(step="other")
    place.tasks.begin_fan(other, "a")
    place.tasks.end_tasks(other, [an_end(1)])
    assert place.tasks.counts(place.run, "embed") == TaskCounts()
    assert place.tasks.counts(place.run, "other") == TaskCounts(succeeded=1)


def test_failures_are_grouped_by_what_was_said_the_largest_first(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    ends = [an_end(task, 1, said="HTTP error") for task in range(2, 15)]
    place.tasks.end_tasks(place.key, [an_end(1, 1, said="no such file"), *ends, an_end(20, 1), an_end(21)])
    assert place.other.failures(place.run, "embed", 2) == [
        FailureGroup(count=13, words="HTTP error", tasks=tuple(range(2, 12))),
        FailureGroup(count=1, words="no such file", tasks=(1,)),
    ]
    assert place.other.failures(place.run, "embed", 9)[2].words == "exit 1"


def test_many_tasks_come_in_order_while_others_write(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [an_end(task) for task in range(1, 2501)])
    seen = []
    for record in place.other.tasks(place.run, "embed"):
        seen.append(record.end.task)
        if len(seen) == 1200:
            place.tasks.end_tasks(place.key, [an_end(2501)])
    assert seen[:2500] == list(range(1, 2501))


def test_what_succeeded_once_is_remembered_in_other_runs(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a", once=True)
    place.tasks.end_tasks(place.key, [an_end(1), an_end(2, 1), stopped(3), an_end(4, digest="ff00000000000000")])
    remembers = place.other.begin_fan(place.next, "b", once=True).remembers
    digests = [*(f"{task:016x}" for task in (1, 2, 3)), "ff00000000000000", "-"]
    assert [remembers(digest) for digest in digests] == [True, False, False, True, False]


def test_what_a_run_did_itself_is_no_memory_for_equal_inputs_are_separate_tasks(place: Place) -> None:
    own = place.tasks.begin_fan(place.key, "a", once=True).remembers
    other = place.other.begin_fan(place.next, "a", once=True).remembers
    place.tasks.end_tasks(place.key, [an_end(1)])
    assert [own(f"{1:016x}"), other(f"{1:016x}")] == [False, True]
    place.other.end_tasks(place.next, [an_end(1)])
    assert not place.tasks.begin_fan(place.attempt(2), "a", once=True).remembers(f"{1:016x}")


def test_without_once_nothing_is_remembered_and_with_it_all_that_the_run_has_done(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a")
    place.tasks.end_tasks(place.key, [an_end(1), an_end(2, 1)])
    assert not place.tasks.begin_fan(place.next, "a", once=True).remembers(f"{1:016x}")
    place.tasks.begin_fan(place.attempt(2), "a", once=True)
    record = place.tasks.begin_fan(place.next._replace(number=2), "a", once=True)
    assert [record.remembers(f"{task:016x}") for task in (1, 2)] == [True, False]


def test_a_step_does_not_remember_what_another_did(place: Place) -> None:
    place.tasks.begin_fan(place.key, "a", once=True)
    place.tasks.end_tasks(place.key, [an_end(1)])
    other = place.next._replace(step="other")
    assert not place.tasks.begin_fan(other, "a", once=True).remembers(f"{1:016x}")
