"""Nothing survives: stops of whole trees, and `kill -9` of the coordinator, of the agent, of both."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from executor_bench import Bench, is_running, wait_until

from crude_link.clock import SystemClock
from crude_link.errors import ExecutorError
from crude_link.executors.local import LocalExecutor
from crude_link.model.event import Ended, Held, Remarked
from crude_link.model.run import Ending
from crude_link.model.status import Status
from crude_link.model.wish import Hold, Release, Stop

#: A process in a session of its own that hears neither INT nor TERM, below one that does not either.
DEAF_TREE = """
trap '' INT TERM HUP
setsid sh -c 'trap "" INT TERM HUP; echo $$ >> pids; while :; do sleep 0.2; done' &
setsid sh -c 'trap "" INT TERM HUP; setsid sh -c "echo \\$\\$ >> pids; exec sleep 1000"; sleep 1000' &
echo $$ >> pids
while :; do sleep 0.2; done
"""

#: Two processes without a mark: their environments are cleared.
BARE_TREE = """
exec env -i "$(command -v sh)" -c 'trap "" INT TERM HUP; sleep 1000 & echo $! >> pids; echo $$ >> pids; wait; wait'
"""
TREES = pytest.mark.parametrize(("script", "count"), [(DEAF_TREE, 3), (BARE_TREE, 2)], ids=["deaf", "bare"])

COORDINATOR = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from executor_bench import Bench
from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
bench = Bench(LocalExecutor(SystemClock()), Path({folder!r}))
bench.hold()
order = bench.order("tree", "sh", "-c", {script!r})
bench.executor.start(order)
bench.started(order)
print(bench.executor.agent_pid, flush=True)
bench.wait_for(lambda _: False, 1000)
"""


class Coordinator:
    """A coordinator of its own, to be killed."""

    def __init__(self, folder: Path, script: str) -> None:
        tests = str(Path(__file__).parent.parent)
        program = COORDINATOR.format(tests=tests, folder=str(folder), script=script)
        self.process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.agent = int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    executor = LocalExecutor(SystemClock())
    bench = Bench(executor, tmp_path)
    yield bench
    executor.close()


def pids(folder: Path, count: int = 3) -> list[int]:
    """Return the processes of the tree, once they are all there."""
    path = folder / "pids"
    wait_until(lambda: path.exists() and len(path.read_text().split()) == count)
    return [int(word) for word in path.read_text().split()]


def is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_a_stop_ends_the_whole_tree(bench: Bench) -> None:
    bench.hold()
    order = bench.order("tree", "sh", "-c", DEAF_TREE, stop_grace=timedelta(seconds=0.2))
    bench.executor.start(order)
    tree = pids(bench.folder)
    bench.executor.tell(Stop(key=order.key))
    outcome = bench.end_of(order)
    assert (outcome.ending, outcome.survivors) == (Ending.STOPPED, ())
    assert not any(map(is_running, tree))


def test_the_second_stop_ends_the_whole_tree_at_once(bench: Bench) -> None:
    bench.hold()
    order = bench.order("tree", "sh", "-c", DEAF_TREE, stop_grace=timedelta(hours=1))
    bench.executor.start(order)
    tree = pids(bench.folder)
    bench.executor.tell(Stop(key=order.key))
    bench.executor.tell(Stop(key=order.key, now=True))
    bench.end_of(order)
    assert not any(map(is_running, tree))


def test_a_timeout_ends_the_whole_tree(bench: Bench) -> None:
    bench.hold()
    grace = timedelta(seconds=0.1)
    order = bench.order("tree", "sh", "-c", DEAF_TREE, stop_grace=grace, timeout=timedelta(seconds=1))
    bench.executor.start(order)
    tree = pids(bench.folder)
    assert bench.end_of(order).ending is Ending.TIMED_OUT
    assert not any(map(is_running, tree))


