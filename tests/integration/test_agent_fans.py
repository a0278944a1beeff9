"""Fan-outs of an executor: the order of tasks, their slots, and their output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_bench import wait_until
from fan_bench import ENV, KEY, FanBench, all_entries, entries

from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
from crude_link.model.event import Remarked, TasksEnded
from crude_link.model.run import Ending
from crude_link.model.status import Status
from crude_link.model.wish import CloseFan, SetSlots


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[FanBench]:
    executor = LocalExecutor(SystemClock())
    yield FanBench(executor, tmp_path)
    executor.close()


def test_every_task_ends_once_and_its_output_is_its_own(bench: FanBench) -> None:
    scripts = [f"echo out {task}; echo err {task} >&2; exit {task % 3}" for task in range(1, 201)]
    ends = bench.run(*scripts, slots=3)
    assert sorted(ends) == list(range(1, 201))
    for task, end in ends.items():
        assert bench.output(end) == (b"out %d\n" % task, b"err %d\n" % task)
        assert end.exit_status == task % 3
        assert end.status is (Status.FAILED if task % 3 else Status.SUCCEEDED)
        assert (end.reason, end.last_line) == ((f"exit {task % 3}", f"err {task}") if task % 3 else ("", ""))
        assert end.digest == f"{task:016x}"
        assert end.wall_us > 0 < end.cpu_us
    assert {end.slot for end in ends.values()} == {1, 2, 3}


def test_tasks_begin_in_the_order_in_which_they_were_handed_out(bench: FanBench) -> None:
    bench.open(slots=1)
    for first in range(1, 41, 10):
        bench.hand_out(*["echo $N >> order"] * 10, first=first, env={"N": str(first)})
    bench.close()
    starts, ends = entries(bench.tasks / "1-1.archive")
    assert starts == [(task, 1) for task in range(1, 41)]
    assert [end.task for end in ends] == list(range(1, 41))
    assert (bench.folder / "order").read_text().split() == [str(n) for n in (1, 11, 21, 31) for _ in range(10)]


def test_no_more_tasks_run_at_once_than_there_are_slots(bench: FanBench) -> None:
    script = "mkdir slot-$$; ls -d slot-* | wc -l; sleep 0.05; rmdir slot-$$"
    ends = bench.run(*[script] * 12, slots=3)
    counts = [int(bench.output(end)[0]) for end in ends.values()]
    assert max(counts) == 3


def test_the_archives_hold_what_was_told(bench: FanBench) -> None:
    ends = bench.run("echo one", "kill -TERM $$", "exit 4", slots=2)
    starts, told = all_entries(bench.tasks)
    assert sorted(starts) == [(1, 1), (2, 1), (3, 1)]
    by_task = {entry.task: entry for entry in told}
    assert [by_task[task].letter for task in (1, 2, 3)] == ["e", "s", "e"]
    assert [by_task[task].exit_status for task in (1, 2, 3)] == ["0", "-", "4"]
    assert [by_task[task].signal for task in (1, 2, 3)] == ["-", "15", "-"]
    assert all(entry.offset == ends[entry.task].offset for entry in told)
    assert sorted(path.name for path in bench.tasks.iterdir()) == ["1-1.archive", "1-2.archive"]


def test_binary_output_is_kept_byte_by_byte(bench: FanBench) -> None:
    data = bytes(range(256)) * 100 + b"\nE 1 1 - e 0 - 0 0 0 - 0 0 a\n"
    (bench.folder / "data").write_bytes(data)
    ends = bench.run("cat data; cat data data >&2; exit 1", "echo after")
    assert bench.output(ends[1]) == (data, data * 2)
    assert bench.output(ends[2]) == (b"after\n", b"")


def test_much_output_goes_to_files_of_its_own(bench: FanBench) -> None:
    big = "head -c 3000000 /dev/zero; echo done >&2; exit 5"
    ends = bench.run("echo before", big, "echo between", big, "echo after", slots=1)
    for task in (2, 4):
        assert bench.output(ends[task]) == (bytes(3_000_000), b"done\n")
        assert (ends[task].offset, ends[task].last_line) == (-1, "done")
    assert [bench.output(ends[task])[0] for task in (1, 3, 5)] == [b"before\n", b"between\n", b"after\n"]


def test_secrets_are_masked_in_small_and_in_much_output(bench: FanBench) -> None:
    much = "i=0; while [ $i -lt 40 ]; do head -c 50001 /dev/zero; printf hunter2; i=$((i+1)); done; echo hunter2 >&2"
    ends = bench.run("echo my hunter2 is; echo hunter2hunter >&2; exit 1", much, masks=("hunter2",))
    assert bench.output(ends[1]) == (b"my *** is\n", b"***hunter\n")
    assert ends[1].last_line == "***hunter"
    assert bench.output(ends[2]) == ((bytes(50_001) + b"***") * 40, b"***\n")


def test_no_part_of_a_secret_is_told_of_a_long_last_line(bench: FanBench) -> None:
    much = "i=0; while [ $i -lt 20 ]; do printf '%09999d' 0 | sed 's/0/hunter2-/g' >&2; i=$((i+1)); done; exit 1"
    ends = bench.run(much, masks=("hunter2-",))
    assert set(ends[1].last_line) == {"*"}
    assert set(bench.output(ends[1])[1]) == set(b"*")


def test_a_task_that_truncates_its_stderr_takes_nothing_from_others(bench: FanBench) -> None:
    scripts = ["echo first >&2", "echo seen; echo lost >&2; echo hi | tee /dev/stderr", "echo last >&2; echo l"]
    ends = bench.run(*scripts, slots=1)
    assert bench.output(ends[1]) == (b"", b"first\n")
    out, err = bench.output(ends[2])
    assert out == b"seen\nhi\n"
    assert err.endswith(b"hi\n")
    assert bench.output(ends[3]) == (b"l\n", b"last\n")


def test_a_task_has_its_own_variables_over_those_of_all(bench: FanBench) -> None:
    bench.open(env={**ENV, "A": "all", "B": "all"})
    bench.hand_out("echo $A $B $C", first=1, env={"B": "mine", "C": "\udcff"})
    bench.hand_out("echo $A $B $C", first=2)
    bench.close()
    ends = bench.ends()
    assert [bench.output(ends[task])[0] for task in (1, 2)] == [b"all mine \xff\n", b"all all\n"]


def test_a_task_finds_default_signals_no_input_and_a_session_of_its_own(bench: FanBench) -> None:
    program = (
        "import os, signal, sys\n"
        "names = [s.name for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN]\n"
        "print(sorted(names), signal.pthread_sigmask(signal.SIG_BLOCK, []), os.getsid(0) == os.getpid())\n"
        "print(sys.stdin.read() == '', os.getcwd(), 'CRUDE_LINK_MARK' in os.environ)\n"
    )
    bench.open()
    bench.hand_out_commands((sys.executable, "-c", program))
    bench.close()
    lines = bench.output(bench.ends()[1])[0].decode().splitlines()
    assert lines == ["['SIGPIPE', 'SIGXFSZ'] set() True", f"True {bench.folder} True"]


def test_a_task_that_cannot_be_started_says_why_and_the_others_run(bench: FanBench) -> None:
    (bench.folder / "plain").write_text("no program\n")
    bench.open()
    bench.hand_out_commands(("no-such-program",), ("./plain",), ("sh", "-c", "echo fine"), ())
    bench.close()
    ends = bench.ends()
    assert [ends[task].ending for task in (1, 2, 4)] == [Ending.NOT_STARTED] * 3
    assert ends[1].reason.startswith("no such program: no-such-program")
    assert ends[2].reason == "./plain is not executable: chmod +x ./plain"
    assert ends[4].reason == "there is no program to start: the command is empty"
    assert bench.output(ends[3]) == (b"fine\n", b"")
    letters = {entry.task: (entry.letter, entry.err.decode()) for entry in all_entries(bench.tasks)[1]}
    assert letters[1] == ("n", ends[1].reason)
    assert letters[3] == ("e", "")


def test_ten_thousand_tasks_that_cannot_be_started_are_no_trouble(bench: FanBench) -> None:
    bench.open()
    bench.hand_out_commands(*[("./nothing",)] * 10_000)
    assert bench.close().ending is Ending.EXITED
    assert {end.ending for end in bench.ends().values()} == {Ending.NOT_STARTED}
    assert len(bench.ends()) == 10_000


def test_the_number_of_slots_changes_while_tasks_run(bench: FanBench) -> None:
    waiting = "touch began-$$; while [ ! -e go ]; do sleep 0.02; done"
    bench.open(slots=1)
    bench.hand_out(*[waiting] * 5)
    wait_until(lambda: len(list(bench.folder.glob("began-*"))) == 1)
    bench.executor.tell(SetSlots(key=KEY, slots=4))
    wait_until(lambda: len(list(bench.folder.glob("began-*"))) == 4)
    bench.executor.tell(SetSlots(key=KEY, slots=1))
    (bench.folder / "go").touch()
    bench.wait_for(lambda _: len(bench.ends()) == 5)
    bench.hand_out(*["true"] * 5, first=6)
    bench.close()
    shut = [slot for event in bench.seen if isinstance(event, TasksEnded) for slot in event.shut]
    assert sorted(shut) == [2, 3, 4]
    ends = bench.ends()
    assert {ends[task].slot for task in range(1, 5)} == {1, 2, 3, 4}
    assert {ends[task].slot for task in range(6, 11)} == {1}


def test_slots_in_which_nothing_runs_are_shut_at_once(bench: FanBench) -> None:
    bench.open(slots=3)
    bench.hand_out("true")
    bench.wait_for(lambda _: len(bench.ends()) == 1)
    bench.executor.tell(SetSlots(key=KEY, slots=3, environments=[None, {"X": "2"}, None]))
    event = bench.wait_for(lambda event: isinstance(event, TasksEnded) and len(event.shut) > 0)
    assert isinstance(event, TasksEnded)
    assert (sorted(event.shut), event.ends) == ([1, 3], [])
    bench.hand_out("echo $X", first=2)
    bench.close()
    assert bench.output(bench.ends()[2])[0] == b"2\n"


def test_a_closed_fan_ends_when_its_tasks_have(bench: FanBench) -> None:
    bench.open(slots=1)
    bench.hand_out("sleep 0.2", "true")
    outcome = bench.close()
    assert (outcome.status, outcome.exit_status) == (Status.SUCCEEDED, 0)
    assert sorted(bench.ends()) == [1, 2]


def test_what_is_forgotten_is_neither_begun_nor_told(bench: FanBench) -> None:
    bench.open(slots=1)
    bench.hand_out("touch began; while [ ! -e go ]; do sleep 0.02; done; echo done", "touch never", "touch never")
    wait_until((bench.folder / "began").exists)
    bench.executor.tell(CloseFan(key=KEY, forget=True))
    (bench.folder / "go").touch()
    assert bench.whole().status is Status.SUCCEEDED
    assert sorted(bench.ends()) == [1]
    assert not (bench.folder / "never").exists()


def test_those_that_run_longest_are_told(bench: FanBench) -> None:
    bench.open(slots=3)
    bench.hand_out("while [ ! -e go ]; do sleep 0.02; done", "sleep 0.1", "sleep 0.1; exit 1")
    bench.wait_for(lambda _: len(bench.ends()) == 2)
    (bench.folder / "go").touch()
    bench.close()
    running = [event.running for event in bench.seen if isinstance(event, TasksEnded)]
    assert running[0][0][0] == 1
    assert running[0][0][1] >= 0.1


def test_what_a_task_substitutes_may_end_by_itself(bench: FanBench) -> None:
    script = "(until ! kill -0 $$; do :; done; echo last) 2>/dev/null & echo first"
    ends = bench.run(*[script] * 3, slots=1)
    assert [bench.output(end)[0] for end in ends.values()] == [b"first\nlast\n"] * 3
    assert not any(isinstance(event, Remarked) for event in bench.seen)
