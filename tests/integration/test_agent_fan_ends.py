"""Ends of fan-outs that are not their own: stops, time limits, and the death of who watches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from executor_bench import is_running, wait_until
from fan_bench import GRACE, KEY, FanBench, all_entries

from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
from crude_link.model.event import Ended, Remarked
from crude_link.model.order import FanOrder
from crude_link.model.run import Ending
from crude_link.model.status import Status
from crude_link.model.task import TaskOrder
from crude_link.model.wish import HandOut, Hold, SetSlots, SetTimeout, Stop

DEAF = "trap '' INT TERM; echo $$ >> pids; while :; do sleep 0.1; done"
#: A task that hears nothing, and two that have left its session and do not either; one has lost its mark.
DEAF_TREE = f"""
export DEAF="{DEAF.replace("$", chr(92) + "$")}"
setsid sh -c "$DEAF" &
env -i "$(command -v setsid)" "$(command -v sleep)" 1000 & echo $! >> pids
eval "$DEAF"
"""

COORDINATOR = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from fan_bench import FanBench
from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
bench = FanBench(LocalExecutor(SystemClock()), Path({folder!r}))
bench.open(slots=2)
bench.hand_out(*["echo fine"] * 5, *[{script!r}] * 2, *["touch never"] * 50)
bench.wait_for(lambda _: len(bench.ends()) == 5)
print(bench.executor.agent_pid, flush=True)
bench.wait_for(lambda _: False, 1000)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[FanBench]:
    executor = LocalExecutor(SystemClock())
    yield FanBench(executor, tmp_path)
    executor.close()


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A coordinator of its own, to be killed; two deaf tasks run in its fan-out."""
    tests = str(Path(__file__).parent.parent)
    program = COORDINATOR.format(tests=tests, folder=str(tmp_path), script=DEAF)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def pids(folder: Path, count: int) -> list[int]:
    """Return the processes that have told their numbers, once they all have."""
    path = folder / "pids"
    wait_until(lambda: path.exists() and len(path.read_text().split()) == count)
    return [int(word) for word in path.read_text().split()]


def test_a_stop_ends_what_runs_and_forgets_what_waits(bench: FanBench) -> None:
    bench.open(slots=2, stop_grace=GRACE)
    bench.hand_out("echo $$ >> pids; echo said; exec sleep 1000", DEAF_TREE, "touch never")
    tree = pids(bench.folder, 4)
    bench.executor.tell(Stop(key=KEY))
    outcome = bench.whole()
    assert (outcome.ending, outcome.reason, outcome.survivors) == (Ending.STOPPED, "stopped", ())
    ends = bench.ends()
    assert {task: end.status for task, end in ends.items()} == {1: Status.CANCELLED, 2: Status.CANCELLED}
    assert ends[1].reason == "stopped"
    assert ends[2].reason == "stopped (killed: it had not ended when asked to)"
    assert bench.output(ends[1])[0] == b"said\n"
    assert not any(map(is_running, tree))
    assert not (bench.folder / "never").exists()


def test_the_second_stop_ends_it_at_once(bench: FanBench) -> None:
    bench.open(stop_grace=timedelta(hours=1))
    bench.hand_out(DEAF_TREE)
    tree = pids(bench.folder, 3)
    bench.executor.tell(Stop(key=KEY))
    bench.executor.tell(Stop(key=KEY, now=True))
    assert bench.whole().ending is Ending.STOPPED
    assert not any(map(is_running, tree))


def test_a_stop_before_the_run_is_held_ends_it(bench: FanBench) -> None:
    whole = bench.order("fan", key=KEY)
    bench.executor.start(FanOrder(whole=whole, folder=bench.tasks, slots=1))
    bench.hand_out("touch never")
    bench.executor.tell(Stop(key=KEY))
    assert bench.whole().ending is Ending.STOPPED
    assert bench.ends() == {}