def test_what_a_step_leaves_behind_ends_with_it(bench: Bench) -> None:
    bench.hold()
    script = "setsid env -i sleep 1000 & echo $! > pids; sleep 1000 & echo $! >> pids"
    outcome = bench.outcome(bench.order("left", "sh", "-c", script))
    assert outcome.status is Status.SUCCEEDED
    assert not any(map(is_running, pids(bench.folder, 2)))
    remarks = [event.text for event in bench.seen if isinstance(event, Remarked)]
    assert remarks == ["left 2 processes behind (2 x sleep); they were ended"]


def test_what_ends_by_itself_soon_after_its_step_is_not_remarked_and_heard_out(bench: Bench) -> None:
    bench.hold()
    order = bench.order("tee", "sh", "-c", "(until ! kill -0 $$; do :; done; echo last) 2>/dev/null & :")
    assert bench.outcome(order).status is Status.SUCCEEDED
    assert order.log.stdout.read_text() == "last\n"
    assert not any(isinstance(event, Remarked) for event in bench.seen)


#: Ends at once, while its child is about to end and to leave a child of its own.
DAEMON = """
import os, time
if os.fork():
    os._exit(0)
os.setsid()
pid = os.fork()
if pid:
    with open("pids", "a") as pids:
        pids.write(f"{pid}\\n")
    os._exit(0)
time.sleep(1000)
"""


def test_daemons_that_come_into_being_while_their_step_ends_end_too(bench: Bench) -> None:
    bench.hold()
    for number in range(60):
        assert bench.outcome(bench.order(f"s{number}", sys.executable, "-S", "-c", DAEMON)).status is Status.SUCCEEDED
    begun = [int(word) for word in (bench.folder / "pids").read_text().split()]
    assert not [pid for pid in begun if is_running(pid)]


def test_what_a_parallel_step_runs_is_left_alone(bench: Bench) -> None:
    bench.hold()
    other = bench.order("other", "sh", "-c", "(setsid sleep 1000 & echo $! > pids); touch ready; sleep 1000")
    bench.executor.start(other)
    wait_until((bench.folder / "ready").exists)
    [pid] = pids(bench.folder, 1)
    assert bench.outcome(bench.order("short", "true")).status is Status.SUCCEEDED
    assert is_running(pid)
    bench.executor.tell(Stop(key=other.key, now=True))
    bench.end_of(other)
    assert not is_running(pid)


def test_a_killed_coordinator_leaves_nothing(tmp_path: Path) -> None:
    coordinator = Coordinator(tmp_path, DEAF_TREE)
    tree = pids(tmp_path)
    coordinator.kill()
    wait_until(lambda: not any(map(is_running, [*tree, coordinator.agent])))


@TREES
def test_a_killed_coordinator_and_its_agent_leave_nothing(tmp_path: Path, script: str, count: int) -> None:
    coordinator = Coordinator(tmp_path, script)
    tree = pids(tmp_path, count)
    os.kill(coordinator.agent, signal.SIGSTOP)
    coordinator.kill()
    os.kill(coordinator.agent, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, tree)))


def test_the_lock_of_a_killed_agent_is_free_no_sooner_than_nothing_is_left(tmp_path: Path) -> None:
    coordinator = Coordinator(tmp_path, DEAF_TREE)
    tree = pids(tmp_path)
    coordinator.kill()
    os.kill(coordinator.agent, signal.SIGKILL)
    wait_until(lambda: is_free(tmp_path / "lock-1"))
    assert not any(map(is_running, tree))


def test_the_next_coordinator_waits_until_nothing_is_left(tmp_path: Path) -> None:
    coordinator = Coordinator(tmp_path, DEAF_TREE)
    tree = pids(tmp_path)
    coordinator.kill()
    following = Bench(LocalExecutor(SystemClock()), tmp_path)
    try:
        following.hold(sweep=True)
        following.wait_for(lambda event: event == Held(run=1))
        assert not any(map(is_running, tree))
    finally:
        following.executor.close()


