"""`kill -9` of a coordinator that records tasks: after it each task that ended has exactly one end."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

from store_values import HERE, NEW_RUN, PYTHON, SITTING, store_at

from crude_link.model.run import AttemptKey
from crude_link.model.status import Status

#: Ends tasks in three slots, writes each to its archive as an agent does, and records them in batches behind that.
WORKER = """
import random, sys
from crude_link.model.run import AttemptKey, Ending
from crude_link.model.task import TaskEnd
from store_values import store_at
store = store_at(sys.argv[1])
attempt, chance = int(sys.argv[2]), random.Random(int(sys.argv[2]))
key = AttemptKey(1, "train", 0, attempt)
folder = store.files.tasks(1, "train")
folder.mkdir(parents=True, exist_ok=True)
record = store.tasks.begin_fan(key, "source")
files = {slot: open(folder / f"{attempt}-{slot}.archive", "ab", buffering=0) for slot in (1, 2, 3)}
batch = []
for task in range(1, 1_000_000):
    if task in record.done:
        continue
    number = record.tries.get(task, 0) + 1
    slot, exit_status, out = chance.randint(1, 3), int(chance.random() < 0.3), b"x" * chance.randrange(200)
    files[slot].write(b"S %d %d 5\\n" % (task, number))
    head = b"E %d %d %016x e %d - 5 6 7 - %d 0 a\\n" % (task, number, task, exit_status, len(out))
    offset = files[slot].tell() + len(head)
    files[slot].write(head + out)
    files[slot].write(b"\\n")
    print(task, exit_status, flush=True)
    batch.append(TaskEnd(task, number, f"{task:016x}", slot, Ending.EXITED, exit_status, None, 5, 6, 7, None,
                         len(out), 0, offset, "exit 1" if exit_status else "", "no" if exit_status else ""))
    if len(batch) == 20:
        store.tasks.end_tasks(key, batch)
        batch = []
"""
ROUNDS = 12


def ended_before_death(folder: Path, attempt: int, tasks: int) -> list[tuple[int, int]]:
    """Let a worker end so many tasks, kill it, and return all that it ended: the task and its exit status."""
    process = subprocess.Popen(
        [*PYTHON, WORKER, folder, str(attempt)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": HERE},
        text=True,
    )
    with process:
        assert process.stdout
        told = [process.stdout.readline() for _ in range(tasks)]
        process.kill()
        told += process.stdout.readlines()
    pairs = [line.split() for line in told if line.endswith("\n")]
    return [(int(task), int(exit_status)) for task, exit_status in pairs]


def test_every_task_that_ended_has_its_end_after_every_kill(tmp_path: Path) -> None:
    chance = random.Random(4711)
    with store_at(tmp_path) as store:
        assert store.runs.begin_run(NEW_RUN, SITTING).id == 1
    done: set[int] = set()
    for attempt in range(1, ROUNDS + 1):
        ended = ended_before_death(tmp_path, attempt, chance.randrange(1, 150))
        assert not done & {task for task, _ in ended}
        done |= {task for task, exit_status in ended if exit_status == 0}
    with store_at(tmp_path) as store:
        record = store.tasks.begin_fan(AttemptKey(1, "train", 0, ROUNDS + 1), "source")
        records = {each.end.task: each for each in store.tasks.tasks(1, "train")}
        # One that ended in the very moment of the kill may not have been told.
        assert all(task in record.done for task in done)
        assert len(record.done) - len(done) <= ROUNDS
        assert len(record.done) == sum(each.end.status is Status.SUCCEEDED for each in records.values())
        assert store.tasks.counts(1, "train").succeeded == len(record.done)
        assert set(record.tries) | done <= set(range(1, record.highest + 1))
        for each in records.values():
            assert sum(map(len, store.task_logs.task_output(1, "train", each)[0])) == each.end.stdout_bytes