def test_a_time_limit_that_comes_later_holds_for_what_runs_and_says_where_it_is_from(bench: FanBench) -> None:
    bench.open(slots=1)
    bench.hand_out("echo $$ >> pids; exec sleep 1000", "exec sleep 1000", "true")
    pids(bench.folder, 1)
    bench.executor.tell(SetTimeout(key=KEY, timeout=timedelta(seconds=0.3), words="0.3 s (thrice the usual)"))
    bench.close()
    ends = bench.ends()
    assert [ends[task].ending for task in (1, 2, 3)] == [Ending.TIMED_OUT, Ending.TIMED_OUT, Ending.EXITED]
    assert {ends[task].reason for task in (1, 2)} == {"timed out after 0.3 s (thrice the usual)"}


def test_the_whole_tells_how_much_of_the_time_of_its_slots_no_task_ran(bench: FanBench) -> None:
    bench.open(slots=1)
    bench.executor.tell(SetSlots(key=KEY, slots=3))
    bench.hand_out("sleep 0.2", "true")
    outcome = bench.close()
    busy = sum((timedelta(microseconds=end.wall_us) for end in bench.ends().values()), timedelta())
    assert outcome.slot_time
    assert outcome.idle
    assert abs(outcome.slot_time - busy - outcome.idle) < timedelta(milliseconds=1)
    assert outcome.idle >= timedelta(microseconds=bench.ends()[1].wall_us)  # the third slot had nothing to do


def test_each_task_has_its_own_time_limit(bench: FanBench) -> None:
    script = "echo $$ >> pids; echo begun; exec sleep 1000"
    bench.open(timeout=timedelta(seconds=0.5), stop_grace=GRACE)
    bench.hand_out(script, DEAF_TREE, "sleep 0.1", script)
    bench.close()
    ends = bench.ends()
    assert [ends[task].ending for task in (1, 2, 4)] == [Ending.TIMED_OUT] * 3
    assert ends[1].reason == "timed out after 0.5 s"
    assert bench.output(ends[1])[0] == b"begun\n"
    assert ends[3].status is Status.SUCCEEDED
    assert not any(map(is_running, pids(bench.folder, 5)))
    assert {entry.letter for entry in all_entries(bench.tasks)[1]} == {"t", "e"}


def test_what_a_long_task_leaves_ends_before_its_slot_is_used_again(bench: FanBench) -> None:
    leave = "(setsid sh -c 'while :; do echo noise; sleep 0.01; done' & echo $! > pids); sleep 1.1; echo mine"
    ends = bench.run(leave, "echo after", slots=1)
    assert not any(map(is_running, pids(bench.folder, 1)))
    out = bench.output(ends[1])[0].split()
    assert set(out) == {b"noise", b"mine"}
    assert bench.output(ends[2]) == (b"after\n", b"")
    remarks = [event.text for event in bench.seen if isinstance(event, Remarked)]
    assert len(remarks) == 1
    assert "behind (" in remarks[0]


def test_what_short_tasks_leave_in_the_background_is_ended_with_them(bench: FanBench) -> None:
    bench.run("sleep 1000 & echo $! >> pids", "sleep 1000 & echo $! >> pids", "echo fine")
    assert not any(map(is_running, pids(bench.folder, 2)))
    remarks = [event.text for event in bench.seen if isinstance(event, Remarked)]
    assert remarks == ["left 2 processes behind (2 x sleep); they were ended"]


def test_daemons_of_short_tasks_are_ended_with_the_whole(bench: FanBench) -> None:
    bench.open()
    bench.hand_out("(setsid sleep 1000 & echo $! >> pids)", "echo fine")
    bench.wait_for(lambda _: len(bench.ends()) == 2)
    bench.close()
    assert not any(map(is_running, pids(bench.folder, 1)))
    remarks = [event.text for event in bench.seen if isinstance(event, Remarked)]
    assert remarks == ["left 1 process behind (sleep); it was ended"]