@TREES
def test_a_sweep_ends_what_an_agent_and_its_guard_left(tmp_path: Path, script: str, count: int) -> None:
    coordinator = Coordinator(tmp_path, script)
    tree = pids(tmp_path, count)
    children = Path(f"/proc/{coordinator.agent}/task/{coordinator.agent}/children").read_text().split()
    guards = [int(pid) for pid in children if b"crude_link.agent" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(coordinator.agent, signal.SIGSTOP)
    for pid in [*guards, coordinator.agent]:
        os.kill(pid, signal.SIGKILL)
    coordinator.kill()
    assert all(map(is_running, tree))
    following = Bench(LocalExecutor(SystemClock()), tmp_path)
    try:
        following.hold(sweep=True)
        following.wait_for(lambda event: event == Held(run=1))
        assert not any(map(is_running, tree))
    finally:
        following.executor.close()


def test_a_sweep_leaves_a_session_alone_whose_number_was_used_again(bench: Bench) -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        stat = Path(f"/proc/{stranger.pid}/stat").read_text()
        start = int(stat.rpartition(")")[2].split()[19])
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        (bench.folder / "lock-1.sessions").write_text(f"{boot} agent:dead\n+ {stranger.pid} {start - 1}\n")
        bench.hold(sweep=True)
        bench.wait_for(lambda event: event == Held(run=1))
        assert stranger.poll() is None
        stranger.kill()


def test_the_list_of_sessions_goes_with_the_last_step(bench: Bench) -> None:
    bench.hold()
    order = bench.order("one", "sh", "-c", "until [ -e go ]; do sleep 0.05; done")
    bench.executor.start(order)
    bench.started(order)
    path = bench.folder / "lock-1.sessions"
    wait_until(lambda: path.exists() and "\n+ " in path.read_text())
    (bench.folder / "go").touch()
    bench.end_of(order)
    bench.executor.tell(Release(run=1))
    wait_until(lambda: not path.exists())


def test_a_killed_agent_is_replaced_and_its_attempts_are_lost_once_nothing_lives(bench: Bench) -> None:
    executor = bench.executor
    assert isinstance(executor, LocalExecutor)
    bench.hold()
    order = bench.order("tree", "sh", "-c", DEAF_TREE)
    executor.start(order)
    tree = pids(bench.folder)
    os.kill(executor.agent_pid, signal.SIGKILL)
    outcome = bench.end_of(order)
    assert (outcome.ending, outcome.reason) == (Ending.LOST, "lost: the agent that watched it died")
    assert not any(map(is_running, tree))
    assert bench.seen.count(Held(run=1)) == 1
    assert sum(isinstance(event, Ended) for event in bench.seen) == 1
    assert any(isinstance(event, Remarked) and "replaced" in event.text for event in bench.seen)
    assert bench.outcome(bench.order("next", "true")).status is Status.SUCCEEDED


def test_a_killed_step_is_an_outcome(bench: Bench) -> None:
    bench.hold()
    order = bench.order("victim", "sleep", "1000")
    bench.executor.start(order)
    os.kill(bench.started(order), signal.SIGKILL)
    assert bench.end_of(order).reason == "killed by signal 9, not by crude-link; often out of memory"


def test_agents_that_keep_dying_are_given_up(bench: Bench) -> None:
    executor = bench.executor
    assert isinstance(executor, LocalExecutor)
    for _ in range(2):
        os.kill(executor.agent_pid, signal.SIGKILL)
        bench.wait_for(lambda event: isinstance(event, Remarked))
    os.kill(executor.agent_pid, signal.SIGKILL)
    with pytest.raises(ExecutorError, match="died 3 times"):
        bench.wait_for(lambda event: isinstance(event, Remarked))
    with pytest.raises(ExecutorError, match="died 3 times"):
        executor.start(bench.order("late", "true"))


def test_the_interrupt_and_the_hangup_of_a_terminal_do_not_reach_the_agent(bench: Bench) -> None:
    executor = bench.executor
    assert isinstance(executor, LocalExecutor)
    bench.hold()
    order = bench.order("calm", "sh", "-c", "touch ready; until [ -e go ]; do sleep 0.05; done")
    executor.start(order)
    wait_until((bench.folder / "ready").exists)
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(executor.agent_pid, number)
    (bench.folder / "go").touch()
    assert bench.end_of(order).status is Status.SUCCEEDED


def test_a_lock_that_cannot_be_had_is_said_and_its_orders_end(bench: Bench) -> None:
    order = bench.order("never", "true")
    bench.executor.tell(Hold(run=1, lock=bench.folder / "no" / "folder" / "lock", sweep=False))
    outcome = bench.outcome(order)
    assert outcome.ending is Ending.NOT_STARTED
    assert "no/folder/lock cannot be had" in outcome.reason


def test_a_dead_guard_is_replaced(bench: Bench) -> None:
    executor = bench.executor
    assert isinstance(executor, LocalExecutor)
    bench.hold()
    bench.wait_for(lambda event: event == Held(run=1))
    path = Path(f"/proc/{executor.agent_pid}/task/{executor.agent_pid}/children")
    wait_until(lambda: path.read_text().split())
    [guard] = path.read_text().split()
    os.kill(int(guard), signal.SIGKILL)
    wait_until(lambda: path.read_text().split() not in ([], [guard]))
    order = bench.order("tree", "sh", "-c", DEAF_TREE)
    executor.start(order)
    tree = pids(bench.folder)
    os.kill(executor.agent_pid, signal.SIGKILL)
    wait_until(lambda: is_free(bench.folder / "lock-1"))
    assert not any(map(is_running, tree))


def test_a_suspended_step_can_be_stopped(bench: Bench) -> None:
    bench.hold()
    order = bench.order(
        "asleep", "sh", "-c", "trap 'touch heard; exit 1' INT; touch ready; while :; do sleep 0.1; done"
    )
    bench.executor.start(order)
    pid = bench.started(order)
    wait_until((bench.folder / "ready").exists)
    os.kill(pid, signal.SIGSTOP)
    bench.executor.tell(Stop(key=order.key))
    assert bench.end_of(order).reason == "stopped"
    assert (bench.folder / "heard").exists()


def test_runs_are_held_and_lost_apart(bench: Bench) -> None:
    executor = bench.executor
    assert isinstance(executor, LocalExecutor)
    for run in (1, 2):
        bench.hold(run)
    orders = [bench.order("long", "sh", "-c", "echo x >> count; exec sleep 1000", run=run) for run in (1, 2)]
    (bench.folder / "count").touch()
    for order in orders:
        executor.start(order)
        bench.started(order)
    wait_until(lambda: (bench.folder / "count").read_text() == "x\nx\n")
    os.kill(executor.agent_pid, signal.SIGKILL)
    bench.wait_for(lambda _: sum(isinstance(event, Ended) for event in bench.seen) == 2)
    assert {event.key for event in bench.seen if isinstance(event, Ended)} == {order.key for order in orders}
    assert (bench.folder / "count").read_text() == "x\nx\n"


def test_an_agent_that_is_terminated_ends_its_steps_first(bench: Bench) -> None:
    executor = bench.executor
    assert isinstance(executor, LocalExecutor)
    bench.hold()
    order = bench.order(
        "long", "sh", "-c", "trap 'touch heard; exit 1' INT; touch ready; while :; do sleep 0.1; done"
    )
    executor.start(order)
    wait_until((bench.folder / "ready").exists)
    os.kill(executor.agent_pid, signal.SIGTERM)
    assert bench.end_of(order).ending is Ending.LOST
    assert (bench.folder / "heard").exists()