def test_the_tasks_of_a_fan_leave_those_of_a_step_beside_it_alone(bench: FanBench) -> None:
    bench.hold()
    other = bench.order("other", "sh", "-c", "(setsid sleep 1000 & echo $! > pids); touch ready; sleep 1000")
    bench.executor.start(other)
    wait_until((bench.folder / "ready").exists)
    [pid] = pids(bench.folder, 1)
    bench.run("true", "sleep 1.1", "sleep 1000 & :")
    assert is_running(pid)
    bench.executor.tell(Stop(key=other.key, now=True))
    bench.end_of(other)
    assert not is_running(pid)


def test_a_step_beside_a_fan_leaves_its_tasks_alone(bench: FanBench) -> None:
    bench.open()
    bench.hand_out("(setsid sleep 1000 & echo $! > pids); while [ ! -e go ]; do sleep 0.02; done")
    [pid] = pids(bench.folder, 1)
    assert bench.outcome(bench.order("short", "true")).status is Status.SUCCEEDED
    assert is_running(pid)
    (bench.folder / "go").touch()
    assert bench.close().status is Status.SUCCEEDED


def test_a_killed_agent_loses_the_whole_and_nothing_of_it_lives(bench: FanBench) -> None:
    bench.open(slots=2)
    bench.hand_out(*["echo fine; exit 1"] * 10, DEAF, "touch begun; " + DEAF, *["true"] * 50)
    tree = pids(bench.folder, 2)
    os.kill(bench.executor.agent_pid, signal.SIGKILL)  # type: ignore[attr-defined]  # of the LocalExecutor
    outcome = bench.whole()
    assert (outcome.ending, outcome.status) == (Ending.LOST, Status.LOST)
    assert not any(map(is_running, tree))
    starts, ends = all_entries(bench.tasks)
    assert sorted(entry.task for entry in ends) == list(range(1, 11))
    assert sorted(starts) == [(task, 1) for task in range(1, 13)]
    assert {entry.out for entry in ends} == {b"fine\n"}
    # More may have been on its way; a later attempt at the whole has archives of its own.
    bench.executor.tell(HandOut(key=KEY, tasks=[TaskOrder(99, 1, "", ("touch", "never"), {})]))
    second = KEY._replace(number=2)
    bench.executor.start(FanOrder(whole=bench.order("fan", key=second), folder=bench.tasks, slots=1))
    bench.executor.tell(HandOut(key=second, tasks=[TaskOrder(11, 2, "", ("echo", "again"), {})]))
    bench.executor.tell(Stop(key=KEY))
    bench.wait_for(lambda _: 11 in bench.ends())
    bench.executor.tell(Stop(key=second))
    bench.wait_for(lambda event: isinstance(event, Ended) and event.key == second)
    assert (bench.tasks / "2-1.archive").exists()
    assert not (bench.folder / "never").exists()


def test_a_killed_coordinator_leaves_nothing_and_what_ran_is_written_down(
    tmp_path: Path, coordinator: subprocess.Popen[str]
) -> None:
    assert coordinator.stdout
    agent = int(coordinator.stdout.readline())
    tree = pids(tmp_path, 2)
    coordinator.kill()
    wait_until(lambda: not is_running(agent))
    assert not any(map(is_running, tree))
    ends = {entry.task: entry.letter for entry in all_entries(tmp_path / "tasks")[1]}
    assert ends == {**dict.fromkeys(range(1, 6), "e"), 6: "x", 7: "x"}
    assert not (tmp_path / "never").exists()


def test_when_both_are_killed_a_sweep_finds_the_tasks(tmp_path: Path, coordinator: subprocess.Popen[str]) -> None:
    assert coordinator.stdout
    agent = int(coordinator.stdout.readline())
    tree = pids(tmp_path, 2)
    os.kill(agent, signal.SIGSTOP)
    coordinator.kill()
    os.kill(agent, signal.SIGKILL)
    executor = LocalExecutor(SystemClock())
    executor.tell(Hold(run=1, lock=tmp_path / "lock-1", sweep=True))
    bench = FanBench(executor, tmp_path)
    assert bench.outcome(bench.order("after", "true")).status is Status.SUCCEEDED
    assert not any(map(is_running, tree))
    executor.close()
